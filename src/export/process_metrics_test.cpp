#include "export/process_metrics.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "export/scrape.hpp"

namespace gh::exporting {
namespace {

/// The value of a metric without labels, or -1.
double value_of(const std::string& page, const std::string& name) {
    const auto found = page.find("\n" + name + " ");
    return found == std::string::npos
               ? -1
               : std::strtod(page.c_str() + found + name.size() + 2, nullptr);
}

TEST(ProcessStat, ReadsPastAnyCommandName) {
    constexpr std::string_view line =
        "1234 (a) R 1 (b) S 1 1234 1234 0 -1 4194560 100 0 0 0 250 17 0 0 20 0 9 0 8765 104857600 "
        "2560 "
        "18446744073709551615 1 1 0\n";
    const auto stat = parse_process_stat(line);
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->cpu_ticks, 267u);
    EXPECT_EQ(stat->threads, 9u);
    EXPECT_EQ(stat->start_ticks, 8765u);
    EXPECT_EQ(stat->virtual_bytes, 104'857'600u);
    EXPECT_EQ(stat->resident_pages, 2560u);
}

TEST(ProcessStat, RefusesWhatIsShortOrNoNumber) {
    constexpr std::string_view lines[] = {
        "",
        "1234 gatehouse S 1",
        "1234 (gatehouse) S 1 1234 1234 0 -1 4194560 100 0 0 0 250 17 0 0 20 0 9 0 8765 104857600",
        "1234 (gatehouse) S 1 1234 1234 0 -1 4194560 100 0 0 0 x 17 0 0 20 0 9 0 8765 104857600 "
        "2560 1",
        "1234 (gatehouse) S 1 1234 1234 0 -1 4194560 100 0 0 0 250 17 0 0 20 0 9 0 8765 104857600 "
        "25x 1",
    };
    for (const auto line : lines) EXPECT_FALSE(parse_process_stat(line)) << line;
}

TEST(ProcessMetrics, SayWhatTheProcessIs) {
    telemetry::Registry registry;
    add_process_metrics(registry);
    const auto page = "\n" + scrape(registry, PageFormat::prometheus);
    const auto megabytes = [&](const char* name) { return value_of(page, name) / 1e6; };
    EXPECT_GT(megabytes("process_resident_memory_bytes"), 1);
    EXPECT_GE(megabytes("process_virtual_memory_bytes"),
              megabytes("process_resident_memory_bytes"));
    EXPECT_GE(value_of(page, "process_cpu_seconds_total"), 0);
    EXPECT_GE(value_of(page, "process_threads"), 1);
    struct rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(value_of(page, "process_max_fds"), static_cast<double>(limit.rlim_cur));
    const double start = value_of(page, "process_start_time_seconds");
    EXPECT_NEAR(start, static_cast<double>(std::time(nullptr)), 3600);
}

TEST(ProcessMetrics, CountDescriptorsExactly) {
    telemetry::Registry registry;
    add_process_metrics(registry);
    const auto open = [&] {
        return value_of("\n" + scrape(registry, PageFormat::prometheus), "process_open_fds");
    };
    const double before = open();
    int pair[2];
    ASSERT_EQ(::pipe(pair), 0);
    EXPECT_EQ(open(), before + 2);
    ::close(pair[0]);
    ::close(pair[1]);
    EXPECT_EQ(open(), before);
}

}  // namespace
}  // namespace gh::exporting

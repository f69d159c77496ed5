#include "export/process_metrics.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <string>

namespace gh::exporting {
namespace {

using telemetry::MetricType;
using telemetry::Samples;

constexpr std::size_t file_bytes_max = 1024 * 1024;

/// Empty when it cannot be read.
std::string read_file(const char* path) {
    std::string text;
    const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return text;
    std::array<char, 4096> part;
    while (text.size() < file_bytes_max) {
        const auto got = ::read(descriptor, part.data(), part.size());
        if (got <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(descriptor);
    return text;
}

std::optional<ProcessStat> process_stat() {
    return parse_process_stat(read_file("/proc/self/stat"));
}

double ticks_per_second() { return static_cast<double>(::sysconf(_SC_CLK_TCK)); }

/// What the clocks say of it, where a service sees of /proc its processes alone.
std::optional<double> boot_time_by_clocks() {
    timespec now{}, up{};
    if (::clock_gettime(CLOCK_REALTIME, &now) != 0 || ::clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return std::nullopt;
    return static_cast<double>(now.tv_sec - up.tv_sec);
}

/// The machine's start in seconds since 1970: the line "btime N" of /proc/stat.
std::optional<double> boot_time() {
    const auto text = read_file("/proc/stat");
    constexpr std::string_view key = "\nbtime ";
    const auto found = text.find(key);
    if (found == std::string::npos) return boot_time_by_clocks();
    const char* begin = text.data() + found + key.size();
    std::uint64_t value = 0;
    if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc{})
        return std::nullopt;
    return static_cast<double>(value);
}

std::optional<double> open_descriptors() {
    struct stat facts{};
    if (::stat("/proc/self/fd", &facts) != 0) return std::nullopt;
    if (facts.st_size > 0) return static_cast<double>(facts.st_size);  // Linux 6.2 and later
    std::error_code error;
    std::uint64_t count = 0;
    std::filesystem::directory_iterator entry("/proc/self/fd", error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
        ++count;
    if (error || count == 0) return std::nullopt;
    return static_cast<double>(count - 1);  // one was the iteration's own
}

/// One metric without labels.
void add(telemetry::Registry& registry, const char* name, const char* help, MetricType type,
         std::optional<double> (*read)()) {
    registry.collect({.name = name, .help = help, .labels = {}}, type, [read](Samples& samples) {
        if (const auto value = read()) samples.add(*value);
    });
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    // Field 3 comes next; up to field 24. Some that are not asked for are letters or negative.
    std::array<std::uint64_t, 25> fields{};
    std::size_t field = 2;
    while (field < 24) {
        const auto begin = text.find_first_not_of(" \n");
        if (begin == std::string_view::npos) return std::nullopt;
        text.remove_prefix(begin);
        const auto word = text.substr(0, text.find_first_of(" \n"));
        ++field;
        const bool wanted = field == 14 || field == 15 || field == 20 || field >= 22;
        const auto [end, error] =
            std::from_chars(word.data(), word.data() + word.size(), fields[field]);
        if (wanted && (error != std::errc{} || end != word.data() + word.size()))
            return std::nullopt;
        text.remove_prefix(word.size());
    }
    return ProcessStat{.cpu_ticks = fields[14] + fields[15],
                       .threads = fields[20],
                       .start_ticks = fields[22],
                       .virtual_bytes = fields[23],
                       .resident_pages = fields[24]};
}

void add_process_metrics(telemetry::Registry& registry) {
    using Value = std::optional<double>;
    add(registry, "process_cpu_seconds_total", "Processor time of all threads, user and system.",
        MetricType::counter, []() -> Value {
            const auto stat = process_stat();
            return stat ? Value(static_cast<double>(stat->cpu_ticks) / ticks_per_second())
                        : Value();
        });
    add(registry, "process_resident_memory_bytes", "Memory in use.", MetricType::gauge,
        []() -> Value {
            const auto stat = process_stat();
            const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
            return stat ? Value(static_cast<double>(stat->resident_pages) * page) : Value();
        });
    add(registry, "process_virtual_memory_bytes", "Address space in use.", MetricType::gauge,
        []() -> Value {
            const auto stat = process_stat();
            return stat ? Value(static_cast<double>(stat->virtual_bytes)) : Value();
        });
    add(registry, "process_threads", "Threads of the process.", MetricType::gauge, []() -> Value {
        const auto stat = process_stat();
        return stat ? Value(static_cast<double>(stat->threads)) : Value();
    });
    add(registry, "process_start_time_seconds", "Start of the process, in seconds since 1970.",
        MetricType::gauge, []() -> Value {
            const auto stat = process_stat();
            const auto boot = boot_time();
            if (!stat || !boot) return std::nullopt;
            return *boot + static_cast<double>(stat->start_ticks) / ticks_per_second();
        });
    add(registry, "process_open_fds", "File descriptors in use.", MetricType::gauge,
        &open_descriptors);
    add(registry, "process_max_fds", "File descriptors allowed.", MetricType::gauge, []() -> Value {
        struct rlimit limit{};
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
        return static_cast<double>(limit.rlim_cur);
    });
}

}  // namespace gh::exporting

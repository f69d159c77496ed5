#include "config/unit.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace gh::config {
namespace {

TEST(Duration, ReadsWholeNumbersWithAUnitAndNothingElse) {
    struct Case {
        std::string_view text;
        std::int64_t milliseconds;  // -1: refused
    };
    constexpr Case cases[] = {
        {"500ms", 500},
        {"10s", 10'000},
        {"5m", 300'000},
        {"24h", 86'400'000},
        {"30d", 2'592'000'000},
        {"0s", 0},
        {"0ms", 0},
        {"10", -1},
        {"", -1},
        {"s", -1},
        {"1.5s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1 s", -1},
        {" 1s", -1},
        {"1S", -1},
        {"010s", -1},
        {"1s2", -1},
        {"1min", -1},
        {"1h30m", -1},
        {"36525d", 3'155'760'000'000},
        {"36526d", -1},
        {"99999999999999999999s", -1},
        {"18446744073709551615ms", -1},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto value = parse_duration(c.text);
        EXPECT_EQ(value ? value->count() : -1, c.milliseconds);
    }
}

TEST(Size, MiBIsAPowerOfTwoAndMBOfTen) {
    struct Case {
        std::string_view text;
        std::int64_t bytes;  // -1: refused
    };
    constexpr Case cases[] = {
        {"64KiB", 65'536},
        {"10MB", 10'000'000},
        {"10MiB", 10'485'760},
        {"1GiB", 1'073'741'824},
        {"1GB", 1'000'000'000},
        {"1kB", 1000},
        {"1KB", 1000},
        {"0", 0},
        {"17", 17},
        {"17B", 17},
        {"", -1},
        {"KiB", -1},
        {"1 KiB", -1},
        {"1kib", -1},
        {"1M", -1},
        {"-1", -1},
        {"0x10", -1},
        {"1.5MiB", -1},
        {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
        {"9223372036854775808", -1},
        {"8589934592GiB", -1},
        {"18446744073709551616", -1},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto value = parse_size(c.text);
        EXPECT_EQ(value ? static_cast<std::int64_t>(*value) : -1, c.bytes);
    }
}

TEST(Integer, RefusesWhatSomebodyMightReadDifferently) {
    for (const auto* text : {"", "-", "+1", "01", "-01", "1_000", "0x10", "1.0", "1e3", " 1", "1 ",
                             "9223372036854775808"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_integer(text));
    }
    EXPECT_EQ(parse_integer("0"), 0);
    EXPECT_EQ(parse_integer("-5"), -5);
    EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
}

TEST(Units, WhatIsWrittenReadsBackTheSame) {
    for (const std::int64_t value : {0LL, 1LL, 999LL, 1000LL, 1500LL, 60'000LL, 90'000LL,
                                     3'600'000LL, 86'400'000LL, 31'536'000'000LL}) {
        const std::chrono::milliseconds duration(value);
        EXPECT_EQ(parse_duration(duration_text(duration)), duration) << duration_text(duration);
    }
    EXPECT_EQ(duration_text(std::chrono::hours(24 * 365)), "365d");
    EXPECT_EQ(duration_text(std::chrono::milliseconds(1500)), "1500ms");
    for (const std::uint64_t value :
         {0ULL, 1ULL, 1000ULL, 1024ULL, 32'768ULL, 10'000'000ULL, 10'485'760ULL, 1ULL << 40}) {
        EXPECT_EQ(parse_size(size_text(value)), value) << size_text(value);
    }
    EXPECT_EQ(size_text(10 * 1024 * 1024), "10MiB");
    EXPECT_EQ(size_text(10'000'000), "10MB");
}

TEST(Time, ReadsUtcToTheSecondAndChecksTheCalendar) {
    const auto time = parse_time("2028-02-29T23:59:58Z");
    ASSERT_TRUE(time);
    EXPECT_EQ(std::chrono::system_clock::to_time_t(*time), 1'835'481'598);
    EXPECT_EQ(time_text(*time), "2028-02-29T23:59:58Z");
    for (const auto* text :
         {"", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
          "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z",
          "2027-01-01T00:00:00", "2027-01-01T00:00:00+01:00", "2027-01-01 00:00:00Z", "2027-01-01",
          "2262-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2027-01-01T00:00:00.0Z"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_time(text));
    }
}

}  // namespace
}  // namespace gh::config

#include "telemetry/timestamp.hpp"

#include <gtest/gtest.h>

namespace gh::telemetry {
namespace {

TEST(Timestamp, IsRfc3339InUtcWithMilliseconds) {
    struct Case {
        std::int64_t milliseconds;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {1'000, "1970-01-01T00:00:01.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951'782'399'500, "2000-02-28T23:59:59.500Z"},
        {951'782'400'000, "2000-02-29T00:00:00.000Z"},
        {1'767'225'599'999, "2025-12-31T23:59:59.999Z"},
        {1'767'225'600'000, "2026-01-01T00:00:00.000Z"},
        {4'102'444'799'042, "2099-12-31T23:59:59.042Z"},
    };
    for (const auto& c : cases) {
        const SystemTime time(std::chrono::milliseconds(c.milliseconds));
        EXPECT_EQ(timestamp(time), c.text);
        EXPECT_EQ(parse_timestamp(c.text), time);
    }
}

TEST(Timestamp, CutsWhatIsFinerAndRemembersNoWrongSecond) {
    const SystemTime base(std::chrono::seconds(1'000'000'000));
    EXPECT_EQ(timestamp(base + std::chrono::nanoseconds(1'999'999)), "2001-09-09T01:46:40.001Z");
    EXPECT_EQ(timestamp(base + std::chrono::seconds(1)), "2001-09-09T01:46:41.000Z");
    EXPECT_EQ(timestamp(base), "2001-09-09T01:46:40.000Z");
}

TEST(Timestamp, KeepsItsShapeAtTheEndsOfTime) {
    EXPECT_EQ(timestamp(SystemTime::max()).substr(0, 19), "2262-04-11T23:47:16");
    EXPECT_EQ(timestamp(SystemTime::min()).substr(0, 19), "1677-09-21T00:12:44");
}

TEST(Timestamp, IsReadInOneSpellingOnly) {
    for (const auto* text : {"",
                             "2026-01-31",
                             "2026-01-31T23:59:59Z",
                             "2026-01-31T23:59:59.12Z",
                             "2026-01-31T23:59:59.1234Z",
                             "2026-01-31t23:59:59.123Z",
                             "2026-01-31T23:59:59.123z",
                             "2026-01-31 23:59:59.123Z",
                             "2026-01-31T23:59:59.123+",
                             "2026-01-31T23:59:59,123Z",
                             "2026-13-31T23:59:59.123Z",
                             "2026-00-31T23:59:59.123Z",
                             "2026-02-29T23:59:59.123Z",
                             "2026-01-32T23:59:59.123Z",
                             "2026-01-00T23:59:59.123Z",
                             "2026-01-31T24:00:00.000Z",
                             "2026-01-31T23:60:00.000Z",
                             "2026-01-31T23:59:60.000Z",
                             "-026-01-31T23:59:59.123Z",
                             "1677-12-31T23:59:59.999Z",
                             "2262-01-01T00:00:00.000Z"}) {
        EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
    }
    for (const auto* text : {"1678-01-01T00:00:00.000Z", "2261-12-31T23:59:59.999Z"}) {
        EXPECT_EQ(timestamp(parse_timestamp(text).value()), text);
    }
}

}  // namespace
}  // namespace gh::telemetry

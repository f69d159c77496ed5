#include "access/rate_limit_fields.hpp"

#include <gtest/gtest.h>

#include <array>

namespace gh::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

const Limit per_minute(1, 100, minutes(1));
const Limit per_hour(2, 1000, hours(1));
const Limit brief(3, 5, milliseconds(1500));

TEST(RateLimitFields, ReadAsTheDraftWritesThem) {
    const NamedDecision items[] = {
        {"client_ip",
         &per_minute,
         {.allowed = true, .limit = 100, .remaining = 50, .reset_seconds = 30}},
        {"principal", &per_hour, {.limit = 1000, .reset_seconds = 7, .retry_after_seconds = 7}},
    };
    std::array<char, rate_limit_field_bytes_max> buffer;
    EXPECT_EQ(write_rate_limit_policy(items, buffer),
              R"("client_ip";q=100;w=60, "principal";q=1000;w=3600)");
    EXPECT_EQ(write_rate_limit(items, buffer), R"("client_ip";r=50;t=30, "principal";r=0;t=7)");
    EXPECT_EQ(retry_after_seconds(items), 7U);
    EXPECT_EQ(retry_after_seconds(std::span(items).first(1)), 0U);
}

TEST(RateLimitFields, RoundAWindowUpToWholeSeconds) {
    const NamedDecision items[] = {{"brief", &brief, {}}};
    std::array<char, 64> buffer;
    EXPECT_EQ(write_rate_limit_policy(items, buffer), R"("brief";q=5;w=2)");
}

TEST(RateLimitFields, KeepANameInsideItsQuotes) {
    const NamedDecision items[] = {{"a\"b\\c\r\n\x7f\xc3", &per_minute, {}}};
    std::array<char, 64> buffer;
    EXPECT_EQ(write_rate_limit(items, buffer), R"("a\"b\\c????";r=0;t=0)");
}

TEST(RateLimitFields, LeaveOutWhatDoesNotFitWhole) {
    const NamedDecision items[] = {{"one", &per_minute, {}}, {"two", &per_hour, {}}};
    std::array<char, 64> buffer;
    const std::string_view whole = R"("one";q=100;w=60, "two";q=1000;w=3600)";
    for (std::size_t room = 0; room <= whole.size(); ++room) {
        SCOPED_TRACE(room);
        const auto written = write_rate_limit_policy(items, std::span(buffer).first(room));
        EXPECT_EQ(written, room == whole.size() ? whole : room >= 16 ? whole.substr(0, 16) : "");
    }
}

TEST(RateLimitFields, FitTheirBufferAtTheLargest) {
    const Limit largest(4, 4'294'967'295, Limit::window_max);
    const std::string name(64, '"');
    const NamedDecision item{
        name, &largest, {.remaining = 4'294'967'295, .reset_seconds = 4'294'967'295}};
    const std::array<NamedDecision, RateLimiter::charges_max> items{item, item, item, item,
                                                                    item, item, item, item};
    std::array<char, rate_limit_field_bytes_max> buffer;
    EXPECT_TRUE(write_rate_limit_policy(items, buffer).ends_with(";q=4294967295;w=31622400"));
    EXPECT_TRUE(write_rate_limit(items, buffer).ends_with(";r=4294967295;t=4294967295"));
    EXPECT_GT(write_rate_limit(items, buffer).size(), 8U * 150);
}

TEST(RateLimitFields, AreEmptyWithoutLimits) {
    std::array<char, 8> buffer;
    EXPECT_EQ(write_rate_limit({}, buffer), "");
    EXPECT_EQ(write_rate_limit_policy({}, {}), "");
}

}  // namespace
}  // namespace gh::access

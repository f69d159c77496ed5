#include "telemetry/log.hpp"

#include "codec/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gh::telemetry {
namespace {

class Lines final : public LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

SystemTime noon() { return SystemTime(std::chrono::milliseconds(1'767'268'800'042)); }

TEST(Log, WritesOneObjectALineWithItsFixedFieldsFirst) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    log.info("net", "listening")
        .field("address", "127.0.0.1")
        .field("port", 8443)
        .field("tls", true);
    log.warning("proxy", "upstream \"a\" failed")
        .request_id("r1")
        .correlation_id("c1")
        .agent_name("weather")
        .field("seconds", 0.25)
        .field("size", std::numeric_limits<std::uint64_t>::max())
        .field("delta", std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(
        lines.text,
        "{\"timestamp\":\"2026-01-01T12:00:00.042Z\",\"level\":\"INFO\",\"component\":\"net\","
        "\"message\":\"listening\",\"address\":\"127.0.0.1\",\"port\":8443,\"tls\":true}\n"
        "{\"timestamp\":\"2026-01-01T12:00:00.042Z\",\"level\":\"WARNING\",\"component\":\"proxy\","
        "\"message\":\"upstream \\\"a\\\" failed\",\"request_id\":\"r1\",\"correlation_id\":\"c1\","
        "\"agent_name\":\"weather\",\"seconds\":0.25,\"size\":18446744073709551615,"
        "\"delta\":-9223372036854775808}\n");
}

TEST(Log, SaysNothingBelowItsThresholdWhichCanChange) {
    Lines lines;
    Log log(lines, LogLevel::warning, &noon);
    log.debug("a", "b").field("c", "d");
    log.info("a", "b");
    EXPECT_EQ(lines.text, "");
    log.set_threshold(LogLevel::debug);
    log.debug("a", "b");
    EXPECT_TRUE(lines.text.contains("\"level\":\"DEBUG\""));
    log.set_threshold(LogLevel::error);
    EXPECT_FALSE(log.enabled(LogLevel::warning));
    EXPECT_TRUE(log.enabled(LogLevel::error));
}

TEST(Log, LeavesOutIdentifiersThatAreEmptyAndNumbersThatJsonLacks) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    log.info("a", "b").request_id("").correlation_id("").agent_name("").field(
        "ratio", std::numeric_limits<double>::infinity());
    EXPECT_TRUE(lines.text.ends_with("\"message\":\"b\",\"ratio\":null}\n")) << lines.text;
}

TEST(Log, AddsCommonFieldsToEveryLine) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    log.add_common("environment", "sta\"ging");
    log.info("a", "b").field("c", 1);
    log.info("a", "b");
    EXPECT_TRUE(
        lines.text.contains("\"message\":\"b\",\"environment\":\"sta\\\"ging\",\"c\":1}\n"));
    EXPECT_TRUE(lines.text.ends_with("\"message\":\"b\",\"environment\":\"sta\\\"ging\"}\n"))
        << lines.text;
}

TEST(Log, AnErrorIsItsReasonAndItsDetail) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    log.error("a", "b").error(Error{ErrorKind::internal, "x.y", "what happened"});
    log.error("a", "b").error(Error{ErrorKind::internal, "x.z", ""});
    EXPECT_TRUE(lines.text.contains("\"reason\":\"x.y\",\"detail\":\"what happened\"}\n"));
    EXPECT_TRUE(lines.text.contains("\"reason\":\"x.z\"}\n"));
}

TEST(Log, ALineWithinALineKeepsBothWhole) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    const auto speaks = [&] {
        log.info("inner", "i");
        return 5;
    };
    log.info("outer", "o").field("five", speaks());
    EXPECT_TRUE(lines.text.contains("\"component\":\"inner\",\"message\":\"i\"}\n{"));
    EXPECT_TRUE(lines.text.ends_with("\"component\":\"outer\",\"message\":\"o\",\"five\":5}\n"));
}

TEST(Log, BoundsValuesAndLinesAndStaysJson) {
    Lines lines;
    Log log(lines, LogLevel::info, &noon);
    {
        auto line = log.info("a", "b");
        for (int i = 0; i < 20; ++i)
            line.field("k" + std::to_string(i), std::string(100'000, '\x01'));
        line.field("late", 1).field("later", true).field("latest", 0.5);
    }
    EXPECT_LE(lines.text.size(), LogLine::line_bytes_max + 6 * LogLine::value_bytes_max + 100);
    EXPECT_FALSE(lines.text.contains("late"));
    EXPECT_TRUE(codec::json::parse(lines.text).has_value());
}

TEST(LogLevel, ReadsItsNamesInAnyCase) {
    struct Case {
        std::string_view text;
        std::optional<LogLevel> level;
    };
    constexpr Case cases[] = {
        {"DEBUG", LogLevel::debug},  {"info", LogLevel::info},   {"Warning", LogLevel::warning},
        {"warn", LogLevel::warning}, {"ERROR", LogLevel::error}, {"", std::nullopt},
        {"INFO ", std::nullopt},     {"fatal", std::nullopt},
    };
    for (const auto& c : cases) EXPECT_EQ(log_level_of(c.text), c.level) << c.text;
    for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
        EXPECT_EQ(log_level_of(name_of(level)), level);
    }
}

}  // namespace
}  // namespace gh::telemetry

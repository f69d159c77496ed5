#include "export/loki.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "config/read_for_test.hpp"
#include "export/loki_config.hpp"
#include "export/loki_queue.hpp"

namespace gh::exporting {
namespace {

using config::read_for_test;
using loki::Stream;

std::string line_of(std::string_view level, std::string_view rest = "") {
    return R"({"timestamp":"2026-01-31T12:00:00.000Z","level":")" + std::string(level) + "\"" +
           std::string(rest) + "}";
}

TEST(Loki, KnowsTheLevelOfALine) {
    EXPECT_EQ(loki::level_of(line_of("INFO")), "info");
    EXPECT_EQ(loki::level_of(line_of("WARNING")), "warning");
    EXPECT_EQ(loki::level_of(line_of("ERROR")), "error");
    EXPECT_EQ(loki::level_of(line_of("DEBUG")), "debug");
    EXPECT_EQ(loki::level_of(line_of("INFORMAL")), "unknown");
    for (const auto* text : {"", "{", "plain", R"({"timestamp":"2026","level":"INFO"})"})
        EXPECT_EQ(loki::level_of(text), "unknown") << text;
}

TEST(Loki, ABodyHasAStreamForEachLevelOfEachLog) {
    const auto first = line_of("INFO", R"(,"a":"\"\u001b")"), second = line_of("ERROR");
    std::string body;
    loki::append_body(
        body, {{"container", "a\"b"}},
        {{5, Stream::access, first}, {6, Stream::server, second}, {7, Stream::access, first}});
    const auto read = codec::json::parse(body);
    ASSERT_TRUE(read) << body;
    const auto& streams = *read->find("streams")->array();
    ASSERT_EQ(streams.size(), 2U);
    EXPECT_EQ(*streams[0].find("stream")->find_string("container"), "a\"b");
    EXPECT_EQ(*streams[0].find("stream")->find_string("stream"), "stdout");
    EXPECT_EQ(*streams[0].find("stream")->find_string("level"), "info");
    EXPECT_EQ(*streams[1].find("stream")->find_string("level"), "error");
    const auto& values = *streams[0].find("values")->array();
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(*(*values[1].array())[0].string(), "7");
    EXPECT_EQ(*(*values[1].array())[1].string(), first);
}

TEST(Loki, TimesOnlyGrowUnlessTheClockIsSetBackFar) {
    loki::Stamps stamps;
    constexpr std::int64_t hour = 3'600'000'000'000;
    EXPECT_EQ(stamps.stamp(10 * hour), 10 * hour);
    EXPECT_EQ(stamps.stamp(10 * hour), 10 * hour + 1);
    EXPECT_EQ(stamps.stamp(10 * hour - 1'000'000'000), 10 * hour + 2);
    EXPECT_EQ(stamps.stamp(9 * hour), 9 * hour);
    EXPECT_EQ(stamps.stamp(11 * hour), 11 * hour);
}

TEST(LokiQueue, GivesLinesInTheOrderOfTheirComingInBodiesOfAboutOneSize) {
    LokiQueue queue(1 << 20, 100);
    const auto line = line_of("INFO");
    ASSERT_NE(queue.add(Stream::access, line + "\n" + line + "\n", 2), LogQueue::Added::no_room);
    ASSERT_NE(queue.add(Stream::server, line + "\n", 1), LogQueue::Added::no_room);
    const auto bodies = queue.take({});
    ASSERT_EQ(bodies.size(), 2U);
    EXPECT_EQ(bodies[0].lines, 2U);
    EXPECT_EQ(bodies[1].lines, 1U);
    EXPECT_TRUE(bodies[0].text.contains(R"(["1",)"));
    EXPECT_TRUE(bodies[0].text.contains(R"(["2",)"));
    EXPECT_TRUE(bodies[1].text.contains(R"(["3",)"));
    EXPECT_TRUE(queue.take({}).empty());
}

TEST(LokiConfig, ReadsAllAndRefusesWhatCannotBeMeant) {
    const auto read = read_for_test(
        loki_type(),
        "{url: \"https://loki:3100/\", container: vos_api_gateway, labels: {node: a}, tenant: "
        "team-1, headers: {Authorization: \"${env:T}\"}, batch_bytes: 64KiB, spool: {bytes_max: "
        "1MiB}}",
        {{"T", "Bearer hush"}});
    ASSERT_EQ(read.problems, "");
    EXPECT_FALSE(read.shown.contains("hush")) << read.shown;
    const auto endpoint = loki_endpoint(read.value);
    ASSERT_TRUE(endpoint) << describe(endpoint.error());
    EXPECT_EQ(endpoint->url.target, "/loki/api/v1/push");
    EXPECT_EQ(endpoint->fields.back(),
              (std::pair<std::string, std::string>{"X-Scope-OrgID", "team-1"}));
    for (const auto* bad :
         {"{labels: {level: x}}", "{labels: {__x: y}}", "{labels: {a-b: y}}", "{labels: {1a: y}}",
          "{tenant: \"a b\"}", "{tenant: \"a\\nb\"}", "{url: \"ftp://loki\"}",
          "{url: \"http://loki:3100\"}", "{spool: {bytes_max: 1}}", "{spool: {bytes_max: 1MiB}}",
          "{interval: 0s}"}) {
        EXPECT_NE(read_for_test(loki_type(), bad).problems, "") << bad;
    }
}

}  // namespace
}  // namespace gh::exporting

#include "export/sentry.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "export/sentry_config.hpp"
#include "export/sentry_dsn.hpp"

namespace gh::exporting {
namespace {

using codec::json::Value;
using std::chrono::seconds;

const sentry::About about{
    .version = "0.1.0", .release = "1.4.2", .environment = "staging", .server_name = {}};

std::string line_of(std::string_view rest) {
    return R"({"timestamp":"2026-01-31T12:00:00.000Z","level":"ERROR","component":"storage",)"
           R"("message":"the database does not answer")" +
           std::string(rest) + "}";
}

Value event_of(std::string_view rest, const sentry::About& who = about, std::uint64_t before = 0) {
    const auto made = sentry::event_of(line_of(rest), who, std::string(32, 'a'), before);
    EXPECT_TRUE(made);
    auto read = codec::json::parse(made.value_or(""));
    EXPECT_TRUE(read) << made.value_or("");
    return read ? *std::move(read) : Value{};
}

TEST(SentryDsn, SaysWhereEventsGo) {
    struct Case {
        std::string_view text, url, key;
    };
    constexpr Case cases[] = {
        {"https://abc@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/api/42/envelope/",
         "abc"},
        {"https://a_b-1@sentry.example:9443/42", "https://sentry.example:9443/api/42/envelope/",
         "a_b-1"},
        {"https://abc@tools.example/sentry/eu/7", "https://tools.example/sentry/eu/api/7/envelope/",
         "abc"},
        {"https://abc:def@sentry.example/42", "https://sentry.example/api/42/envelope/", "abc"},
        {"https://abc:@sentry.example/42", "https://sentry.example/api/42/envelope/", "abc"},
        {"http://abc@[::1]:9000/42", "http://[::1]:9000/api/42/envelope/", "abc"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto dsn = parse_sentry_dsn(c.text);
        ASSERT_TRUE(dsn);
        EXPECT_EQ(dsn->url, c.url);
        EXPECT_EQ(dsn->public_key, c.key);
    }
}

TEST(SentryDsn, RefusesEverythingElseWithoutRepeatingIt) {
    for (const std::string_view text : {"",
                                        "abc",
                                        "https://",
                                        "https://@sentry.example/42",
                                        "https://sentry.example/42",
                                        "https://abc@sentry.example",
                                        "https://abc@sentry.example/",
                                        "ftp://abc@sentry.example/42",
                                        "https://abc@/42",
                                        "https://a b@sentry.example/42",
                                        "https://abc@sentry.example/4 2",
                                        "https://abc@sentry.example/../42",
                                        "https://abc@sentry.example//42",
                                        "https://abc@sentry.example/42?x=1",
                                        "https://abc@sentry.example/a?b/42",
                                        "https://abc@sentry.example:0/42",
                                        "https://abc@sentry.example/%34/2",
                                        "https://abc@sentry.example/a:b@c/42",
                                        "https://abc@sentry.example?a/42",
                                        "https://abc@sentry.example/a:b/42",
                                        "https://abc:d:e@sentry.example/42",
                                        "https://abc@x@sentry.example/42",
                                        "https://abc\r\n@sentry.example/42",
                                        "HTTPS://abc@sentry.example/42"}) {
        const auto dsn = parse_sentry_dsn(text);
        ASSERT_FALSE(dsn) << text;
        EXPECT_EQ(dsn.error().reason, "sentry.dsn");
        EXPECT_FALSE(dsn.error().detail.contains("example"));
    }
    const auto long_path = [](std::size_t size) {
        const std::string_view begin = "https://abc@sentry.example/", end = "/42";
        return std::string(begin) + std::string(size - begin.size() - end.size(), 'a') +
               std::string(end);
    };
    EXPECT_TRUE(parse_sentry_dsn(long_path(sentry_dsn_bytes_max)));
    EXPECT_FALSE(parse_sentry_dsn(long_path(sentry_dsn_bytes_max + 1)));
    EXPECT_TRUE(parse_sentry_dsn("https://abc@sentry.example/" + std::string(128, '1')));
    EXPECT_FALSE(parse_sentry_dsn("https://abc@sentry.example/" + std::string(129, '1')));
}

TEST(SentryDsn, PlainHttpLeadsElsewhereOnlyWhereThatIsSaid) {
    EXPECT_TRUE(check_sentry_dsn("http://abc@127.0.0.1:9000/42", false));
    EXPECT_TRUE(check_sentry_dsn("http://abc@sentry.example/42", true));
    EXPECT_EQ(check_sentry_dsn("http://abc@sentry.example/42", false).error().reason,
              "sentry.insecure");
}

TEST(SentryDsn, EveryRequestSaysWhoseItIs) {
    SentryConfig config;
    config.dsn = config::Secret("http://abc@localhost:9000/x/42");
    const auto endpoint = sentry_endpoint(config, "0.1.0");
    ASSERT_TRUE(endpoint);
    EXPECT_EQ(endpoint->url.target, "/x/api/42/envelope/");
    ASSERT_EQ(endpoint->fields.size(), 1U);
    EXPECT_EQ(endpoint->fields[0].first, "X-Sentry-Auth");
    EXPECT_EQ(endpoint->fields[0].second,
              "Sentry sentry_version=7, sentry_client=gatehouse/0.1.0, sentry_key=abc");
}

TEST(SentryEvent, TellsOfTheHouseAndOfNothingElse) {
    const auto event = event_of(
        R"(,"reason":"storage.unavailable","detail":"connect: refused","client_ip":"192.0.2.1",)"
        R"("agent_name":"ada","user_agent":"curl","authorization":"x","cookie":"y","body":"z",)"
        R"("request_id":"ada lovelace","correlation_id":"0d3c9f0e-5f43-4b1e-9a50-1f0b8f3c7a11",)"
        R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736")");
    EXPECT_EQ(*event.find_string("event_id"), std::string(32, 'a'));
    EXPECT_EQ(*event.find_string("timestamp"), "2026-01-31T12:00:00.000Z");
    EXPECT_EQ(*event.find_string("level"), "error");
    EXPECT_EQ(*event.find_string("logger"), "storage");
    EXPECT_EQ(*event.find_string("platform"), "other");
    EXPECT_EQ(*event.find_string("release"), "1.4.2");
    EXPECT_EQ(*event.find_string("environment"), "staging");
    EXPECT_EQ(event.find("server_name"), nullptr);
    EXPECT_EQ(*event.find("logentry")->find_string("formatted"),
              "the database does not answer: storage.unavailable: connect: refused");
    const auto& tags = *event.find("tags");
    EXPECT_EQ(*tags.find_string("reason"), "storage.unavailable");
    EXPECT_EQ(*tags.find_string("correlation_id"), "0d3c9f0e-5f43-4b1e-9a50-1f0b8f3c7a11");
    EXPECT_EQ(tags.object()->size(), 2U);  // request_id was somebody's own
    EXPECT_EQ(*event.find("contexts")->find("trace")->find_string("trace_id"),
              "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(event.find("extra")->object()->size(), 1U);
    for (const auto* never : {"user", "request", "breadcrumbs"})
        EXPECT_EQ(event.find(never), nullptr);
}

TEST(SentryEvent, ReleaseAndEnvironmentAreWhatSentryTakes) {
    const auto plain = event_of(
        "", {.version = "0.1.0", .release = {}, .environment = {}, .server_name = "node-a"});
    EXPECT_EQ(*plain.find_string("release"), "gatehouse@0.1.0");
    EXPECT_EQ(*plain.find_string("environment"), "production");
    EXPECT_EQ(*plain.find_string("server_name"), "node-a");
    const auto odd = event_of(
        "", {.version = "0.1.0", .release = "..", .environment = "my team/eu", .server_name = {}});
    EXPECT_EQ(*odd.find_string("release"), "gatehouse@0.1.0");
    EXPECT_EQ(*odd.find_string("environment"), "my_team_eu");
}

TEST(SentryEvent, OfPathsOnlyTheNamePasses) {
    const auto event = event_of(R"(,"file":"/srv/ada/gatehouse.yaml","cert_file":"own.pem")");
    EXPECT_EQ(*event.find("extra")->find_string("file"), "gatehouse.yaml");
    EXPECT_EQ(*event.find("extra")->find_string("cert_file"), "own.pem");
}

TEST(SentryEvent, SaysHowManyWereHeldBack) {
    EXPECT_EQ(event_of("", about, 7).find("extra")->find("held_back")->integer(), 7);
    EXPECT_EQ(event_of("").find("extra")->find("held_back"), nullptr);
}

TEST(SentryEvent, ErrorsAloneAndEachKindForItself) {
    EXPECT_TRUE(sentry::is_error(line_of("")));
    for (const auto* level : {"WARNING", "INFO", "DEBUG"}) {
        auto line = line_of("");
        line.replace(line.find("ERROR"), 5, level);
        EXPECT_FALSE(sentry::is_error(line));
    }
    const auto kind = sentry::kind_of(line_of(R"(,"reason":"a","detail":"1")"));
    EXPECT_EQ(kind, sentry::kind_of(line_of(R"(,"reason":"a","detail":"2")")));
    EXPECT_NE(kind, sentry::kind_of(line_of(R"(,"reason":"b","detail":"1")")));
    EXPECT_NE(kind, sentry::kind_of(line_of("")));
    EXPECT_EQ(sentry::kind_of(line_of("")),
              sentry::kind_of(line_of(R"(,"detail":"x\",\"reason\":\"forged")")));
}

TEST(SentryEnvelope, IsThreeLinesAndSaysTheirLength) {
    const auto text = sentry::envelope(std::string(32, 'b'), R"({"a":"é"})", about, SystemTime{});
    EXPECT_EQ(
        text,
        R"({"event_id":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","sent_at":"1970-01-01T00:00:00.000Z",)"
        R"("sdk":{"name":"gatehouse","version":"0.1.0"}})"
        "\n"
        R"({"type":"event","length":10,"content_type":"application/json"})"
        "\n"
        R"({"a":"é"})"
        "\n");
}

TEST(SentryLimits, AreThoseOfErrors) {
    struct Case {
        unsigned status;
        std::string_view limits;
        seconds retry_after, wanted;
    };
    constexpr Case cases[] = {
        {200, "", seconds(0), seconds(0)},
        {200, "", seconds(9), seconds(0)},
        {503, "", seconds(9), seconds(0)},
        {429, "", seconds(9), seconds(9)},
        {429, "", seconds(0), seconds(60)},
        {429, "60:transaction:key, 2700:default;error;security:organization", seconds(9),
         seconds(2701)},
        {200, "60::organization, 2700::organization", seconds(0), seconds(2701)},
        {200, "12.5:error:project:quota:x;y", seconds(0), seconds(13)},
        {429, "60:transaction:key", seconds(9), seconds(0)},
        {200, "60", seconds(0), seconds(61)},
        {200, "-5:error:key,x:error:key,:error:key,nan:error:key,,", seconds(0), seconds(0)},
        {200, "1e300:error:key", seconds(0), seconds(86'401)},
        {200, "60:errors;terror:key", seconds(0), seconds(0)},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(sentry::forbidden_for(c.status, c.limits, c.retry_after), c.wanted) << c.limits;
    }
}

TEST(SentryRepeats, AFloodOfOneKindLetsAFewPassAndCountsTheRest) {
    sentry::Repeats repeats;
    SteadyTime now{std::chrono::hours(1)};
    std::size_t passed = 0;
    for (int i = 0; i < 10'000; ++i) passed += repeats.look_at(1, now).passes ? 1 : 0;
    EXPECT_EQ(passed, sentry::Repeats::same_max);
    EXPECT_TRUE(repeats.look_at(2, now).passes);
    now += sentry::Repeats::window - seconds(1);
    EXPECT_FALSE(repeats.look_at(1, now).passes);
    now += seconds(1);
    const auto again = repeats.look_at(1, now);
    EXPECT_TRUE(again.passes);
    EXPECT_EQ(again.before, 10'000U - sentry::Repeats::same_max + 1);
    EXPECT_EQ(repeats.look_at(1, now).before, 0U);
}

TEST(SentryRepeats, WhatGotNowhereIsToldOfByTheNext) {
    sentry::Repeats repeats;
    SteadyTime now{std::chrono::hours(1)};
    for (std::uint32_t i = 0; i < sentry::Repeats::same_max + 3; ++i)
        static_cast<void>(repeats.look_at(1, now));
    now += sentry::Repeats::window;
    const auto lost = repeats.look_at(1, now);
    EXPECT_EQ(lost.before, 3U);
    repeats.give_back(1, lost.before);
    repeats.give_back(2, 7);  // of no kind that is known
    EXPECT_EQ(repeats.look_at(1, now).before, 4U);
    EXPECT_EQ(repeats.look_at(2, now).before, 0U);
}

TEST(SentryRepeats, RemembersOnlySoMany) {
    sentry::Repeats repeats;
    SteadyTime now{std::chrono::hours(1)};
    for (std::uint64_t kind = 0; kind <= sentry::Repeats::kinds_max; ++kind) {
        now += std::chrono::milliseconds(1);
        for (std::uint32_t i = 0; i < sentry::Repeats::same_max; ++i)
            EXPECT_TRUE(repeats.look_at(kind, now).passes);
    }
    EXPECT_FALSE(repeats.look_at(1, now).passes);
    EXPECT_TRUE(repeats.look_at(0, now).passes);  // forgotten
}

}  // namespace
}  // namespace gh::exporting

#include "audit/record.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "audit/redaction.hpp"

namespace gh::audit {
namespace {

using namespace std::string_literals;
using access::PrincipalType;

Record sample() {
    return {
        .id = "019c1632-5f53-7b1e-8c55-0a1b2c3d4e5f",
        .time = SystemTime(std::chrono::milliseconds(1'769'903'999'123)),
        .severity = Severity::medium,
        .actor_type = PrincipalType::delegated,
        .actor = "alice",
        .act = {"planner", "frontend"},
        .action = "agent.quarantine",
        .object_type = "agent",
        .object_id = "build-7",
        .outcome = Outcome::denied,
        .request_id = "req-1",
        .correlation_id = "corr-1",
        .client = codec::IpAddress::parse("2001:db8::7").value(),
        .details = {{"reason", "access.role"s},
                    {"attempts", std::int64_t{3}},
                    {"forced", false},
                    {"note", nullptr}},
    };
}

// Frozen: leaves are hashed, so a log written by this version must read the same in every later one.
constexpr std::string_view sample_line =
    R"({"v":1,"id":"019c1632-5f53-7b1e-8c55-0a1b2c3d4e5f","time":"2026-01-31T23:59:59.123Z",)"
    R"("severity":"medium","actor":{"type":"delegated","subject":"alice"},"act":["planner","frontend"],)"
    R"("action":"agent.quarantine","object":{"type":"agent","id":"build-7"},"outcome":"denied",)"
    R"("request_id":"req-1","correlation_id":"corr-1","client":"2001:db8::7",)"
    R"("details":{"reason":"access.role","attempts":3,"forced":false,"note":null}})";

std::string_view reason_of(const auto& result) { return result ? "" : result.error().reason; }

TEST(Record, IsOneLineOfFixedOrder) {
    EXPECT_EQ(encode_record(sample()), sample_line);
    EXPECT_EQ(parse_record(sample_line).value(), sample());
}

TEST(Record, HasEveryMemberAlsoWhereNothingIsKnown) {
    constexpr std::string_view line =
        R"({"v":1,"id":"","time":"1970-01-01T00:00:00.000Z","severity":"info",)"
        R"("actor":{"type":"anonymous","subject":""},"act":[],"action":"","object":{"type":"","id":""},)"
        R"("outcome":"success","request_id":"","correlation_id":"","client":"","details":{}})";
    EXPECT_EQ(encode_record({}), line);
    EXPECT_EQ(parse_record(line).value(), Record{});
}

TEST(Record, EveryNameIsReadBack) {
    auto record = sample();
    for (int i = 0; i <= static_cast<int>(PrincipalType::delegated); ++i) {
        record.actor_type = static_cast<PrincipalType>(i);
        record.severity = static_cast<Severity>(i % 5);
        record.outcome = static_cast<Outcome>(i % 3);
        EXPECT_EQ(parse_record(encode_record(record)).value(), record);
    }
}

TEST(Record, BytesThatAreNoTextAreReplacedTheSameWayEverywhere) {
    struct Case {
        std::string bytes;
        std::string_view json;
    };
    const Case cases[] = {
        {"a\"b\\c\n", R"(a\"b\\c\n)"},
        {"\x01\x1f\x7f", R"(\u0001\u001f\u007f)"},
        {"\xc2\x9b", R"(\u009b)"},  // C1: a terminal would obey it
        {"\0"s, "\xef\xbf\xbd"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xef\xbf\xbd", "\xef\xbf\xbd"},
        {"h\xc3\xa9 \xf0\x9f\x98\x80", "h\xc3\xa9 \xf0\x9f\x98\x80"},
        {"</script>", "</script>"},
    };
    for (const auto& c : cases) {
        Record record;
        record.actor = c.bytes;
        const auto line = encode_record(record);
        EXPECT_NE(line.find("\"subject\":\"" + std::string(c.json) + "\""), line.npos) << line;
        EXPECT_EQ(line.find('\n'), line.npos);
        const auto read = parse_record(line).value();
        EXPECT_EQ(encode_record(read), line);
    }
}

TEST(Record, LongTextsAreCutAndSaySo) {
    Record record;
    record.actor = std::string(record_subject_bytes_max, 'x');
    EXPECT_EQ(parse_record(encode_record(record)).value().actor, record.actor);
    record.actor += 'x';
    EXPECT_EQ(parse_record(encode_record(record)).value().actor,
              std::string(record_subject_bytes_max - 3, 'x') + "…");
    // Not within a character.
    record.actor = std::string(record_subject_bytes_max - 4, 'x') + "\xf0\x9f\x98\x80" + "yz";
    EXPECT_EQ(parse_record(encode_record(record)).value().actor,
              std::string(record_subject_bytes_max - 4, 'x') + "…");
    // What is replaced grows before it is cut.
    record.actor = std::string(record_subject_bytes_max, '\xff');
    EXPECT_LE(parse_record(encode_record(record)).value().actor.size(), record_subject_bytes_max);
}

TEST(Record, SurplusIsCounted) {
    Record record;
    for (std::size_t i = 0; i < record_details_max; ++i) {
        record.details.push_back({"d" + std::to_string(i), static_cast<std::int64_t>(i)});
    }
    EXPECT_EQ(parse_record(encode_record(record)).value().details, record.details);
    for (const auto* name : {"one", "more"}) record.details.push_back({name, true});
    auto read = parse_record(encode_record(record)).value();
    ASSERT_EQ(read.details.size(), record_details_max);
    EXPECT_EQ(read.details[14], record.details[14]);
    EXPECT_EQ(read.details[15], (Detail{"…", std::int64_t{3}}));
    EXPECT_EQ(encode_record(read), encode_record(record));
    // Two of one name: the first counts.
    record.details = {{"a", true}, {"a", false}, {"…", true}};
    read = parse_record(encode_record(record)).value();
    EXPECT_EQ(read.details, (std::vector<Detail>{{"a", true}, {"…", std::int64_t{2}}}));

    record.act.assign(record_actors_max, "agent");
    EXPECT_EQ(parse_record(encode_record(record)).value().act, record.act);
    record.act.emplace_back("one more");
    read = parse_record(encode_record(record)).value();
    ASSERT_EQ(read.act.size(), record_actors_max);
    EXPECT_EQ(read.act.back(), "…");
    EXPECT_EQ(encode_record(read), encode_record(record));
}

TEST(Record, TheWorstRecordIsNotTooLong) {
    const std::string bad(2000, '\x01');
    Record record{
        .id = bad,
        .severity = Severity::critical,
        .actor_type = PrincipalType::certificate,
        .actor = bad,
        .act = std::vector<std::string>(20, bad),
        .action = bad,
        .object_type = bad,
        .object_id = bad,
        .request_id = bad,
        .correlation_id = bad,
        .client = codec::IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666").value(),
        .details = {}};
    for (int i = 0; i < 20; ++i) record.details.push_back({std::to_string(i) + bad, bad});
    const auto line = encode_record(record);
    EXPECT_LE(line.size(), record_bytes_max);
    EXPECT_TRUE(parse_record(line));
    EXPECT_EQ(reason_of(parse_record(std::string(record_bytes_max + 1, ' '))),
              "audit.record_too_large");
}

TEST(Record, NumbersThatReadersCannotHoldAreText) {
    constexpr auto exact = (std::int64_t{1} << 53) - 1;
    Record record;
    record.details = {{"most", exact}, {"least", -exact}, {"more", exact + 1}, {"min", INT64_MIN}};
    const auto read = parse_record(encode_record(record)).value();
    EXPECT_EQ(read.details, (std::vector<Detail>{{"most", exact},
                                                 {"least", -exact},
                                                 {"more", "9007199254740992"s},
                                                 {"min", "-9223372036854775808"s}}));
}

TEST(Record, SecretsStayOut) {
    const std::string jwt = "eyJhbGciOiJub25lIn0.e30.c2ln";
    auto record = sample();
    record.object_id = jwt;
    record.details = {{"new_password", "hunter2"s},
                      {"pin_token", std::int64_t{1234}},
                      {"seen", jwt},
                      {"password", true},
                      {"token_id", "k7"s},
                      {jwt, "x"s}};
    const auto line = encode_record(record);
    EXPECT_EQ(line.find("hunter2"), line.npos);
    EXPECT_EQ(line.find("1234"), line.npos);
    EXPECT_EQ(line.find("eyJ"), line.npos);
    const std::string mark(redacted);
    const auto read = parse_record(line).value();
    EXPECT_EQ(read.object_id, mark);
    EXPECT_EQ(read.details, (std::vector<Detail>{{"new_password", mark},
                                                 {"pin_token", mark},
                                                 {"seen", mark},
                                                 {"password", true},
                                                 {"token_id", "k7"s},
                                                 {mark, "x"s}}));
}

TEST(Record, WhatLooksLikeASecretDoesSoAlsoAfterItWasCleaned) {
    // Six bytes that are no text become eighteen, and too short a credential became long enough to be taken for one.
    Record record;
    record.actor = "Bearer " + std::string(6, '\xff') + "abcd";
    const auto line = encode_record(record);
    EXPECT_EQ(parse_record(line).value().actor, redacted);
    EXPECT_EQ(encode_record(parse_record(line).value()), line);
    // And what is cut off counts.
    record.actor = "see " + std::string(300, ' ') + "eyJhbGciOiJub25lIn0.e30.c2ln";
    EXPECT_EQ(parse_record(encode_record(record)).value().actor, redacted);
}

TEST(Record, NoOtherTextOfTheSameRecordIsTaken) {
    const std::string line(sample_line);
    const auto with = [&](std::string_view what, std::string_view by) {
        auto text = line;
        return text.replace(text.find(what), what.size(), by);
    };
    constexpr auto malformed = "audit.record_malformed",
                   not_canonical = "audit.record_not_canonical";
    const std::pair<std::string, std::string_view> cases[] = {
        {"", malformed},
        {"{}", malformed},
        {"[]", malformed},
        {line + "\n", not_canonical},
        {" " + line, not_canonical},
        {line + line, malformed},
        {with(R"("v":1)", R"("v":2)"), malformed},
        {with(R"("v":1)", R"("v":1.0)"), malformed},
        {with(R"("v":1)", R"("v": 1)"), not_canonical},
        {with(R"(,"severity":"medium")", ""), malformed},
        {with(R"("medium")", R"("Medium")"), malformed},
        {with(R"("severity":"medium")", R"("severity":"medium","more":1)"), not_canonical},
        {with(R"("id":"019c)", R"("id":"x","id":"019c)"), malformed},  // a name twice
        {with(R"("alice")", "7"), malformed},
        {with(R"("alice")", R"("\u0061lice")"), not_canonical},
        {with(R"(["planner","frontend"])", R"(["planner",1])"), malformed},
        {with(R"(["planner","frontend"])", R"("planner")"), malformed},
        {with("2001:db8::7", "2001:DB8::7"), not_canonical},
        {with("2001:db8::7", "localhost"), malformed},
        {with("23:59:59.123Z", "23:59:60.000Z"), malformed},
        {with("23:59:59.123Z", "23:59:59Z"), malformed},
        {with(R"("attempts":3)", R"("attempts":-0)"), not_canonical},
        {with(R"("attempts":3)", R"("attempts":3.5)"), malformed},
        {with(R"("attempts":3)", R"("attempts":{})"), malformed},
        {with(R"("attempts":3)", R"("attempts":[])"), malformed},
    };
    for (const auto& [text, reason] : cases)
        EXPECT_EQ(reason_of(parse_record(text)), reason) << text;
}

TEST(Record, WhatWasLoggedIsReadWhateverIsRedactedToday) {
    // Rules about secrets may grow; they judge what goes in, not what is there.
    const std::string line =
        R"({"v":1,"id":"","time":"1970-01-01T00:00:00.000Z","severity":"info",)"
        R"("actor":{"type":"anonymous","subject":"Bearer abcdefghijklmnopq"},"act":[],)"
        R"("action":"","object":{"type":"","id":""},"outcome":"success","request_id":"",)"
        R"("correlation_id":"","client":"","details":{"password":"x"}})";
    EXPECT_TRUE(parse_record(line));
}

}  // namespace
}  // namespace gh::audit

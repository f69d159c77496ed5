#include "app/audit_filter.hpp"

#include <gtest/gtest.h>

namespace gh::app {
namespace {

const SystemTime now{seconds(1'800'000'000)};

TEST(AuditFilter, TakesDurationsAndMoments) {
    const auto filter = filter_of({.actor = "ada",
                                   .action = {},
                                   .object = "k1",
                                   .object_type = "key",
                                   .severity = "high",
                                   .since = "24h",
                                   .until = "2027-01-15T07:00:00Z"},
                                  now)
                            .value();
    EXPECT_EQ(filter.actor, "ada");
    EXPECT_FALSE(filter.action);
    EXPECT_EQ(filter.object_id, "k1");
    EXPECT_EQ(filter.object_type, "key");
    EXPECT_EQ(filter.severity_min, audit::Severity::high);
    EXPECT_EQ(filter.since, now - std::chrono::hours(24));
    EXPECT_EQ(filter.until, now - std::chrono::hours(1));
}

TEST(AuditFilter, RefusesWhatItCannotRead) {
    AuditOptions options;
    for (const auto* text : {"yesterday", "10", "2027-01-31", "-1h"}) {
        options.since = text;
        EXPECT_EQ(filter_of(options, now).error().reason, "usage") << text;
    }
    options.since.clear();
    options.severity = "High";
    EXPECT_EQ(filter_of(options, now).error().reason, "usage");
}

TEST(AuditFilter, ShowsALineThatDoesNothingToATerminal) {
    audit::Record record;
    record.id = "1";
    record.time = now;
    record.actor = "eve\x1b[2J\nada";
    record.action = "key.create and more";
    record.object_type = "key";
    record.object_id = "k\r1";
    record.details = {{"na me", "a \"b\"\x07"}, {"count", std::int64_t{3}}, {"on", true}};
    const audit::Entry entry{.index = 7, .record = encode_record(record)};
    EXPECT_EQ(shown(entry, false),
              "7 2027-01-15T08:00:00.000Z info success anonymous:eve\\u001b[2J\\nada "
              "key.create_and_more key:k\\r1 - na_me=\"a \\\"b\\\"\\u0007\" count=3 on=true\n");
    EXPECT_EQ(shown(entry, true), "{\"index\":7,\"record\":" + entry.record + "}\n");
    EXPECT_EQ(shown({.index = 7, .record = "{}\x1b"}, false),
              "7 is not written as records are; see gatehouse audit verify\n");
}

}  // namespace
}  // namespace gh::app

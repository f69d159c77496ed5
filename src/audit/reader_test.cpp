#include "audit/reader.hpp"

#include "audit/testing.hpp"

namespace gh::audit {
namespace {

using storage::run_to_end;

class AuditReaderTest : public LogTest {
 protected:
    /// actor, action, object, severity, seconds after `now`
    struct Row {
        std::string_view actor, action, object_type, object_id;
        Severity severity;
        int at;
    };
    static constexpr Row rows[] = {
        {"ann", "key.create", "key", "k1", Severity::info, 0},
        {"bob", "key.revoke", "key", "k1", Severity::high, 10},
        {"ann", "user.sign_in", "user", "ann", Severity::info, 20},
        {"eve", "user.sign_in", "user", "ann", Severity::medium, 5},  // told late
        {"ann", "key.revoke", "key", "k2", Severity::critical, 30},
        {"", "user.sign_in", "agent", "ann", Severity::low, 40},
    };
    void SetUp() override {
        LogTest::SetUp();
        if (IsSkipped()) return;
        for (std::size_t i = 0; i < std::size(rows); ++i) {
            auto record = record_of(std::to_string(i));
            record.actor = rows[i].actor;
            record.action = rows[i].action;
            record.object_type = rows[i].object_type;
            record.object_id = rows[i].object_id;
            record.severity = rows[i].severity;
            record.time = now + seconds(rows[i].at);
            append(record);
        }
        reader.emplace(*database);
    }
    static std::string ids_of(const std::vector<Entry>& entries) {
        std::string all;
        for (const auto& entry : entries) {
            const auto record = parse_record(entry.record).value();
            EXPECT_EQ(record.id, std::to_string(entry.index));
            all += record.id;
        }
        return all;
    }
    std::string oldest(const Filter& filter, std::size_t limit = 100) {
        const auto span = run_to_end(reader->span(filter)).value();
        return ids_of(run_to_end(reader->oldest(span, filter, limit)).value());
    }
    std::string newest(const Filter& filter, std::size_t limit = 100) {
        const auto span = run_to_end(reader->span(filter)).value();
        return ids_of(run_to_end(reader->newest(span, filter, limit)).value());
    }
    [[nodiscard]] std::string plan_of(const std::string& sql) const {
        const auto text = "EXPLAIN QUERY PLAN " + sql;
        const storage::Statement explain{.name = "t.explain", .sql = text};
        const auto steps = run_to_end(database->query(explain)).value();
        std::string plan;
        for (std::size_t i = 0; i < steps.size(); ++i) plan += steps[i].text(3) + "\n";
        return plan;
    }
    std::optional<Reader> reader;
};
INSTANTIATE_TEST_SUITE_P(Engines, AuditReaderTest, storage::both_engines, storage::engine_name);

TEST_P(AuditReaderTest, FindsByEachThingAndByAllTogether) {
    struct Case {
        Filter filter;
        std::string_view ids;
    };
    const Case cases[] = {
        {{}, "012345"},
        {{.actor = "ann"}, "024"},
        {{.actor = ""}, "5"},
        {{.actor = "nobody"}, ""},
        {{.action = "user.sign_in"}, "235"},
        {{.object_id = "ann"}, "235"},
        {{.object_type = "user", .object_id = "ann"}, "23"},
        {{.object_type = "key"}, "014"},
        {{.severity_min = Severity::medium}, "134"},
        {{.since = now + seconds(10)}, "1245"},
        {{.until = now + seconds(10)}, "03"},
        {{.since = now + seconds(5), .until = now + seconds(20)}, "13"},
        {{.since = now + seconds(99)}, ""},
        {{.until = now}, ""},
        {{.actor = "ann", .action = "key.revoke", .object_id = "k2"}, "4"},
        {{.actor = "ann", .severity_min = Severity::low, .since = now + seconds(1)}, "4"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.ids);
        EXPECT_EQ(oldest(c.filter), c.ids);
        EXPECT_EQ(newest(c.filter), std::string(c.ids.rbegin(), c.ids.rend()));
    }
}

TEST_P(AuditReaderTest, GivesPages) {
    EXPECT_EQ(oldest({}, 2), "01");
    EXPECT_EQ(newest({}, 2), "54");
    EXPECT_EQ(newest({.actor = "ann"}, 1), "4");
    const auto page = run_to_end(reader->oldest({.begin = 2, .end = 4}, {}, 100)).value();
    EXPECT_EQ(ids_of(page), "23");
    EXPECT_TRUE(run_to_end(reader->oldest({.begin = 6, .end = UINT64_MAX}, {}, 100))->empty());
    EXPECT_TRUE(run_to_end(reader->oldest({.begin = 4, .end = 2}, {}, 100))->empty());
    append_some(1'100);
    EXPECT_EQ(run_to_end(reader->oldest({.begin = 0, .end = 2'000}, {}, 5'000))->size(),
              Reader::limit_max);
}

TEST_P(AuditReaderTest, LooksAtOneIndexOnly) {
    if (GetParam() != storage::Dialect::sqlite) GTEST_SKIP() << "PostgreSQL plans by statistics";
    // What SQLite says about a look for the newest of one thing, or of one time: through its index, without sorting.
    static constexpr std::pair<std::string_view, std::string_view> cases[] = {
        {"object_id = 'x'", "audit_records_by_object (object_id=? AND rowid>? AND rowid<?)"},
        {"actor = 'x'", "audit_records_by_actor (actor=? AND rowid>? AND rowid<?)"},
        {"action = 'x'", "audit_records_by_action (action=? AND rowid>? AND rowid<?)"},
    };
    for (const auto& [lead, index] : cases) {
        EXPECT_EQ(
            plan_of("SELECT leaf_index, record FROM audit_records WHERE " + std::string(lead) +
                    " AND leaf_index >= 0 AND leaf_index < 9 AND +at >= 0 "
                    "AND ('y' IS NULL OR actor = 'y') ORDER BY leaf_index DESC LIMIT 10"),
            "SEARCH audit_records USING INDEX " + std::string(index) + "\n");
    }
    EXPECT_EQ(plan_of("SELECT min(+leaf_index) FROM audit_records WHERE at >= 5"),
              "SEARCH audit_records USING COVERING INDEX audit_records_by_time (at>?)\n");
}

}  // namespace
}  // namespace gh::audit

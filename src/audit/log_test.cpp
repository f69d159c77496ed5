#include "audit/log.hpp"

#include <set>
#include <thread>

#include "audit/testing.hpp"

namespace gh::audit {
namespace {

using storage::run_to_end;
using storage::Session;
using storage::Statement;

constexpr Statement select_rejects{.name = "t.rejects", .sql = "SELECT kind FROM journal_rejects"};

class AuditLogTest : public LogTest {
 protected:
    /// All at once, from one loop.
    void append_together(int count, const std::string& prefix) {
        net::Loop loop;
        int left = count;
        auto one = [&](int i) -> Task<> {
            auto record = record_of(prefix + std::to_string(i));
            EXPECT_TRUE(co_await writer->log.append(std::move(record)));
            if (--left == 0) loop.stop();
        };
        loop.post([&] {
            for (int i = 0; i < count; ++i) spawn(one(i));
        });
        loop.run();
    }
    bool shows(std::string_view line) {
        std::string page;
        writer->registry.render(page);
        return page.contains(line);
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, AuditLogTest, storage::both_engines, storage::engine_name);

TEST_P(AuditLogTest, GivesEachRecordTheNextIndex) {
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(writer->append(id), "");
    EXPECT_EQ(ids(), (Ids{"a", "b", "c"}));
    EXPECT_TRUE(shows("audit_records_total{outcome=\"kept\"} 3\n"));
}

TEST_P(AuditLogTest, WhatIsToldTwiceIsOneRecord) {
    for (const auto* id : {"a", "b", "a", "c", "b"}) EXPECT_EQ(writer->append(id), "");
    EXPECT_EQ(ids(), (Ids{"a", "b", "c"}));
    auto twice = [](Session& session) {
        std::vector<Leaf> leaves;
        for (const auto* id : {"d", "a", "d"}) leaves.push_back(make_leaf(record_of(id)));
        return append_leaves(session, std::make_shared<const std::vector<Leaf>>(std::move(leaves)));
    };
    EXPECT_EQ(run_to_end(database->write(twice)).value(), 1U);
    EXPECT_EQ(ids(), (Ids{"a", "b", "c", "d"}));
}

TEST_P(AuditLogTest, ARecordWithoutIdIsGivenOne) {
    EXPECT_EQ(writer->append(""), "");
    EXPECT_EQ(writer->append(""), "");
    const auto all = ids();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_NE(all[0], all[1]);
    EXPECT_EQ(all[0].size(), 36U);
}

TEST_P(AuditLogTest, ActAndRecordAreBothThereOrNeither) {
    ASSERT_EQ(try_sql("CREATE TABLE acts (name TEXT PRIMARY KEY)"), "");
    static constexpr Statement act{.name = "t.act", .sql = "INSERT INTO acts (name) VALUES ($1)"};
    auto both = [](Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await session.execute(act, "x"));
        co_return co_await Log::append(session, record_of("a"));
    };
    EXPECT_TRUE(run_to_end(database->write(both)));
    EXPECT_EQ(run_to_end(database->write(both)).error().reason, "storage.unique");
    auto undone = [](Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await Log::append(session, record_of("b")));
        GH_CO_TRY_VOID(co_await Log::append(session, record_of("c")));
        co_return fail(ErrorKind::conflict, "act.changed");
    };
    EXPECT_EQ(run_to_end(database->write(undone)).error().reason, "act.changed");
    EXPECT_EQ(ids(), Ids{"a"});
}

TEST_P(AuditLogTest, NoRowOfItCanBeChangedOrTakenAway) {
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(writer->append(id), "");
    EXPECT_EQ(try_sql("INSERT INTO audit_checkpoints (size, at, note) VALUES (3, 0, 'x')"), "");
    const char* const cases[] = {
        "UPDATE audit_records SET actor = 'bob' WHERE leaf_index = 1",
        "DELETE FROM audit_records WHERE leaf_index = 2",
        "UPDATE audit_tree SET position = 9 WHERE position = 3",
        "DELETE FROM audit_tree",
        "UPDATE audit_checkpoints SET note = 'y'",
        "DELETE FROM audit_checkpoints",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET size = 2",
        "UPDATE audit_head SET edge = edge",
        "INSERT INTO audit_records SELECT 1, 'd', at, 0, '', '', '', '', '' FROM audit_records",
    };
    for (const auto* sql : cases) EXPECT_NE(try_sql(sql), "") << sql;
    EXPECT_EQ(ids(), (Ids{"a", "b", "c"}));
}

TEST_P(AuditLogTest, RecordsThatComeTogetherAreAllThere) {
    append_together(3'000, "r");
    auto all = ids();
    ASSERT_EQ(all.size(), 3'000U);
    EXPECT_EQ(all[0], "r0");  // and in order
    EXPECT_EQ(all[2'999], "r2999");
    EXPECT_TRUE(shows("audit_records_total{outcome=\"kept\"} 3000\n"));
}

TEST_P(AuditLogTest, MoreThanMayWaitAreRefusedAtOnce) {
    net::Loop loop;
    constexpr int count = static_cast<int>(Log::waiting_max) + 2'000;
    int left = count, refused = 0;
    auto one = [&](int i) -> Task<> {
        auto record = record_of(std::to_string(i));
        const auto done = co_await writer->log.append(std::move(record));
        if (!done) {
            EXPECT_EQ(done.error().reason, "audit.busy");
            ++refused;
        }
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < count; ++i) spawn(one(i));
    });
    loop.run();
    // The first group has left the line before the others come.
    EXPECT_GT(refused, 0);
    EXPECT_LE(refused, 2'000);
    EXPECT_EQ(ids().size(), static_cast<std::size_t>(count - refused));
}

TEST_P(AuditLogTest, WhileTheDatabaseIsAwayRecordsWaitInOrder) {
    EXPECT_EQ(writer->append("a"), "");
    writer->sometimes.away = true;
    for (const auto* id : {"b", "c"}) EXPECT_EQ(writer->append(id), "");
    append_together(600, "d");
    writer->sometimes.away = false;
    EXPECT_EQ(writer->append("e"), "");
    EXPECT_EQ(ids_in(*database), Ids{"a"});
    const auto all = ids();
    ASSERT_EQ(all.size(), 604U);
    EXPECT_EQ((Ids{all[0], all[1], all[2], all[3], all[602], all[603]}),
              (Ids{"a", "b", "c", "d0", "d599", "e"}));
}

TEST_P(AuditLogTest, ACommitInDoubtIsNotRecordedTwice) {
    writer->sometimes.loses_answer = true;
    EXPECT_EQ(writer->append("a"), "");
    EXPECT_EQ(writer->fallback.backlog().records, 1U);
    EXPECT_EQ(writer->append("b"), "");
    EXPECT_EQ(ids(), (Ids{"a", "b"}));
}

TEST_P(AuditLogTest, WhatTheDatabaseRefusesOnReplayIsItselfRecorded) {
    writer->fallback.on("broken", [](Session&, storage::JournalRecord) -> Task<Result<void>> {
        co_return fail(ErrorKind::invalid_argument, "broken.always");
    });
    writer->sometimes.away = true;
    storage::Command broken{"broken", "{}"};
    EXPECT_TRUE(run_to_end(writer->fallback.submit(std::move(broken), now)));
    storage::Command no_records{"audit.append", "{}"};
    EXPECT_TRUE(run_to_end(writer->fallback.submit(std::move(no_records), now)));
    storage::Command neither{"audit.reject", "{}"};
    EXPECT_TRUE(run_to_end(writer->fallback.submit(std::move(neither), now)));
    writer->sometimes.away = false;
    for (int i = 0; i < 3; ++i) writer->replay();
    EXPECT_EQ(writer->fallback.backlog().records, 0U);
    EXPECT_EQ(run_to_end(database->query(select_rejects)).value().size(), 3U);
    // One for each but the last, whose own refusal is only in the table.
    const auto rows = run_to_end(database->query(select_every_record)).value();
    ASSERT_EQ(rows.size(), 2U);
    const auto first = parse_record(rows[0].text(2)).value();
    EXPECT_EQ(first.action, "journal.reject");
    EXPECT_EQ(first.details,
              (std::vector<Detail>{{"kind", "broken"}, {"reason", "broken.always"}}));
    EXPECT_EQ(first.id, first.object_id);
    EXPECT_EQ(parse_record(rows[1].text(2)).value().details[0].value,
              DetailValue(std::string("audit.append")));
    ids();
}

TEST_P(AuditLogTest, AHeadThatIsBehindItsRecordsIsNotBuiltUpon) {
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(writer->append(id), "");
    // As somebody would leave it who has put an old copy of the row back.
    tamper(GetParam() == storage::Dialect::sqlite
               ? "UPDATE audit_head SET size = 1, edge = substr(edge, 1, 32)"
               : "UPDATE audit_head SET size = 1, edge = substring(edge, 1, 32)");
    EXPECT_EQ(writer->append("d"), "audit.head");
    tamper("UPDATE audit_head SET size = 3");
    EXPECT_EQ(writer->append("d"), "audit.head");
}

TEST_P(AuditLogTest, TwoNodesWriteOneLog) {
    auto other = another();
    Writer second(*other, folder.path / "other_db");
    constexpr int each = 150;
    auto append = [](Writer& of, const std::string& prefix) {
        for (int i = 0; i < each; ++i) EXPECT_EQ(of.append(prefix + std::to_string(i)), "");
    };
    std::thread one([&] { append(*writer, "a"); });
    append(second, "b");
    one.join();
    second.replay();
    const auto all = ids();
    EXPECT_EQ(all.size(), 2U * each);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 2U * each);
}

TEST_P(AuditLogTest, ActsOfTwoNodesComeToTheirEnd) {
    ASSERT_EQ(try_sql("CREATE TABLE acts (name TEXT PRIMARY KEY)"), "");
    auto other = another();
    constexpr int each = 60;
    auto act = [](storage::Database& node, const std::string& prefix) {
        static constexpr Statement insert{.name = "t.act",
                                          .sql = "INSERT INTO acts (name) VALUES ($1)"};
        for (int i = 0; i < each; ++i) {
            const auto name = prefix + std::to_string(i);
            auto work = [&name](Session& session) -> Task<Result<void>> {
                GH_CO_TRY_VOID(co_await Log::lock(session));
                GH_CO_TRY_VOID(co_await session.execute(insert, name));
                co_return co_await Log::append(session, record_of(name));
            };
            const auto done = run_to_end(node.write(std::move(work)));
            EXPECT_TRUE(done) << describe(done.error());
        }
    };
    std::thread one([&] { act(*database, "a"); });
    act(*other, "b");
    one.join();
    EXPECT_EQ(ids().size(), 2U * each);
}

}  // namespace
}  // namespace gh::audit

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "base/try.hpp"
#include "bus/task_repository.hpp"
#include "bus/testing.hpp"
#include "storage/testing_plan.hpp"

// SQLite is asked after every test, by EngineTest. PostgreSQL plans by how many rows there are, and for a few it reads them
// all: so it is asked what it would do where reading all were dear.

namespace gh::bus {
namespace {

class BusIndexTest : public BusTest {};
INSTANTIATE_TEST_SUITE_P(Postgres, BusIndexTest, testing::Values(storage::Dialect::postgres),
                         storage::engine_name);

TEST_P(BusIndexTest, EveryQueryOfTheRoomFindsItsRowsByAnIndex) {
    for (int filter = 0; filter < 10; ++filter) {
        MessagePage page{.newest_first = (filter & 1) != 0, .dead_only = filter / 2 == 4};
        if (filter / 2 == 1) page.recipient = "a";
        if (filter / 2 == 2) page.sender = "a";
        if (filter / 2 == 3) page.conversation_id = "a";
        ASSERT_TRUE(run_to_end(messages().list(page)));
    }
    auto draft = to("a");
    draft.conversation_id = "talk";
    draft.conversation_max = 9;
    send_all({draft, draft});
    const auto batch = receive_at(1);
    nack(batch, {batch.messages[1].id}, 3, 2);
    ack(ids(batch), 3);
    within([&](storage::Session& session) {
        return renew(session, "a", batch.receipt, seconds(9), at(3));
    });
    within([&](storage::Session& session) { return release(session, "a", batch.receipt); });
    ASSERT_TRUE(run_to_end(messages().find(batch.messages[0].id)));
    ASSERT_TRUE(run_to_end(messages().expire(at(1))));
    ASSERT_TRUE(run_to_end(messages().purge({at(1), at(1)})));
    ASSERT_TRUE(run_to_end(messages().awake(at(0), at(9))));
    ASSERT_TRUE(run_to_end(messages().depths(9, 9)));
    ASSERT_TRUE(run_to_end(messages().used_inboxes("", 9)));
    ASSERT_TRUE(run_to_end(messages().expire_inbox("a", at(9))));
    ASSERT_TRUE(run_to_end(messages().empty("a", at(9))));
    within([&](storage::Session& session) { return has_some(session, "a", at(9)); });
    const TaskLimits one_of_each{.tasks_max = 1, .maker_tasks_max = 1};
    TaskRepository tasks(*database, one_of_each);
    for (const auto* id : {"1", "2"}) {
        TaskRow task;
        task.id = id;
        task.created_by = "user:ada";
        ASSERT_TRUE(run_to_end(tasks.add(task)));
        ASSERT_TRUE(run_to_end(tasks.change(id, {.state = TaskState::cancelled}, at(1))));
    }
    ASSERT_EQ(run_to_end(tasks.purge(at(0))).value(), 1U);
    ASSERT_TRUE(run_to_end(tasks.list({.created_by = "user:ada"})));
    for (int filter = 0; filter < 8; ++filter) {
        TaskPage page{.oldest_first = (filter & 1) != 0};
        if (filter & 2) page.assignee = "a";
        if (filter & 4) page.state = TaskState::open;
        ASSERT_TRUE(run_to_end(tasks.list(page)));
    }
    ASSERT_FALSE(run_to_end(tasks.find("none")));
    std::size_t asked = 0;
    for (const auto& [sqlite, name] : observer.seen()) {
        const bool ours = name.starts_with("messages.") || name.starts_with("inboxes.") ||
                          name.starts_with("tasks.");
        if (!ours || name == "messages.lock" || sqlite.contains("json_each")) continue;
        auto text = sqlite;
        constexpr std::string_view hint = " INDEXED BY messages_in_line";  // PostgreSQL has none
        for (auto place = text.find(hint); place != std::string::npos; place = text.find(hint))
            text.erase(place, hint.size());
        auto work = [&sql = text](storage::Session& session) {
            return storage::generic_plan(session, sql);
        };
        const auto plan = run_to_end(database->read(std::move(work)));
        ASSERT_TRUE(plan) << sqlite << ": " << describe(plan.error());
        EXPECT_FALSE(plan->contains("Seq Scan")) << name << ": " << sqlite << "\n" << *plan;
        ++asked;
    }
    EXPECT_GE(asked, 30U);
}

class BusPlanTest : public BusTest {
 protected:
    std::string sqlite_plan(const std::string& sql) {
        const auto explained = "EXPLAIN QUERY PLAN " + sql;
        const storage::Statement statement{.name = "t.explain", .sql = explained};
        storage::Parameters nothing;
        while (sql.contains(fmt::format("${}", nothing.size() + 1))) nothing.emplace_back(nullptr);
        const auto rows = run_to_end(database->read(
            [&](storage::Session& session) { return session.run(statement, nothing); }));
        std::string plan;
        if (!rows) return describe(rows.error());
        for (std::size_t i = 0; i < rows->size(); ++i) plan += (*rows)[i].text(3) + "; ";
        return plan;
    }
};
INSTANTIATE_TEST_SUITE_P(Sqlite, BusPlanTest, testing::Values(storage::Dialect::sqlite),
                         storage::engine_name);

TEST_P(BusPlanTest, ALineIsWalkedByItsOwnIndexAndAcknowledgementsByTheirIds) {
    send_all({to("a"), to("a")});
    const auto batch = receive_at(1);
    nack(batch, {batch.messages[1].id}, 0, 2);
    ack({batch.messages[0].id, "none"}, 3);
    within([&](storage::Session& session) { return has_some(session, "a", at(4)); });
    const auto unread = receive_at(4);
    within([&](storage::Session& session) { return take_back(session, "a", unread.receipt, 9); });
    auto draft = to("a");
    draft.conversation_id = "talk";
    draft.conversation_max = 9;
    send_one(draft);
    for (const auto* key : {"recipient", "sender", "conversation"}) {
        MessagePage page;
        (key == std::string("recipient") ? page.recipient
         : key == std::string("sender")  ? page.sender
                                         : page.conversation_id) = "a";
        ASSERT_TRUE(run_to_end(messages().list(page)));
    }
    ASSERT_TRUE(run_to_end(messages().expire(at(4))));
    ASSERT_TRUE(run_to_end(messages().purge({at(1), at(1)})));
    ASSERT_TRUE(run_to_end(messages().empty("a", at(4))));
    const std::map<std::string, std::string> wanted{
        {"messages.head", "INDEX messages_in_line (recipient=?"},
        {"messages.give", "INDEX messages_in_line (recipient=?"},
        {"messages.acknowledge", "(id=?)"},
        {"messages.acknowledge_late", "(id=?)"},
        {"messages.give_back", "(id=?)"},
        {"inboxes.has_some", "INDEX messages_in_line (recipient=?"},
        {"messages.take_back", "INDEX messages_in_line (recipient=? AND position<?)"},
        {"messages.find_waiting", "INDEX messages_in_line (recipient=?"},
        {"messages.late", "INDEX messages_by_expiry (ends_at<?)"},
        {"messages.find_done", "INDEX messages_by_end (ended_at<?)"},
        {"messages.find_dead", "INDEX messages_dead_by_end (ended_at<?)"},
        {"messages.purge", "INTEGER PRIMARY KEY (rowid=?)"},
        {"messages.read", "INTEGER PRIMARY KEY (rowid=?)"},
        {"messages.count_conversation",
         "COVERING INDEX messages_by_talk (conversation_id=? AND "
         "sender=? AND recipient=?)"}};
    std::set<std::string> asked;
    for (const auto& [sql, name] : observer.seen()) {
        const auto one = wanted.find(name);
        if (one == wanted.end()) continue;
        const auto plan = sqlite_plan(sql);
        EXPECT_TRUE(plan.contains(one->second)) << name << ": " << plan;
        asked.insert(name);
    }
    EXPECT_EQ(asked.size(), wanted.size());
    for (const auto& [sql, name] : observer.seen()) {
        if (name != "messages.list") continue;
        const auto plan = sqlite_plan(sql);
        EXPECT_TRUE(plan.contains("position>?)")) << plan;
        EXPECT_FALSE(plan.contains("B-TREE")) << plan;
    }
}

}  // namespace
}  // namespace gh::bus

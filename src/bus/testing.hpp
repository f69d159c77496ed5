#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/inbox.hpp"
#include "bus/message_repository.hpp"
#include "storage/testing.hpp"

/// For tests of this room's repositories.
namespace gh::bus {

using storage::run_to_end;

template <class T>
std::string_view reason(const Result<T>& done) {
    return done ? "" : done.error().reason;
}

class BusTest : public storage::EngineTest {
 protected:
    static SystemTime at(int second) { return SystemTime(seconds(1'700'000'000 + second)); }
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        const auto done =
            run_to_end(storage::migrate(*database, storage::embedded_migrations(), at(0)));
        ASSERT_TRUE(done) << describe(done.error());
    }
    /// Whatever a test has done, what is counted is what is there.
    void TearDown() override {
        if (!IsSkipped() && database) {
            for (const auto& sql : drifts) {
                const storage::Statement statement{.name = "test.drift", .sql = sql};
                const auto work = [&statement](storage::Session& session) {
                    return session.query(statement);
                };
                const auto rows = run_to_end(database->read(work));
                ASSERT_TRUE(rows) << sql << ": " << describe(rows.error());
                for (std::size_t i = 0; i < rows->size(); ++i)
                    ADD_FAILURE() << (*rows)[i].text(0) << ": " << sql;
            }
        }
        EngineTest::TearDown();
    }
    static constexpr std::array<std::string_view, 8> drifts{
        "SELECT s.maker FROM task_shares s WHERE s.tasks <> (SELECT count(*) FROM tasks t "
        "WHERE s.maker IN (t.created_by, '')) OR s.bytes <> (SELECT coalesce(sum(t.bytes), 0) "
        "FROM tasks t WHERE s.maker IN (t.created_by, ''))",
        "SELECT t.id FROM tasks t WHERE NOT EXISTS "
        "(SELECT 1 FROM task_shares s WHERE s.maker = t.created_by)",
        "SELECT i.recipient FROM inboxes i WHERE i.messages <> (SELECT count(*) FROM messages m "
        "WHERE m.recipient = i.recipient AND m.state = 'waiting')",
        "SELECT i.recipient FROM inboxes i WHERE i.leased < 0",
        "SELECT m.id FROM messages m WHERE m.state = 'waiting' AND NOT EXISTS "
        "(SELECT 1 FROM inboxes i WHERE i.recipient = m.recipient)",
        "SELECT 'house' FROM message_totals t WHERE t.bytes <> "
        "(SELECT coalesce(sum(m.bytes), 0) FROM messages m)",
        "SELECT s.sender FROM message_shares s WHERE s.messages <> (SELECT count(*) FROM messages "
        "m WHERE m.sender = s.sender AND m.state = 'waiting' AND s.recipient IN (m.recipient, '')) "
        "OR s.bytes <> (SELECT coalesce(sum(m.bytes), 0) FROM messages m WHERE m.sender = s.sender "
        "AND m.state = 'waiting' AND s.recipient IN (m.recipient, ''))",
        "SELECT s.sender FROM message_shares s WHERE s.recipient = '' AND s.kept <> "
        "(SELECT coalesce(sum(m.bytes), 0) FROM messages m WHERE m.sender = s.sender)"};
    MessageRepository messages() { return MessageRepository(*database); }

    /// Within a transaction of its own, with the lock.
    template <class Body>
    auto within(Body body) {
        auto work = [body](storage::Session& session) { return locked(session, body); };
        auto done = run_to_end(database->write(std::move(work)));
        EXPECT_TRUE(done) << (done ? "" : describe(done.error()));
        return *std::move(done);
    }
    template <class Body>
    static std::invoke_result_t<Body&, storage::Session&> locked(storage::Session& session,
                                                                 Body body) {
        GH_CO_TRY_VOID(co_await lock(session));
        co_return co_await body(session);
    }

    static Draft to(std::string recipient, std::string body = "{}") {
        Draft draft;
        draft.recipient = std::move(recipient);
        draft.sender = "user:ada";
        draft.body = std::move(body);
        return draft;
    }
    std::vector<Sent> send_all(std::vector<Draft> drafts, int second = 0, Limits limits = {}) {
        return within(
            [=](storage::Session& session) { return send(session, drafts, limits, at(second)); });
    }
    Sent send_one(Draft draft, int second = 0, Limits limits = {}) {
        return send_all({std::move(draft)}, second, limits).at(0);
    }
    Batch receive_at(int second, std::string recipient = "a", std::size_t most = 10,
                     std::int64_t deliveries_max = 5) {
        Wish wish{.recipient = std::move(recipient),
                  .messages_max = most,
                  .lease = seconds(30),
                  .deliveries_max = deliveries_max};
        return within(
            [=](storage::Session& session) { return receive(session, wish, at(second)); });
    }
    std::uint64_t ack(std::vector<std::string> ids, int second, std::string recipient = "a") {
        return within([=](storage::Session& session) {
            return acknowledge(session, recipient, ids, at(second), at(second));
        });
    }
    bool nack(const Batch& batch, std::vector<std::string> ids, int delay, int second) {
        return within([=](storage::Session& session) {
            return give_back(session, "a", batch.receipt, ids, seconds(delay), at(second));
        });
    }
    static std::string bodies(const Batch& batch) {
        std::string all;
        for (const auto& message : batch.messages) all += message.body + " ";
        return all;
    }
    static std::vector<std::string> ids(const Batch& batch) {
        std::vector<std::string> all;
        for (const auto& message : batch.messages) all.push_back(message.id);
        return all;
    }
    std::int64_t depth(std::string_view recipient = "a") {
        const auto found = run_to_end(messages().depths(100, 100)).value();
        for (const auto& inbox : found)
            if (inbox.recipient == recipient) return inbox.messages;
        return -1;
    }
};

}  // namespace gh::bus

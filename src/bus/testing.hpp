#pragma once

#include <gtest/gtest.h>

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
            return acknowledge(session, recipient, ids, at(second));
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
        const auto found = run_to_end(messages().depths(100)).value();
        for (const auto& inbox : found)
            if (inbox.recipient == recipient) return inbox.messages;
        return -1;
    }
};

}  // namespace gh::bus

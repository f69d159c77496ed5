#include "bus/message_repository.hpp"

#include "base/try.hpp"
#include "bus/testing.hpp"

namespace gh::bus {
namespace {

class MessageRepositoryTest : public BusTest {
 protected:
    std::string listed(MessagePage page) {
        std::string all;
        const auto found = run_to_end(messages().list(std::move(page))).value();
        for (const auto& message : found.messages) all += message.body + " ";
        return all;
    }
    /// One that was given up.
    std::string dead(const std::string& body) {
        const auto id = send_one(to("a", body)).id;
        EXPECT_EQ(bodies(receive_at(0, "a", 1, 1)), body + " ");
        EXPECT_EQ(receive_at(30, "a", 1, 1).dead, std::vector{id});
        return id;
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, MessageRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(MessageRepositoryTest, TheHistoryIsReadInOrderFilteredAndPaged) {
    auto one = to("a", "1");
    one.conversation_id = "talk";
    auto two = to("b", "2");
    two.sender = "a";
    two.conversation_id = "talk";
    two.kind = Kind::notification;
    two.type = "build.done";
    send_all({one, two, to("b", "3"), to("a", "4")});
    EXPECT_EQ(listed({}), "1 2 3 4 ");
    EXPECT_EQ(listed({.newest_first = true, .limit = 2}), "4 3 ");
    EXPECT_EQ(listed({.limit = 2, .offset = 1}), "2 3 ");
    EXPECT_EQ(listed({.limit = 2, .after = 2}), "3 4 ");
    EXPECT_EQ(listed({.newest_first = true, .after = 2}), "1 ");
    EXPECT_EQ(listed({.recipient = "a"}), "1 4 ");
    EXPECT_EQ(listed({.sender = "a"}), "2 ");
    EXPECT_EQ(listed({.conversation_id = "talk"}), "1 2 ");
    EXPECT_EQ(listed({.conversation_id = "talk", .participant = "b"}), "2 ");
    EXPECT_EQ(listed({.participant = "a"}), "1 2 4 ");
    EXPECT_EQ(listed({.recipient = "b", .kind = Kind::notification}), "2 ");
    ack(ids(receive_at(1)), 2);
    EXPECT_EQ(listed({.recipient = "a"}), "1 4 ") << "what has ended is history";
    EXPECT_EQ(run_to_end(messages().list({.recipient = "a"})).value().messages[0].state,
              State::done);
}

TEST_P(MessageRepositoryTest, APageEndsAtItsBytesAndWhereItHasLookedLongEnough) {
    const std::string large(300, ' ');
    send_all({to("a", large), to("a", large), to("a", "3")});
    const auto first = run_to_end(messages().list({.bytes_max = 2'000, .recipient = "a"})).value();
    EXPECT_EQ(first.messages.size(), 2U);
    ASSERT_EQ(first.next, 2);
    const auto second =
        run_to_end(messages().list({.bytes_max = 2'000, .after = first.next, .recipient = "a"}));
    EXPECT_EQ(second.value().messages.size(), 1U);
    EXPECT_FALSE(second.value().next);
    EXPECT_EQ(run_to_end(messages().list({.bytes_max = 1})).value().messages.size(), 1U);
    std::vector<Draft> many(5'000, to("a"));
    send_all(many);
    send_all(many, 0, {.inbox_messages_max = 100'000, .share_messages_max = 100'000});
    auto rare = to("b", "rare");
    rare.kind = Kind::notification;
    send_one(rare);
    MessagePage page{.kind = Kind::notification};
    const auto none = run_to_end(messages().list(page)).value();
    EXPECT_TRUE(none.messages.empty());
    ASSERT_EQ(none.next, 10'000);
    page.after = none.next;
    const auto found = run_to_end(messages().list(page)).value();
    EXPECT_EQ(found.messages.at(0).body, "rare");
    EXPECT_FALSE(found.next);
}

TEST_P(MessageRepositoryTest, AParticipantsOwnAreFoundAmongAllThatOthersHave) {
    auto own = to("busy", "own");
    own.sender = "a";
    auto back = to("a", "back");
    back.sender = "busy";
    send_all(std::vector<Draft>(300, to("busy", "other")));
    send_all({own, back});
    EXPECT_EQ(listed({.recipient = "busy", .participant = "a"}), "own ");
    EXPECT_EQ(listed({.sender = "busy", .participant = "a"}), "back ");
    EXPECT_EQ(listed({.recipient = "busy", .sender = "user:ada", .participant = "a"}), "");
    EXPECT_EQ(listed({.recipient = "a", .sender = "busy", .participant = "a"}), "back ");
}

TEST_P(MessageRepositoryTest, DeadLettersAreListedReplayedAndRemoved) {
    const auto first = dead("1"), second = dead("2");
    EXPECT_EQ(listed({.dead_only = true}), "1 2 ");
    EXPECT_EQ(depth(), 0);
    const auto again = run_to_end(messages().replay(first, at(40), seconds(600))).value();
    EXPECT_EQ(again.state, State::waiting);
    EXPECT_EQ(again.deliveries, 0);
    EXPECT_EQ(depth(), 1);
    const auto batch = receive_at(41);
    EXPECT_EQ(bodies(batch), "1 ");
    EXPECT_EQ(reason(run_to_end(messages().replay(first, at(40), seconds(600)))),
              "message.not_dead");
    ack(ids(batch), 41);
    const auto done = first;
    EXPECT_EQ(reason(run_to_end(messages().remove(done, at(41)))), "message.over");
    EXPECT_EQ(reason(run_to_end(messages().remove("none", at(41)))), "message.unknown");
    const auto before = run_to_end(messages().bytes()).value();
    ASSERT_TRUE(run_to_end(messages().remove(second, at(41))));
    EXPECT_EQ(run_to_end(messages().bytes()).value(), before - 1 - message_overhead_bytes);
    EXPECT_EQ(reason(run_to_end(messages().find(second))), "message.unknown");
}

TEST_P(MessageRepositoryTest, WhatNobodyWantsInTimeExpiresByItself) {
    auto brief = to("a", "brief");
    brief.expires_at = at(10);
    send_all({brief, brief, to("a", "long")});
    EXPECT_EQ(run_to_end(messages().expire(at(9))).value(), 0U);
    EXPECT_EQ(run_to_end(messages().expire(at(10))).value(), 2U);
    EXPECT_EQ(depth(), 1);
    EXPECT_EQ(bodies(receive_at(11)), "long ");
}

TEST_P(MessageRepositoryTest, OneThatExpiresWhileItIsOutFreesItsLine) {
    auto brief = to("a", "brief");
    brief.expires_at = at(10);
    send_all({brief, to("a", "next")});
    EXPECT_EQ(bodies(receive_at(1, "a", 1)), "brief ");
    EXPECT_EQ(run_to_end(messages().expire(at(10))).value(), 1U);
    EXPECT_EQ(bodies(receive_at(11)), "next ");
}

TEST_P(MessageRepositoryTest, WhatHasEndedIsForgottenAfterItsTime) {
    send_one(to("a", "1"));
    ack(ids(receive_at(1)), 10);
    dead("2");  // at 30
    EXPECT_EQ(run_to_end(messages().purge({at(10), at(30)})).value(), 0U);
    EXPECT_EQ(run_to_end(messages().purge({at(11), at(30)})).value(), 1U);
    send_one(to("a", "3"));
    EXPECT_EQ(listed({}), "2 3 ");
    EXPECT_EQ(run_to_end(messages().bytes()).value(), 2 * (1 + message_overhead_bytes));
    EXPECT_EQ(run_to_end(messages().purge({at(31), at(31)})).value(), 1U);
    EXPECT_EQ(listed({}), "3 ") << "what waits is kept";
}

TEST_P(MessageRepositoryTest, TellsWhoseLineMayHaveSomethingNew) {
    send_all({to("a"), to("b")});
    const auto batch = receive_at(1);
    const auto awake = [&](int since, int now) {
        auto found = run_to_end(messages().awake(at(since), at(now))).value();
        std::vector<std::string> names;
        for (const auto& [name, when] : found.inboxes)
            if (name != "b") names.push_back(name);
        return names;
    };
    EXPECT_EQ(awake(0, 1), std::vector<std::string>{"a"}) << "somebody has used it";
    EXPECT_TRUE(awake(2, 29).empty());
    EXPECT_EQ(awake(30, 31), std::vector<std::string>{"a"}) << "the lease is over";
    nack(batch, ids(batch), 5, 2);
    EXPECT_EQ(awake(6, 7), std::vector<std::string>{"a"}) << "the pause is over";
}

}  // namespace
}  // namespace gh::bus

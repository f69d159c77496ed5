#include "bus/inbox.hpp"

#include <algorithm>

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/testing.hpp"

namespace gh::bus {
namespace {

class InboxTest : public BusTest {};
INSTANTIATE_TEST_SUITE_P(Engines, InboxTest, storage::both_engines, storage::engine_name);

TEST_P(InboxTest, WhatIsSentIsGivenOutInItsOrderAndEndsWhenAcknowledged) {
    for (const auto* body : {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"})
        EXPECT_EQ(send_one(to("a", body)).refusal, "");
    send_one(to("b", "{}"));
    EXPECT_EQ(depth(), 3);
    const auto first = receive_at(1, "a", 2);
    EXPECT_EQ(bodies(first), "{\"n\":1} {\"n\":2} ");
    EXPECT_EQ(first.leased_until, at(31));
    EXPECT_EQ(first.messages[0].deliveries, 1);
    EXPECT_EQ(ack(ids(first), 2), 2U);
    EXPECT_EQ(ack(ids(first), 2), 0U) << "twice is no error";
    EXPECT_EQ(depth(), 1);
    EXPECT_EQ(bodies(receive_at(3)), "{\"n\":3} ");
    EXPECT_EQ(bodies(receive_at(3, "b")), "{} ");
    EXPECT_EQ(bodies(receive_at(3, "nobody")), "");
}

TEST_P(InboxTest, NothingOfALineIsGivenOutWhileSomethingOfItIsOut) {
    send_all({to("a", "1"), to("a", "2"), to("a", "3")});
    const auto first = receive_at(1, "a", 2);
    EXPECT_EQ(bodies(receive_at(2)), "");
    ack({first.messages[0].id}, 3);
    EXPECT_EQ(bodies(receive_at(4)), "") << "the other one is still out";
    ack({first.messages[1].id}, 5);
    EXPECT_EQ(bodies(receive_at(6)), "3 ");
}

TEST_P(InboxTest, WhatIsNotAcknowledgedComesAgainBeforeWhatIsBehindIt) {
    send_all({to("a", "1"), to("a", "2"), to("a", "3")});
    const auto first = receive_at(0, "a", 2);
    EXPECT_EQ(bodies(receive_at(29)), "");
    const auto again = receive_at(30);
    EXPECT_EQ(bodies(again), "1 2 3 ");
    EXPECT_EQ(again.messages[0].deliveries, 2);
    EXPECT_EQ(again.messages[2].deliveries, 1);
    EXPECT_NE(again.receipt, first.receipt);
    EXPECT_EQ(ack(ids(first), 31), 2U) << "the first may still have done it";
    EXPECT_EQ(bodies(receive_at(32)), "");
    EXPECT_EQ(ack(ids(again), 33), 1U);
    EXPECT_EQ(depth(), 0);
}

TEST_P(InboxTest, WhatIsGivenBackComesAgainWhenItIsAskedForAndHoldsUpTheRest) {
    send_all({to("a", "1"), to("a", "2")});
    const auto first = receive_at(0, "a", 1);
    EXPECT_TRUE(nack(first, ids(first), 10, 1));
    EXPECT_EQ(bodies(receive_at(10)), "");
    const auto again = receive_at(11);
    EXPECT_EQ(bodies(again), "1 2 ");
    EXPECT_FALSE(nack(first, ids(first), 0, 12)) << "an older batch";
    EXPECT_TRUE(nack(again, {again.messages[1].id}, 0, 12));
    EXPECT_EQ(bodies(receive_at(13)), "") << "1 is still out";
    ack({again.messages[0].id}, 14);
    EXPECT_EQ(bodies(receive_at(14)), "2 ");
    EXPECT_FALSE(nack(again, {again.messages[1].id}, 0, 12));
}

TEST_P(InboxTest, ALeaseIsRenewedWhileItHolds) {
    send_one(to("a"));
    const auto batch = receive_at(0);
    const auto renew_at = [&](int second) {
        return within([=](storage::Session& session) {
            return renew(session, "a", batch.receipt, seconds(30), at(second));
        });
    };
    EXPECT_TRUE(renew_at(20));
    EXPECT_EQ(bodies(receive_at(49)), "");
    EXPECT_FALSE(renew_at(50));
    EXPECT_EQ(bodies(receive_at(50)), "{} ");
}

TEST_P(InboxTest, WhatIsReleasedIsGivenOutAtOnce) {
    send_one(to("a"));
    const auto batch = receive_at(0);
    const auto let_go = [&] {
        return within(
            [=](storage::Session& session) { return release(session, "a", batch.receipt); });
    };
    EXPECT_TRUE(let_go());
    EXPECT_EQ(bodies(receive_at(1)), "{} ");
    EXPECT_FALSE(let_go()) << "another batch is out";
}

TEST_P(InboxTest, WhatNobodyHasReadDoesNotCountAsGivenOut) {
    send_all({to("a", "1"), to("a", "2"), to("a", "3")});
    for (int i = 0; i < 6; ++i) {
        const auto batch = receive_at(i, "a", 2);
        EXPECT_EQ(bodies(batch), "1 2 ");
        EXPECT_EQ(batch.messages[0].deliveries, 1);
        const auto back = [&](storage::Session& session) {
            return take_back(session, "a", batch.receipt, batch.messages.back().position);
        };
        EXPECT_TRUE(within(back));
        EXPECT_FALSE(within(back));
    }
    const auto batch = receive_at(9, "a", 2);
    within([&](storage::Session& session) { return release(session, "a", batch.receipt); });
    EXPECT_EQ(ack(ids(batch), 10), 2U);
    EXPECT_EQ(bodies(receive_at(11)), "3 ");
}

TEST_P(InboxTest, ManyThatAreGivenUpDoNotHideWhatIsBehindThem) {
    for (int i = 0; i < 300; ++i) send_one(to("a", "poor"));
    for (int second = 0; second < 90; second += 30)
        EXPECT_EQ(receive_at(second, "a", 100).messages.empty(), false);
    send_one(to("a", "good"));
    within([&](storage::Session& session) {
        static constexpr storage::Statement worn{
            .name = "test.worn", .sql = "UPDATE messages SET deliveries = 5 WHERE body = 'poor'"};
        return session.execute(worn);
    });
    const auto batch = receive_at(500, "a", 1);
    EXPECT_EQ(bodies(batch), "good ");
    EXPECT_EQ(batch.dead.size(), 300U);
}

TEST_P(InboxTest, ALookTellsWhetherThereIsSomething) {
    const auto some = [&](int second) {
        return within(
            [=](storage::Session& session) { return has_some(session, "a", at(second)); });
    };
    EXPECT_FALSE(some(0));
    auto later = to("a", "later");
    later.deliver_at = at(100);
    later.expires_at = at(110);
    send_one(later);
    EXPECT_FALSE(some(99));
    EXPECT_TRUE(some(100));
    EXPECT_FALSE(some(110));
    send_one(to("a", "1"));
    EXPECT_TRUE(some(0));
    const auto batch = receive_at(0);
    EXPECT_FALSE(some(29)) << "its line is out";
    EXPECT_TRUE(some(30));
    nack(batch, ids(batch), 5, 20);
    EXPECT_FALSE(some(24));
    EXPECT_TRUE(some(25));
}

TEST_P(InboxTest, WhatIsGivenOutInVainIsGivenUpAndTakesNoOtherWithIt) {
    send_all({to("a", "1"), to("a", "2"), to("a", "3")});
    EXPECT_EQ(bodies(receive_at(0)), "1 2 3 ");
    EXPECT_EQ(bodies(receive_at(30)), "1 2 3 ");
    for (const int second : {60, 90, 120}) {
        EXPECT_EQ(bodies(receive_at(second)), "1 ") << "by itself from its third time on";
    }
    const auto next = receive_at(150);
    EXPECT_EQ(bodies(next), "2 ");
    ASSERT_EQ(next.dead.size(), 1U);
    EXPECT_EQ(depth(), 2);
    ack(ids(next), 151);
    const auto last = receive_at(151);
    EXPECT_EQ(bodies(last), "3 ");
    EXPECT_EQ(ack(next.dead, 151), 1U) << "who was slow may have done it all the same";
    EXPECT_EQ(ack(ids(last), 151), 1U);
    EXPECT_EQ(depth(), 0);
}

TEST_P(InboxTest, TheSameIdAndBodyIsSentOnceAndAnotherBodyIsRefused) {
    auto draft = to("a", "1");
    draft.id = view(uuid_v4());
    const auto first = send_one(draft, 0);
    EXPECT_TRUE(first.is_new);
    const auto again = send_one(draft, 5);
    EXPECT_EQ(again.refusal, "");
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.created_at, at(0));
    EXPECT_EQ(depth(), 1);
    auto other = draft;
    other.body = "2";
    EXPECT_EQ(send_one(other).refusal, "bus.id_taken");
    other = draft;
    other.expires_at = at(50);
    EXPECT_EQ(send_one(other).refusal, "bus.id_taken");
    other = draft;
    other.sender = "user:eve";
    EXPECT_EQ(send_one(other).refusal, "bus.id_taken");
    ack(ids(receive_at(6)), 7);
    EXPECT_EQ(send_one(draft, 8).is_new, false) << "also once it has ended";
    EXPECT_EQ(depth(), 0);
    EXPECT_EQ(send_one(draft, 8, {.inbox_messages_max = 0}).refusal, "");
    const auto twice = send_all({draft, to("a", "3"), draft});
    EXPECT_EQ(depth(), 1);
    EXPECT_TRUE(twice[1].is_new);
}

TEST_P(InboxTest, LimitsRefuseAndAreNoErrors) {
    const Limits small{.inbox_messages_max = 2};
    const auto sent = send_all({to("a"), to("a"), to("a"), to("b")}, 0, small);
    EXPECT_EQ(sent[1].refusal, "");
    EXPECT_EQ(sent[2].refusal, "bus.inbox_full");
    EXPECT_EQ(sent[3].refusal, "") << "others are not affected";
    ack(ids(receive_at(1)), 1);
    EXPECT_EQ(send_one(to("a"), 2, small).refusal, "");
    const auto kept = run_to_end(messages().bytes()).value();
    EXPECT_EQ(kept, 4 * (2 + message_overhead_bytes));
    EXPECT_EQ(send_one(to("c"), 2, {.bytes_max = kept + 10}).refusal, "bus.full");
    EXPECT_EQ(send_one(to("c"), 2, {.bytes_max = 2 * kept}).refusal, "");
}

TEST_P(InboxTest, AConversationHoldsAsManyMessagesAsItMay) {
    auto draft = to("a");
    draft.conversation_id = "talk-1";
    draft.conversation_max = 2;
    EXPECT_EQ(send_one(draft).refusal, "");
    EXPECT_EQ(send_one(draft).refusal, "");
    EXPECT_EQ(send_one(draft).refusal, "bus.conversation_full");
    draft.conversation_max = 0;
    EXPECT_EQ(send_one(draft).refusal, "") << "0 is no limit";
    draft.conversation_max = 2;
    draft.conversation_id = "talk-2";
    EXPECT_EQ(send_one(draft).refusal, "");
    auto strangers = draft;
    strangers.sender = "user:eve";
    strangers.recipient = "user:eve";
    EXPECT_EQ(send_one(strangers).refusal, "");
    EXPECT_EQ(send_one(strangers).refusal, "");
    EXPECT_EQ(send_one(strangers).refusal, "bus.conversation_full");
    auto answer = draft;
    std::swap(answer.sender, answer.recipient);
    EXPECT_EQ(send_one(answer).refusal, "") << "nobody else's count";
    EXPECT_EQ(send_one(draft).refusal, "bus.conversation_full") << "both ways";
}

TEST_P(InboxTest, WhatIsDelayedStandsInNoLineUntilItIsDueAndWhatExpiresIsNotGivenOut) {
    auto later = to("a", "later");
    later.deliver_at = at(100);
    auto brief = to("a", "brief");
    brief.expires_at = at(10);
    send_all({later, brief, to("a", "now")});
    const auto first = receive_at(10);
    EXPECT_EQ(bodies(first), "now ");
    EXPECT_EQ(run_to_end(messages().expire(at(10))).value(), 1U);
    ack(ids(first), 11);
    EXPECT_EQ(bodies(receive_at(99)), "");
    const auto due = run_to_end(messages().awake(at(98), at(100))).value();
    EXPECT_TRUE(due.inboxes.contains("a"));
    send_one(to("a", "after"), 99);
    EXPECT_EQ(bodies(receive_at(100)), "later after ");
    EXPECT_EQ(depth(), 2);
}

TEST_P(InboxTest, AClockThatStepsBackHidesNothingAndChangesNoOrder) {
    send_one(to("a", "1"), 3'600);
    send_one(to("a", "2"), 0);
    EXPECT_EQ(bodies(receive_at(0)), "1 2 ");
}

TEST_P(InboxTest, AClockThatStepsBackKeepsNoLineShut) {
    send_all({to("a", "1"), to("a", "2")}, 3'600);
    const auto some = [&](int second) {
        return within(
            [=](storage::Session& session) { return has_some(session, "a", at(second)); });
    };
    const auto batch = receive_at(3'600, "a", 1);
    EXPECT_FALSE(some(3'545)) << "another node's clock is a little behind";
    EXPECT_TRUE(receive_at(3'545).messages.empty());
    EXPECT_TRUE(some(0));
    const auto again = receive_at(0, "a", 1);
    EXPECT_EQ(bodies(again), "1 ") << "in front of what is behind it";
    EXPECT_FALSE(some(29));
    EXPECT_EQ(ack(ids(again), 1), 1U);
    const auto second = receive_at(3'600);
    EXPECT_TRUE(nack(second, ids(second), 600, 3'601));
    EXPECT_TRUE(receive_at(4'000).messages.empty());
    EXPECT_EQ(bodies(receive_at(5)), "2 ");
}

TEST_P(InboxTest, WhatIsGivenBackAfterAStepBackShutsNoLine) {
    send_all({to("a", "1"), to("a", "2")}, 3'600);
    const auto both = receive_at(3'600);
    ASSERT_EQ(both.messages.size(), 2U);
    EXPECT_TRUE(nack(both, {ids(both)[0]}, 0, 0));
    EXPECT_EQ(bodies(receive_at(1)), "1 2 ");
}

TEST_P(InboxTest, ABatchIsNoLargerThanItsBytesMay) {
    const std::string half(batch_bytes_max / 2 + 1, ' ');
    send_all({to("a", half), to("a", half), to("a", "1")});
    const auto first = receive_at(0);
    EXPECT_EQ(first.messages.size(), 1U);
    ack(ids(first), 1);
    EXPECT_EQ(receive_at(1).messages.size(), 2U);
}

TEST_P(InboxTest, ManyThatAreOverDoNotHideWhatIsBehindThem) {
    auto brief = to("a", "brief");
    brief.expires_at = at(5);
    std::vector<Draft> many(1'200, brief);
    many.push_back(to("a", "good"));
    send_all(many);
    EXPECT_EQ(bodies(receive_at(6, "a", 1)), "good ");
}

}  // namespace
}  // namespace gh::bus

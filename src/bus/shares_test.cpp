#include "bus/shares.hpp"

#include "base/id.hpp"
#include "bus/testing.hpp"

namespace gh::bus {
namespace {

class SharesTest : public BusTest {
 protected:
    static Draft of(std::string sender, std::string recipient, std::string body = "{}") {
        auto draft = to(std::move(recipient), std::move(body));
        draft.sender = std::move(sender);
        return draft;
    }
    std::int64_t share_rows() {
        const storage::Statement statement{.name = "test.rows",
                                           .sql = "SELECT count(*) FROM message_shares"};
        const auto rows = run_to_end(database->query(statement));
        return rows.value()[0].integer(0);
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, SharesTest, storage::both_engines, storage::engine_name);

TEST_P(SharesTest, OneSenderFillsAnInboxForNobodyElse) {
    const Limits small{.inbox_messages_max = 10, .share_messages_max = 2};
    const auto sent = send_all({of("eve", "a"), of("eve", "a"), of("eve", "a"), of("bob", "a"),
                                of("eve", "b"), of("gatehouse", "a")},
                               0, small);
    EXPECT_EQ(sent[1].refusal, "");
    EXPECT_EQ(sent[2].refusal, "bus.share_full");
    EXPECT_EQ(sent[3].refusal, "");
    EXPECT_EQ(sent[4].refusal, "") << "another inbox";
    EXPECT_EQ(sent[5].refusal, "");
    EXPECT_EQ(send_one(of("gatehouse", "a"), 0, {.share_messages_max = 1}).refusal, "")
        << "the house itself";
    EXPECT_EQ(send_one(of("eve", "a"), 0, small).refusal, "bus.share_full");
    ack(ids(receive_at(1, "a", 1)), 1);
    EXPECT_EQ(send_one(of("eve", "a"), 2, small).refusal, "") << "it was read";
}

TEST_P(SharesTest, DelayedOnesCountAndOneSentBeforeIsSentAllTheSame) {
    const Limits small{.share_messages_max = 1};
    auto later = of("eve", "a");
    later.deliver_at = at(1'000);
    later.id = view(uuid_v4());
    EXPECT_EQ(send_one(later, 0, small).refusal, "");
    EXPECT_EQ(send_one(of("eve", "a"), 0, small).refusal, "bus.share_full");
    const auto again = send_one(later, 0, small);
    EXPECT_EQ(again.refusal, "");
    EXPECT_FALSE(again.is_new);
}

TEST_P(SharesTest, OneSenderFillsTheHouseForNobodyElse) {
    const auto size = message_overhead_bytes + 100;
    const Limits small{.bytes_max = 20 * size, .share_bytes_max = 3 * size};
    const std::string body(100, ' ');
    for (const auto* recipient : {"a", "b", "c"})
        EXPECT_EQ(send_one(of("eve", recipient, body), 0, small).refusal, "");
    EXPECT_EQ(send_one(of("eve", "d", body), 0, small).refusal, "bus.share_full");
    // What has ended is no share, as long as there is place.
    ack(ids(receive_at(1)), 1);
    EXPECT_EQ(send_one(of("eve", "d", body), 2, small).refusal, "");
    for (int i = 0; i < 15; ++i) {
        const auto sender = "bob" + std::to_string(i);
        EXPECT_EQ(send_one(of(sender, "e", body), 2, small).refusal, "");
    }
    ack(ids(receive_at(3, "b")), 3, "b");
    EXPECT_EQ(send_one(of("eve", "b", body), 4, small).refusal, "bus.full")
        << "nearly full: it has more than its share, ended ones too";
    EXPECT_EQ(send_one(of("ada", "b", body), 4, small).refusal, "");
}

TEST_P(SharesTest, WhatIsRefusedMakesNoRows) {
    EXPECT_EQ(send_one(of("eve", "a"), 0, {.bytes_max = 1}).refusal, "bus.full");
    EXPECT_EQ(share_rows(), 0);
    send_all({of("eve", "a"), of("eve", "a"), of("eve", "b")}, 0, {.inbox_messages_max = 1});
    EXPECT_EQ(share_rows(), 3);
}

TEST_P(SharesTest, SharesOfNobodyAreForgotten) {
    send_all({of("eve", "a"), of("bob", "a"), of("bob", "b")});
    EXPECT_EQ(share_rows(), 5);
    ack(ids(receive_at(1)), 1);
    ASSERT_TRUE(run_to_end(messages().purge({at(0), at(0)})));
    EXPECT_EQ(share_rows(), 3) << "of both what is kept, of bob what waits";
    ASSERT_TRUE(run_to_end(messages().purge({at(2), at(2)})));
    EXPECT_EQ(share_rows(), 2);
}

TEST_P(SharesTest, WhatWaitsTooLongExpires) {
    const Limits brief{.waiting_kept = seconds(100)};
    auto delayed = to("a", "delayed");
    delayed.deliver_at = at(50);
    send_all({to("a", "1"), delayed}, 0, brief);
    EXPECT_EQ(run_to_end(messages().expire(at(99))).value(), 0U);
    EXPECT_EQ(bodies(receive_at(99, "a", 1, 1)), "1 ");
    EXPECT_EQ(run_to_end(messages().expire(at(100))).value(), 1U);
    EXPECT_EQ(run_to_end(messages().expire(at(149))).value(), 0U);
    EXPECT_EQ(run_to_end(messages().expire(at(150))).value(), 1U);
    EXPECT_EQ(depth(), 0);
}

TEST_P(SharesTest, WhatIsReplayedWaitsAsLongAsWhatIsSent) {
    const Limits brief{.waiting_kept = seconds(100)};
    send_one(to("a", "1"), 0, brief);
    receive_at(0, "a", 1, 1);
    const auto id = receive_at(30, "a", 1, 1).dead.at(0);
    ASSERT_TRUE(run_to_end(messages().replay(id, at(5'000), seconds(100))));
    EXPECT_EQ(run_to_end(messages().expire(at(5'099))).value(), 0U);
    EXPECT_EQ(run_to_end(messages().expire(at(5'100))).value(), 1U);
}

TEST_P(SharesTest, AnInboxIsEmptiedSomeAtATime) {
    send_all(std::vector<Draft>(700, of("eve", "a")));
    send_one(of("eve", "b"));
    const auto out = receive_at(1, "a", 3);
    EXPECT_EQ(out.messages.size(), 3U);
    EXPECT_EQ(run_to_end(messages().empty("a", at(2))).value().messages, 500U);
    EXPECT_EQ(depth(), 200);
    EXPECT_EQ(run_to_end(messages().empty("a", at(2))).value().messages, 200U);
    EXPECT_EQ(run_to_end(messages().empty("a", at(2))).value().messages, 0U);
    EXPECT_EQ(depth("b"), 1);
    send_one(to("a", "next"), 3);
    EXPECT_EQ(bodies(receive_at(4)), "next ") << "its line is free";
}

TEST_P(SharesTest, OneThatWaitsIsRemovedAndFreesItsLine) {
    send_all({to("a", "1"), to("a", "2")});
    const auto out = receive_at(1, "a", 1);
    ASSERT_TRUE(run_to_end(messages().remove(out.messages[0].id, at(2))));
    EXPECT_EQ(bodies(receive_at(3)), "2 ");
    EXPECT_EQ(depth(), 1);
}

TEST_P(SharesTest, OneTransactionEndsSomeMegabytesOnly) {
    const std::string large(1'000'000, ' ');
    auto brief = to("a", large);
    brief.expires_at = at(5);
    for (int i = 0; i < 20; ++i) send_one(brief);
    const auto first = run_to_end(messages().expire(at(6))).value();
    EXPECT_EQ(first, 16U);
    EXPECT_EQ(run_to_end(messages().expire(at(6))).value(), 4U);
    EXPECT_EQ(run_to_end(messages().purge({at(9), at(9)})).value(), 16U);
    EXPECT_EQ(run_to_end(messages().purge({at(9), at(9)})).value(), 4U);
    EXPECT_EQ(run_to_end(messages().bytes()).value(), 0);
}

}  // namespace
}  // namespace gh::bus

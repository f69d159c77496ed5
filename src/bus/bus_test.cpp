#include "bus/bus.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/journalled.hpp"
#include "bus/testing.hpp"
#include "net/answer.hpp"
#include "telemetry/log.hpp"

namespace gh::bus {
namespace {

using storage::Journal;

/// Each test is one coroutine: what is under way lives on its loop.
class BusOverDatabaseTest : public BusTest {
 protected:
    void SetUp() override {
        BusTest::SetUp();
        if (IsSkipped()) return;
        sometimes.emplace(*database);
        fallback.emplace(*sometimes, Journal::open(folder.path / "fallback_db", {}).value(),
                         registry, log);
        bus.emplace(Bus::Parts{.database = *sometimes,
                               .fallback = *fallback,
                               .name_of_agent = [this](auto id) { return name_of(std::move(id)); },
                               .has_owner = &has_owner,
                               .config = config,
                               .registry = registry,
                               .log = log});
    }
    /// All but one are there.
    Task<Result<std::optional<std::string>>> name_of(std::string id) {
        if (id.ends_with('0') || gone.contains(id)) co_return std::nullopt;
        co_return "weather-agent";
    }
    static Task<Result<bool>> has_owner(std::string address) { co_return address != "nobody:7"; }
    static std::vector<Draft> drafts(Draft draft) {
        std::vector<Draft> one;
        one.push_back(std::move(draft));
        return one;
    }
    void run(Task<Result<void>> test) {
        const auto done = run_to_end(std::move(test));
        EXPECT_TRUE(done) << describe(done.error());
    }
    Task<Result<void>> acknowledge_while_away();
    Task<Result<void>> send_together();
    Task<Result<void>> post_and_ring();
    Task<Result<void>> send_to_nobody();

    Task<Result<void>> send_again_when_full();
    Task<Result<void>> purge_when_full();
    Task<Result<void>> retire();
    Task<Result<void>> ring_after_the_journal();
    Task<Result<void>> leap();
    Task<Result<void>> send_again_to_one_who_has_left();

    std::set<std::string> gone;  // agents that have retired
    BusConfig config;
    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    std::optional<storage::Sometimes> sometimes;
    std::optional<storage::Fallback> fallback;
    std::optional<Bus> bus;
};
INSTANTIATE_TEST_SUITE_P(Engines, BusOverDatabaseTest, storage::both_engines, storage::engine_name);

Task<Result<void>> BusOverDatabaseTest::acknowledge_while_away() {
    auto two = drafts(to("a", "1"));
    two.push_back(to("a", "2"));
    GH_CO_TRY_VOID(co_await bus->send(std::move(two)));
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 1, seconds(0)));
    EXPECT_EQ(batch.messages.size(), 1U);
    sometimes->away = true;
    auto third = drafts(to("a", "3"));
    const auto refused = co_await bus->send(std::move(third));
    EXPECT_EQ(reason(refused), "storage.connection") << "a send is never put off";
    GH_CO_TRY_VOID(co_await bus->acknowledge("a", ids(batch)));
    GH_CO_TRY_VOID(co_await bus->acknowledge("a", ids(batch)));
    EXPECT_EQ(fallback->backlog().records, 2U);
    sometimes->away = false;
    GH_CO_TRY(const auto early, co_await bus->receive("a", 10, seconds(0)));
    EXPECT_EQ(bodies(early), "") << "what is acknowledged is not given out before that is known";
    GH_CO_TRY(const auto brought, co_await fallback->replay(net::Loop::current()->system_now()));
    EXPECT_EQ(brought, 2U);
    GH_CO_TRY(const auto next, co_await bus->receive("a", 10, {}));
    EXPECT_EQ(bodies(next), "2 ");
    GH_CO_TRY(const auto depths, co_await messages().depths(9, 9));
    EXPECT_EQ(depths[0].messages, 1) << "counted off once";
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, AcknowledgementsWaitForTheDatabaseAndCountOnce) {
    run(acknowledge_while_away());
}

/// Sends one, and tells what came of it.
Task<> send_and_give(Bus& bus, Draft draft, net::Answer<std::string_view>::Giver give) {
    std::vector<Draft> one;
    one.push_back(std::move(draft));
    const auto sent = co_await bus.send(std::move(one));
    give(sent ? (*sent)[0].refusal : sent.error().reason);
}

Task<Result<void>> BusOverDatabaseTest::send_together() {
    auto& loop = *net::Loop::current();
    std::vector<net::Answer<std::string_view>> answers;
    const auto asked = sometimes->asked;
    for (int i = 0; i < 20; ++i) {
        auto draft = to("a", std::to_string(i));
        if (i == 7) draft.type = std::string("\0", 1);  // no text for either database
        answers.emplace_back(loop);
        spawn(send_and_give(*bus, std::move(draft), answers.back().giver()));
    }
    for (int i = 0; i < 20; ++i) {
        const auto refusal = co_await answers[static_cast<std::size_t>(i)].wait();
        EXPECT_EQ(refusal, i == 7 ? "storage.value" : "") << i;
    }
    EXPECT_LE(sometimes->asked - asked, 1 + 20) << "as one, and then each for itself";
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 100, {}));
    EXPECT_EQ(batch.messages.size(), 19U);
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, WhatIsSentTogetherIsOneTransactionAndOneSpoilsItForNobodyElse) {
    run(send_together());
}

Task<Result<void>> BusOverDatabaseTest::post_and_ring() {
    auto& loop = *net::Loop::current();
    net::Wakeup wakeup(loop);
    const net::Doorbell::Visitor visitor(bus->bell(), "a", wakeup);
    for (const bool fails : {true, false}) {
        outbox::Posting posting(*bus);
        auto also = posting.also<int>([](const int& value) {
            std::vector<outbox::Notice> notices;
            notices.push_back({.recipient = "a", .type = "t" + std::to_string(value)});
            return notices;
        });
        auto work = [also, fails](storage::Session& session) -> Task<Result<int>> {
            GH_CO_TRY_VOID(co_await also.before(session));
            const int value = 7;
            GH_CO_TRY_VOID(co_await also.after(session, value));
            if (fails) co_return fail(ErrorKind::conflict, "test.undone");
            co_return value;
        };
        auto done = posting.heed(co_await database->write(std::move(work)));
        EXPECT_EQ(done.has_value(), !fails);
    }
    wakeup.expire_at(loop.now() + seconds(5));
    co_await wakeup.wait();
    EXPECT_FALSE(wakeup.expired());
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 10, {}));
    EXPECT_EQ(batch.messages.size(), 1U) << "what was undone was never told";
    EXPECT_EQ(batch.messages.at(0).type, "t7");
    EXPECT_EQ(batch.messages.at(0).sender, "gatehouse");
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, WhatARoomTellsIsThereExactlyWhenItsChangeIs) { run(post_and_ring()); }

Task<Result<void>> BusOverDatabaseTest::send_to_nobody() {
    auto to_none = drafts(to("018bcfe5-6800-7d5b-8de0-e1c49013ae10"));
    GH_CO_TRY(const auto none, co_await bus->send(std::move(to_none)));
    EXPECT_EQ(none[0].refusal, "bus.recipient_unknown");
    auto to_some = drafts(to("018bcfe5-6800-7d5b-8de0-e1c49013ae11"));
    GH_CO_TRY(const auto some, co_await bus->send(std::move(to_some)));
    EXPECT_EQ(some[0].refusal, "");
    GH_CO_TRY(const bool nobody, co_await bus->knows(""));
    EXPECT_TRUE(nobody);
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, NothingIsSentToAnAgentThatIsNotThere) { run(send_to_nobody()); }

Task<Result<void>> BusOverDatabaseTest::retire() {
    const std::string agent = "018bcfe5-6800-7d5b-8de0-e1c49013ae11";
    const std::string other = "018bcfe5-6800-7d5b-8de0-e1c49013ae12";
    const auto now = net::Loop::current()->system_now();
    for (const auto& recipient : {agent, other}) {
        std::vector<Draft> many(600, to(recipient));
        GH_CO_TRY_VOID(co_await bus->send(std::move(many)));
    }
    gone.insert(agent);
    auto cached = drafts(to(agent));
    GH_CO_TRY(const auto before, co_await bus->send(std::move(cached)));
    EXPECT_EQ(before[0].refusal, "") << "nobody has said so to this node";
    bus->agent_ended(agent);
    auto late = drafts(to(agent));
    GH_CO_TRY(const auto after, co_await bus->send(std::move(late)));
    EXPECT_EQ(after[0].refusal, "bus.recipient_unknown");
    GH_CO_TRY_VOID(co_await bus->keep(now, SteadyTime(seconds(1))));
    GH_CO_TRY(const auto first, co_await messages().depths(9, 9));
    EXPECT_EQ(first.at(0).recipient, other);
    EXPECT_EQ(first.at(0).messages, 600);
    EXPECT_EQ(first.at(1).messages, 0);
    gone.insert(other);  // elsewhere
    GH_CO_TRY_VOID(co_await bus->keep(now, SteadyTime(seconds(100))));
    GH_CO_TRY(const auto second, co_await messages().depths(9, 9));
    EXPECT_EQ(second.at(0).messages, 0);
    gone.clear();
    auto announced = drafts(to(agent));
    GH_CO_TRY(const auto back, co_await bus->send(std::move(announced)));
    EXPECT_EQ(back[0].refusal, "") << "who is not there is not remembered";
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, WhatWaitsForARetiredAgentEnds) { run(retire()); }

Task<Result<void>> BusOverDatabaseTest::ring_after_the_journal() {
    auto& loop = *net::Loop::current();
    auto two = drafts(to("a", "1"));
    two.push_back(to("b", "2"));
    GH_CO_TRY_VOID(co_await bus->send(std::move(two)));
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 1, {}));
    GH_CO_TRY_VOID(co_await bus->keep(loop.system_now(), loop.now()));  // rings for what is used
    sometimes->away = true;
    GH_CO_TRY_VOID(co_await bus->acknowledge("a", ids(batch)));
    sometimes->away = false;
    GH_CO_TRY(const auto looked, co_await bus->receive("b", 1, {}));
    EXPECT_TRUE(looked.messages.empty());
    net::Wakeup wakeup(loop);
    const net::Doorbell::Visitor visitor(bus->bell(), "b", wakeup);
    EXPECT_EQ(bus->bell().visitors("b"), 1U);
    GH_CO_TRY_VOID(co_await fallback->replay(loop.system_now()));
    GH_CO_TRY_VOID(co_await bus->keep(loop.system_now(), loop.now()));
    wakeup.expire_at(loop.now() + seconds(5));
    co_await wakeup.wait();
    EXPECT_FALSE(wakeup.expired()) << "it would sleep with a message there";
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, WhoLookedWhileTheJournalHadSomethingIsRungFor) {
    run(ring_after_the_journal());
}

Task<Result<void>> BusOverDatabaseTest::leap() {
    const auto now = net::Loop::current()->system_now(), later = now + config.waiting_kept * 2;
    auto one = drafts(to("a", "1"));
    GH_CO_TRY_VOID(co_await bus->send(std::move(one)));
    GH_CO_TRY_VOID(co_await bus->keep(now, SteadyTime(seconds(1))));
    GH_CO_TRY_VOID(co_await bus->keep(later, SteadyTime(seconds(7))));
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 1, {}));
    EXPECT_EQ(batch.messages.size(), 1U) << "the clock may leap back";
    GH_CO_TRY_VOID(co_await bus->release("a", batch.receipt));
    GH_CO_TRY_VOID(co_await bus->keep(later, SteadyTime(seconds(700))));
    GH_CO_TRY(const auto depths, co_await messages().depths(9, 9));
    EXPECT_EQ(depths.at(0).messages, 0) << "it has stayed so";
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, AClockThatLeapsEndsNothingAtOnce) { run(leap()); }

Task<Result<void>> BusOverDatabaseTest::send_again_to_one_who_has_left() {
    const std::string agent = "018bcfe5-6800-7d5b-8de0-e1c49013ae11";
    auto one = drafts(to(agent, "1"));
    one[0].id = view(uuid_v4());
    GH_CO_TRY_VOID(co_await bus->send(one));
    gone.insert(agent);
    bus->agent_ended(agent);
    GH_CO_TRY(const auto again, co_await bus->send(one));
    EXPECT_EQ(again[0].refusal, "");
    EXPECT_FALSE(again[0].is_new);
    one[0].body = "2";
    GH_CO_TRY(const auto other, co_await bus->send(one));
    EXPECT_EQ(other[0].refusal, "bus.recipient_unknown");
    auto far = drafts(to("a"));
    const auto now = net::Loop::current()->system_now();
    far[0].deliver_at = now + seconds(31 * 86'400);
    GH_CO_TRY(const auto refused, co_await bus->send(std::move(far)));
    EXPECT_EQ(refused[0].refusal, "bus.deliver_at");
    auto stranger = drafts(to("nobody:7"));
    GH_CO_TRY(const auto nobody, co_await bus->send(std::move(stranger)));
    EXPECT_EQ(nobody[0].refusal, "bus.recipient_unknown");
    co_return Result<void>{};
}
TEST_P(BusOverDatabaseTest, WhatWasSentIsSentWhateverBecameOfItsRecipient) {
    run(send_again_to_one_who_has_left());
}

class NearlyFullBusTest : public BusOverDatabaseTest {
 protected:
    NearlyFullBusTest() { config.bytes_max = 1'000; }
};
INSTANTIATE_TEST_SUITE_P(Engines, NearlyFullBusTest, storage::both_engines, storage::engine_name);

Task<Result<void>> BusOverDatabaseTest::send_again_when_full() {
    auto one = drafts(to("a", std::string(450, '1')));
    one[0].id = view(uuid_v4());
    const auto sent_at = net::Loop::current()->system_now();
    GH_CO_TRY_VOID(co_await bus->send(one));
    GH_CO_TRY(const auto batch, co_await bus->receive("a", 1, {}));
    GH_CO_TRY_VOID(co_await bus->acknowledge("a", ids(batch)));
    GH_CO_TRY_VOID(co_await bus->keep(sent_at + seconds(300), SteadyTime(seconds(300))));
    GH_CO_TRY(const auto again, co_await bus->send(one));
    EXPECT_EQ(again[0].refusal, "");
    EXPECT_FALSE(again[0].is_new) << "it would come a second time";
    GH_CO_TRY_VOID(co_await bus->keep(sent_at + seconds(660), SteadyTime(seconds(660))));
    GH_CO_TRY(const auto later, co_await bus->send(one));
    EXPECT_TRUE(later[0].is_new);
    co_return Result<void>{};
}
TEST_P(NearlyFullBusTest, KnowsTheIdsOfWhatEndedAMomentAgo) { run(send_again_when_full()); }

class SmallBusTest : public BusOverDatabaseTest {
 protected:
    SmallBusTest() { config.bytes_max = 2'000 * (message_overhead_bytes + 2); }
};
INSTANTIATE_TEST_SUITE_P(Engines, SmallBusTest, storage::both_engines, storage::engine_name);

Task<Result<void>> BusOverDatabaseTest::purge_when_full() {
    const auto now = net::Loop::current()->system_now();
    for (int i = 0; i < 20; ++i) {
        std::vector<Draft> many(100, to("a"));
        GH_CO_TRY(const auto sent, co_await bus->send(std::move(many)));
        EXPECT_EQ(sent.back().refusal, "");
        GH_CO_TRY(const auto batch, co_await bus->receive("a", 100, {}));
        GH_CO_TRY_VOID(co_await bus->acknowledge("a", ids(batch)));
    }
    auto one = drafts(to("a"));
    GH_CO_TRY(const auto full, co_await bus->send(one));
    EXPECT_EQ(full[0].refusal, "bus.full");
    for (int i = 0; i < 9; ++i)  // no longer than a moment each
        GH_CO_TRY_VOID(co_await bus->keep(now + seconds(660), SteadyTime(seconds(100 + i))));
    GH_CO_TRY(const auto bytes, co_await messages().bytes());
    EXPECT_LE(bytes, static_cast<std::int64_t>(config.bytes_max / 10 * 9)) << "to the mark";
    EXPECT_GE(bytes, static_cast<std::int64_t>(config.bytes_max / 2)) << "and not much further";
    GH_CO_TRY(const auto free, co_await bus->send(one));
    EXPECT_EQ(free[0].refusal, "");
    co_return Result<void>{};
}
TEST_P(SmallBusTest, WhatHasEndedMakesRoomWhenTheHouseIsNearlyFull) { run(purge_when_full()); }

TEST(Acknowledgement, IsReadAsItWasWritten) {
    const Acknowledgement written{.recipient = "user:ada",
                                  .ids = {std::string(view(uuid_v4()))},
                                  .at = SystemTime(seconds(7))};
    const auto read = acknowledgement_of(payload_of(written));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->recipient, written.recipient);
    EXPECT_EQ(read->ids, written.ids);
    EXPECT_EQ(read->at, written.at);
    for (const auto* bad :
         {"", "{}", "[]", R"({"recipient":"a b","ids":[],"at":1})",
          R"({"recipient":"a","ids":["x"],"at":1})", R"({"recipient":"a","ids":[7],"at":1})",
          R"({"recipient":"a","ids":[],"at":"1"})", R"({"recipient":"a","at":1})"})
        EXPECT_EQ(reason(acknowledgement_of(bad)), "bus.payload") << bad;
}

TEST(ConversationLimit, IsTheSmallestOfWhatTheNamesHave) {
    BusConfig config;
    EXPECT_EQ(conversation_limit(config, {"weather-agent"}), 0);
    config.conversation_messages_max_of = {{"WEATHER_AGENT", 10}, {"free-agent", 0}};
    EXPECT_EQ(conversation_limit(config, {"weather-agent"}), 10);
    EXPECT_EQ(conversation_limit(config, {"plan-agent"}), 0);
    config.conversation_messages_max = 20;
    EXPECT_EQ(conversation_limit(config, {"plan-agent", "weather-agent"}), 10);
    EXPECT_EQ(conversation_limit(config, {"plan-agent"}), 20);
    EXPECT_EQ(conversation_limit(config, {"free-agent"}), 0);
    EXPECT_EQ(conversation_limit(config, {}), 20);
}

}  // namespace
}  // namespace gh::bus

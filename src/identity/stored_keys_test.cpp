#include "identity/stored_keys.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <stdexcept>
#include <string>

#include "net/loop.hpp"

namespace gh::identity {
namespace {

using State = StoredKeys::Found::State;
using Answer = Result<std::shared_ptr<const access::Principal>>;

struct Woken final : access::Waiter {
    void wake() noexcept override { ++times; }
    int times = 0;
};

/// A database that answers when the test says so.
class StoredKeysTest : public testing::Test {
 protected:
    struct Asked {
        explicit Asked(net::Loop& loop, std::string_view key) : text(key), wakeup(loop) {}
        std::string text;
        net::Wakeup wakeup;
        std::optional<Answer> answer;
    };
    void TearDown() override {  // nobody is left waiting
        for (auto& each : asked) {
            if (each.answer) continue;
            each.answer = bad();
            each.wakeup.wake();
        }
        loop.post([this] { loop.stop(); });
        loop.run();
    }
    Task<Answer> look_up(std::string_view text) {
        ++look_ups;
        return answer_to(asked.emplace_back(loop, text));
    }
    Task<Answer> answer_to(Asked& question) {
        while (!question.answer) co_await question.wakeup.wait();
        co_return *question.answer;
    }
    /// The oldest look-up that has no answer.
    void answer(Answer with) {
        for (auto& each : asked) {
            if (each.answer) continue;
            each.answer = std::move(with);
            each.wakeup.wake();
            break;
        }
        loop.post([this] { loop.stop(); });
        loop.run();
    }
    static Answer good(std::string id = "k1", std::optional<SystemTime> expires = {}) {
        auto principal = std::make_shared<access::Principal>();
        principal->token_id = std::move(id);
        principal->expires = expires;
        return principal;
    }
    static Answer bad() { return fail(ErrorKind::unauthenticated, "key.unknown"); }
    static Answer away() { return fail(ErrorKind::unavailable, "storage.connection"); }
    void know(std::string_view text) {
        ASSERT_EQ(keys.ask(text, now).state, State::pending);
        answer(good());
        ASSERT_EQ(keys.ask(text, now).state, State::good);
    }
    State ask(std::string_view text) { return keys.ask(text, now).state; }

    net::Loop loop;
    std::deque<Asked> asked;
    int look_ups = 0;
    SystemTime now{seconds(1'700'000'000)};
    KeyUses uses;
    StoredKeys keys{[this](std::string_view text, SystemTime) { return look_up(text); },
                    [this] { return now; }, uses};
};

TEST_F(StoredKeysTest, AsksOnceForAKeyThatManyWaitFor) {
    EXPECT_FALSE(keys.find("gh_a", now));
    EXPECT_EQ(look_ups, 0);
    Woken first, second, other;
    EXPECT_EQ(ask("gh_a"), State::pending);
    keys.wait("gh_a", first);
    EXPECT_EQ(ask("gh_a"), State::pending);
    keys.wait("gh_a", second);
    EXPECT_EQ(ask("gh_b"), State::pending);
    keys.wait("gh_b", other);
    EXPECT_EQ(look_ups, 2);

    answer(good());
    EXPECT_EQ(first.times, 1);
    EXPECT_EQ(second.times, 1);
    EXPECT_EQ(other.times, 0);
    const auto found = keys.find("gh_a", now);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, State::good);
    EXPECT_EQ(found->principal->token_id, "k1");
    EXPECT_EQ(look_ups, 2);
    EXPECT_EQ(uses.size(), 1U);

    Woken late;
    keys.wait("gh_a", late);  // nothing is under way any more
    EXPECT_EQ(late.times, 1);
}

TEST_F(StoredKeysTest, RefreshesABusyKeyBeforeItWouldHaveToWait) {
    know("gh_a");
    now += StoredKeys::refresh_after - milliseconds(1);
    EXPECT_EQ(ask("gh_a"), State::good);
    EXPECT_EQ(look_ups, 1);
    now += milliseconds(1);
    EXPECT_EQ(ask("gh_a"), State::good);
    EXPECT_EQ(ask("gh_a"), State::good);
    EXPECT_EQ(look_ups, 2);
    answer(good());
    now += StoredKeys::refresh_after - milliseconds(1);
    EXPECT_EQ(ask("gh_a"), State::good);
    EXPECT_EQ(look_ups, 2);
}

TEST_F(StoredKeysTest, AnIdleKeyIsAskedForAnew) {
    know("gh_a");
    now += StoredKeys::good_for;
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(fail(ErrorKind::unauthenticated, "key.revoked"));
    const auto found = keys.ask("gh_a", now);
    EXPECT_EQ(found.state, State::refused);
    EXPECT_EQ(found.reason, "key.revoked");
    EXPECT_EQ(look_ups, 2);
}

TEST_F(StoredKeysTest, WhatWasRefusedIsRefusedForAWhile) {
    EXPECT_EQ(ask("gh_x"), State::pending);
    answer(bad());
    now += StoredKeys::refused_for - milliseconds(1);
    EXPECT_EQ(keys.ask("gh_x", now).reason, "key.unknown");
    EXPECT_EQ(look_ups, 1);
    EXPECT_EQ(uses.size(), 0U);
    now += milliseconds(1);
    EXPECT_EQ(ask("gh_x"), State::pending);
}

TEST_F(StoredKeysTest, AKeyEndsWhenItExpires) {
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(good("k1", now + milliseconds(100)));
    EXPECT_EQ(ask("gh_a"), State::good);
    now += milliseconds(100);
    EXPECT_EQ(ask("gh_a"), State::pending);  // or was it renewed?
    answer(fail(ErrorKind::unauthenticated, "key.expired"));
    EXPECT_EQ(keys.ask("gh_a", now).reason, "key.expired");
    EXPECT_EQ(look_ups, 2);
}

TEST_F(StoredKeysTest, AKeyThatWasRenewedGoesOn) {
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(good("k1", now + milliseconds(100)));
    now += milliseconds(100);
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(good("k1", now + seconds(10)));
    EXPECT_EQ(ask("gh_a"), State::good);
}

TEST_F(StoredKeysTest, GoesOnWithWhatItKnowsWhileTheDatabaseIsAway) {
    know("gh_a");
    now += StoredKeys::good_for;
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(away());
    EXPECT_EQ(ask("gh_a"), State::good);  // known lately enough
    EXPECT_EQ(look_ups, 2);               // and not asked again at once
    now += StoredKeys::retry_after;
    EXPECT_EQ(ask("gh_a"), State::good);  // without waiting
    EXPECT_EQ(look_ups, 3);
    answer(away());

    EXPECT_EQ(ask("gh_b"), State::pending);
    answer(away());
    const auto unknown = keys.ask("gh_b", now);
    EXPECT_EQ(unknown.state, State::unavailable);
    EXPECT_EQ(unknown.reason, "storage.connection");

    now += StoredKeys::usable_for;
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(away());
    EXPECT_EQ(ask("gh_a"), State::unavailable);
    now += StoredKeys::retry_after;
    EXPECT_EQ(ask("gh_a"), State::pending);
    answer(good());  // it is back
    EXPECT_EQ(ask("gh_a"), State::good);
    now += StoredKeys::good_for;
    EXPECT_EQ(ask("gh_a"), State::pending);  // and has the word again
}

TEST_F(StoredKeysTest, WaitsOnlySoLongForADatabaseThatHangs) {
    know("gh_a");
    now += StoredKeys::good_for;
    EXPECT_EQ(ask("gh_a"), State::pending);
    now += StoredKeys::patience;
    EXPECT_EQ(ask("gh_a"), State::good);
    now += StoredKeys::usable_for;
    EXPECT_EQ(ask("gh_a"), State::pending);
    EXPECT_EQ(look_ups, 2);
}

TEST_F(StoredKeysTest, AClockThatGoesBackMakesEverythingStale) {
    know("gh_a");
    now -= std::chrono::hours(1);
    EXPECT_EQ(ask("gh_a"), State::pending);
}

TEST_F(StoredKeysTest, GuessingPushesNoGoodKeyOut) {
    know("gh_a");
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_EQ(ask("gh_guess" + std::to_string(i)), State::pending);
        asked.back().answer = bad();
        asked.back().wakeup.wake();
        if (i % 200 == 0) answer(bad());
    }
    answer(bad());
    EXPECT_EQ(ask("gh_a"), State::good);
    EXPECT_EQ(look_ups, 20'001);
}

TEST_F(StoredKeysTest, LooksUpOnlySoManyAtATime) {
    know("gh_a");
    for (std::size_t i = 0; i < StoredKeys::look_ups_max; ++i)
        ASSERT_EQ(ask("gh_" + std::to_string(i)), State::pending);
    const auto found = keys.ask("gh_more", now);
    EXPECT_EQ(found.state, State::unavailable);
    EXPECT_EQ(found.reason, "key.busy");
    now += StoredKeys::refresh_after;
    const auto before = look_ups;
    EXPECT_EQ(ask("gh_a"), State::good);  // strangers do not keep a known key from being refreshed
    EXPECT_EQ(look_ups, before + 1);
}

TEST_F(StoredKeysTest, ForgetsAllWhenTold) {
    know("gh_a");
    Woken waiter;
    EXPECT_EQ(ask("gh_b"), State::pending);
    keys.wait("gh_b", waiter);
    keys.forget();
    EXPECT_EQ(waiter.times, 1);
    EXPECT_FALSE(keys.find("gh_a", now));
    answer(good("k2"));  // lands where nobody looks
    EXPECT_FALSE(keys.find("gh_b", now));
}

TEST_F(StoredKeysTest, ALookUpMayEndAtOnceOrBreak) {
    int count = 0;
    const auto at_once = [&count](std::string_view text, SystemTime) -> Task<Answer> {
        ++count;
        if (text == "gh_bug") throw std::runtime_error("x");
        if (text == "gh_bad") co_return bad();
        co_return good();
    };
    StoredKeys quick(at_once, [this] { return now; }, uses);
    EXPECT_EQ(quick.ask("gh_a", now).state, State::good);
    EXPECT_EQ(quick.ask("gh_bad", now).state, State::refused);
    EXPECT_EQ(quick.ask("gh_bug", now).reason, "key.exception");
    now += StoredKeys::good_for;
    EXPECT_EQ(quick.ask("gh_a", now).state, State::good);
    EXPECT_EQ(count, 4);
}

}  // namespace
}  // namespace gh::identity

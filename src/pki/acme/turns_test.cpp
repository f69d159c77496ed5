#include "pki/acme/turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "net/run_task.hpp"

namespace gh::pki::acme {
namespace {

/// Places that wait for their turn, and who got one, in order.
class AcmeTurns : public testing::Test {
 protected:
    using Places = std::vector<std::unique_ptr<Turns::Place>>;
    using Story = Task<Result<void>>;

    static Task<> take(Turns::Place& place, std::string who, std::vector<std::string>& called) {
        co_await place.turn();
        called.push_back(std::move(who));
    }
    void want(const std::string& account, std::size_t times = 1) {
        for (std::size_t i = 0; i < times; ++i) {
            auto& place = places[account].emplace_back(turns.line_up(account, "of " + account));
            ASSERT_TRUE(place);
            spawn(take(*place, account, called));
            ++wanted;
        }
    }
    static Task<> settle() {
        for (int i = 0; i < 3; ++i) co_await net::Sleep(*net::Loop::current(), milliseconds(1));
    }
    void run(Story story) { EXPECT_TRUE(net::run_to_end(whole(std::move(story)))); }
    /// Until everybody had a turn: nobody may wait when the loop ends.
    Story whole(Story story) {
        (void)co_await std::move(story);
        for (int i = 0; i < 100 && called.size() < wanted; ++i) {
            for (auto& [account, own] : places) {
                for (auto& place : own) place->give_back();
            }
            co_await settle();
        }
        EXPECT_EQ(called.size(), wanted);
        co_return Result<void>{};
    }
    std::size_t count(const std::string& account) const {
        return static_cast<std::size_t>(std::ranges::count(called, account));
    }

    Turns turns;
    std::vector<std::string> called;
    std::size_t wanted = 0;
    std::map<std::string, Places> places;  // goes before `turns`

    Story leaves_room();
    Story one_after_the_other();
    Story pause();
};

AcmeTurns::Story AcmeTurns::leaves_room() {
    want("a", 20);
    want("b");
    co_await settle();
    EXPECT_EQ(count("a"), Turns::of_account_max);
    EXPECT_EQ(count("b"), 1U);
    co_return Result<void>{};
}
TEST_F(AcmeTurns, OneAccountLeavesRoomForOthers) { run(leaves_room()); }

AcmeTurns::Story AcmeTurns::one_after_the_other() {
    constexpr std::size_t busy = Turns::at_once_max / Turns::of_account_max;
    for (std::size_t i = 0; i < busy; ++i) want("a" + std::to_string(i), Turns::of_account_max + 2);
    want("z");
    co_await settle();
    EXPECT_EQ(called.size(), Turns::at_once_max);
    EXPECT_EQ(count("z"), 0U);
    // Whoever came last waits for one turn of each account at most.
    for (std::size_t i = 0; i < busy; ++i) places["a" + std::to_string(i)].front()->give_back();
    co_await settle();
    EXPECT_EQ(count("z"), 1U);
    EXPECT_EQ(called.size(), Turns::at_once_max + busy);
    co_return Result<void>{};
}
TEST_F(AcmeTurns, AccountsComeOneAfterTheOther) { run(one_after_the_other()); }

AcmeTurns::Story AcmeTurns::pause() {
    want("a", Turns::of_account_max + 2);
    co_await settle();
    EXPECT_EQ(count("a"), Turns::of_account_max);
    places["a"].front()->give_back();
    places["a"].front()->give_back();  // it has one to give
    co_await settle();
    EXPECT_EQ(count("a"), Turns::of_account_max + 1);
    EXPECT_EQ(turns.in_line(), Turns::of_account_max + 2);
    co_return Result<void>{};
}
TEST_F(AcmeTurns, APauseIsForOthersOfTheAccount) { run(pause()); }

TEST(AcmeTurnsLine, HasAnEndForEachAndForAll) {
    Turns turns;
    std::vector<std::unique_ptr<Turns::Place>> all;
    for (std::size_t i = 0; i < Turns::places_max; ++i) {
        const auto account = std::to_string(i / Turns::places_of_account_max);
        ASSERT_TRUE(all.emplace_back(turns.line_up(account, std::to_string(i))));
        if (i + 1 == Turns::places_of_account_max) {
            EXPECT_FALSE(turns.line_up("0", "x"));
        }
    }
    EXPECT_FALSE(turns.line_up("another", "x"));
    EXPECT_TRUE(turns.contains("7"));
    all.erase(all.begin() + 7);
    EXPECT_FALSE(turns.contains("7"));
    EXPECT_EQ(turns.in_line(), Turns::places_max - 1);
    EXPECT_TRUE(turns.line_up("another", "x"));
}

}  // namespace
}  // namespace gh::pki::acme

#include "app/learn_cursor.hpp"

#include <gtest/gtest.h>

namespace gh::app {
namespace {

using namespace std::chrono_literals;

TEST(LearnCursor, ReadsTheLastMomentsAgainAndEverythingNowAndThen) {
    const SystemTime start{std::chrono::seconds(1'750'000'000)};
    const SystemTime ever{};
    LearnCursor cursor(5min);
    EXPECT_EQ(cursor.since(start), ever);
    cursor.learnt(start);
    EXPECT_EQ(cursor.since(start + 1s), start - 30s);
    cursor.learnt(start + 4min);
    EXPECT_EQ(cursor.since(start + 5min - 1s), start + 4min - 30s);
    EXPECT_EQ(cursor.since(start + 5min), ever) << "what a clock far behind has dated";
    cursor.learnt(start + 5min);
    EXPECT_EQ(cursor.since(start + 5min + 1s), start + 5min - 30s);
    EXPECT_EQ(cursor.since(start), ever) << "the clock was set back";
}

}  // namespace
}  // namespace gh::app

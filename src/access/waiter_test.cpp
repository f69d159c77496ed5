#include "access/waiter.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace gh::access {
namespace {

struct Named final : Waiter {
    Named(std::string& where, char as) : heard(where), name(as) {}
    void wake() noexcept override { heard += name; }
    std::string& heard;
    char name;
};

TEST(WaitingLine, WakesEachOnceInTheOrderOfTheirComing) {
    std::string heard;
    Named a(heard, 'a'), b(heard, 'b');
    WaitingLine line;
    line.wake_all();
    line.join(b);
    line.join(a);
    EXPECT_FALSE(line.empty());
    line.wake_all();
    line.wake_all();
    EXPECT_EQ(heard, "ba");
    EXPECT_TRUE(line.empty());
}

TEST(WaitingLine, ForgetsWhoHasGoneOrStandsElsewhere) {
    std::string heard;
    Named moved(heard, 'm');
    WaitingLine line, other;
    {
        Named gone(heard, 'g');
        line.join(gone);
        line.join(moved);
    }
    other.join(moved);
    EXPECT_TRUE(line.empty());
    line.wake_all();
    EXPECT_EQ(heard, "");
    other.wake_all();
    EXPECT_EQ(heard, "m");
}

TEST(WaitingLine, MayEndBeforeThoseWhoWait) {
    std::string heard;
    Named waiter(heard, 'w');
    std::optional<WaitingLine> line(std::in_place);
    line->join(waiter);
    line.reset();
    WaitingLine next;
    next.join(waiter);
    next.wake_all();
    EXPECT_EQ(heard, "w");
}

}  // namespace
}  // namespace gh::access

#include "base/id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace gh {
namespace {

TEST(Uuid, Version4HasItsVersionAndVariantAndDiffersEachTime) {
    std::set<std::string, std::less<>> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto id = uuid_v4();
        const auto text = view(id);
        EXPECT_EQ(text[14], '4');
        EXPECT_TRUE(std::string_view("89ab").contains(text[19])) << text;
        EXPECT_EQ(text[8], '-');
        EXPECT_TRUE(seen.emplace(text).second);
    }
}

TEST(Uuid, Version7SortsByTime) {
    const auto earlier =
        uuid_v7(std::chrono::system_clock::time_point(std::chrono::milliseconds(0x0123456789ab)));
    const auto later =
        uuid_v7(std::chrono::system_clock::time_point(std::chrono::milliseconds(0x0123456789ac)));
    EXPECT_EQ(view(earlier).substr(0, 15), "01234567-89ab-7");
    EXPECT_LT(view(earlier), view(later));
}

TEST(Uuid, Version7KnowsItsMoment) {
    const std::chrono::system_clock::time_point moment(
        std::chrono::milliseconds(1'700'000'000'123));
    EXPECT_EQ(time_of_uuid_v7(view(uuid_v7(moment + std::chrono::microseconds(456)))), moment);
    for (const std::string_view text :
         {"", "018bcfe5-687b-7", "018bcfe5-687b-4000-8000-000000000000",
          "018bcfe5-68-b-7000-8000-000000000000", "018bcfe5x687b-7000-8000-000000000000",
          "-18bcfe5-687b-7000-8000-000000000000", "ffffffff-ffff-7000-8000-000000000000",
          "08637bd0-5af7-7000-8000-000000000000"}) {
        EXPECT_FALSE(time_of_uuid_v7(text)) << text;
    }
    EXPECT_TRUE(time_of_uuid_v7("08637bd0-5af6-7000-8000-000000000000")) << "the clock's last";
}

}  // namespace
}  // namespace gh

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

}  // namespace
}  // namespace gh

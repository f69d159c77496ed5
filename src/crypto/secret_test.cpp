#include "crypto/secret.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <type_traits>

namespace gh::crypto {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(Secret, CannotBeShownOrCopiedByAccident) {
    static_assert(!Streamable<Secret>);
    static_assert(!std::is_copy_constructible_v<Secret>);
    static_assert(!std::is_convertible_v<Secret, std::string_view>);
}

TEST(Secret, MovesAndLeavesNothingBehind) {
    Secret a("a longer secret than small strings hold");
    Secret b = std::move(a);
    EXPECT_TRUE(a.empty());  // NOLINT: what is left is what we ask about
    EXPECT_TRUE(a.bytes().empty());
    EXPECT_EQ(text_of(b.bytes()), "a longer secret than small strings hold");
    a = b.copy();
    EXPECT_TRUE(constant_time_equal(a.bytes(), b.bytes()));
}

TEST(Secret, RandomOnesDiffer) {
    EXPECT_EQ(Secret::random(32).size(), 32U);
    EXPECT_FALSE(constant_time_equal(Secret::random(32).bytes(), Secret::random(32).bytes()));
}

TEST(ConstantTimeEqual, ComparesWholeTexts) {
    EXPECT_TRUE(constant_time_equal("", ""));
    EXPECT_TRUE(constant_time_equal("abc", "abc"));
    EXPECT_FALSE(constant_time_equal("abc", "abd"));
    EXPECT_FALSE(constant_time_equal("abc", "ab"));
    EXPECT_FALSE(constant_time_equal("", "a"));
}

TEST(Wipe, LeavesZeros) {
    char text[] = "secret";
    wipe(text, sizeof text);
    for (const char c : text) EXPECT_EQ(c, 0);
}

}  // namespace
}  // namespace gh::crypto

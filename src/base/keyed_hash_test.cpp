#include "base/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace gh {
namespace {

// The 128-bit vectors of the SipHash reference implementation: key 00..0f, input 00, 01, 02, ...
TEST(KeyedHash, GivesTheVectorsOfTheReferenceImplementation) {
    struct Case {
        std::size_t length;
        std::uint64_t low, high;
    };
    constexpr Case cases[] = {
        {0, 0xe6a825ba047f81a3, 0x930255c71472f66d},  {1, 0x44af996bd8c187da, 0x45fc229b11597634},
        {7, 0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0},  {8, 0x61f55862baa9623b, 0xb49714f364e2830f},
        {9, 0xabbad90a06994426, 0xed716dbb028b7fc4},  {15, 0x11a8b03399e99354, 0xd9c3cf970fec087e},
        {16, 0xbb54b067caa4e26e, 0x77052385bf1533fd}, {24, 0xd850bd78ae79b42d, 0xad32618a178a2a88},
        {63, 0x4a83502f77d15051, 0x7cbd3f979a063e50},
    };
    constexpr KeyedHash hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
    std::array<std::uint8_t, 64> input;
    std::iota(input.begin(), input.end(), std::uint8_t{0});
    for (const auto& c : cases) {
        SCOPED_TRACE(c.length);
        const auto got = hash(std::span(input).first(c.length));
        EXPECT_EQ(got.low, c.low);
        EXPECT_EQ(got.high, c.high);
    }
}

TEST(KeyedHash, IsAnotherFunctionInEveryProcess) {
    EXPECT_NE(KeyedHash::random()("same text"), KeyedHash::random()("same text"));
}

TEST(KeyedHash, ReadsTextAndBytesAlike) {
    constexpr KeyedHash hash(1, 2);
    const std::array<std::uint8_t, 3> bytes{'a', 'b', 'c'};
    EXPECT_EQ(hash("abc"), hash(bytes));
}

}  // namespace
}  // namespace gh

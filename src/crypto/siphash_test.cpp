#include "crypto/siphash.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::crypto {
namespace {

// The reference implementation's first vectors: key 00 01 .. 0f, text of n bytes 00 01 ...
TEST(SipHash, AnswersAsTheReferenceDoes) {
    constexpr std::array<std::uint64_t, 2> key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    std::string text;
    const auto next = [&] { text.push_back(static_cast<char>(text.size())); };
    EXPECT_EQ(siphash(key, text), 0x726fdb47dd0e0e31);
    next();
    EXPECT_EQ(siphash(key, text), 0x74f839c593dc67fd);
    while (text.size() < 8) next();
    EXPECT_EQ(siphash(key, text), 0x93f5f5799a932462);
    while (text.size() < 15) next();
    EXPECT_EQ(siphash(key, text), 0xa129ca6149be45e5);
}

TEST(KeyedHash, DiffersFromOneKeyToTheNext) {
    EXPECT_NE(KeyedHash{}("same"), KeyedHash{}("same"));
    EXPECT_EQ(process_hash()("same"), process_hash()("same"));
}

}  // namespace
}  // namespace gh::crypto

#include "vault/barrier.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace gh::vault {
namespace {

using crypto::bytes_of;
using crypto::Secret;
using crypto::text_of;

Secret key(char octet) { return Secret(std::string(crypto::Xaes::key_bytes, octet)); }

/// Assigned and not returned as it is: the second compiler takes the result's end for another's.
Barrier with(const Barrier& before, KeyId id, char octet) {
    Barrier more;
    auto made = before.with(id, key(octet));
    if (!made) throw std::logic_error("a key of a test has 32 bytes");
    more = *std::move(made);
    return more;
}

std::string reason_of(const Result<Secret>& opened) {
    return opened ? "" : std::string(opened.error().reason);
}

constexpr Place here{.kind = "secret", .path = "team/database", .version = 3};

TEST(Barrier, GivesBackWhatWasSealedAndSaysWithWhichKey) {
    const auto barrier = with(with({}, 1, 'a'), 258, 'b');
    const auto sealed = barrier.seal(bytes_of("hunter2"), here);
    EXPECT_EQ(sealed.substr(0, 5), std::string("\1\0\0\1\2", 5));
    EXPECT_EQ(sealed.size(), 7 + Barrier::overhead_bytes);
    EXPECT_EQ(Barrier::key_of(bytes_of(sealed)), 258U);
    EXPECT_EQ(text_of(barrier.open(bytes_of(sealed), here)->bytes()), "hunter2");
    EXPECT_FALSE(sealed.contains("hunter2"));
    EXPECT_NE(barrier.seal(bytes_of("hunter2"), here), sealed);
}

TEST(Barrier, OpensInItsOwnPlaceOnly) {
    const auto barrier = with({}, 1, 'a');
    const auto sealed = barrier.seal(bytes_of("hunter2"), here);
    const Place elsewhere[] = {{"key", here.path, 3},          {here.kind, "team/database2", 3},
                               {here.kind, here.path, 4},      {"secretteam", "/database", 3},
                               {"", "secretteam/database", 3}, {}};
    for (const auto& place : elsewhere) {
        EXPECT_EQ(reason_of(barrier.open(bytes_of(sealed), place)), "barrier.open")
            << place.kind << " " << place.path;
    }
}

TEST(Barrier, OpensWithARetiredKeyAndSealsWithTheNewest) {
    const auto first = with({}, 1, 'a');
    const auto old = first.seal(bytes_of("old"), here);
    const auto both = with(first, 2, 'b');
    EXPECT_EQ(text_of(both.open(bytes_of(old), here)->bytes()), "old");
    const auto fresh = both.seal(bytes_of("new"), here);
    EXPECT_EQ(Barrier::key_of(bytes_of(fresh)), 2U);
    EXPECT_EQ(reason_of(first.open(bytes_of(fresh), here)), "barrier.key");
    const auto other = with({}, 1, 'x');
    EXPECT_EQ(reason_of(other.open(bytes_of(old), here)), "barrier.open");
    EXPECT_EQ(both.with(3, Secret("short")).error().reason, "xaes.key");
}

TEST(Barrier, RefusesWhatWasChangedOrCutOff) {
    const auto barrier = with(with({}, 1, 'a'), 0x01000001, 'a');
    const auto sealed = with({}, 1, 'a').seal(bytes_of("hunter2"), here);
    ASSERT_TRUE(barrier.open(bytes_of(sealed), here));
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
        // Also where the same key has another id.
        const auto reason = reason_of(barrier.open(bytes_of(changed), here));
        EXPECT_EQ(reason, bit < 8                ? "barrier.format"
                          : bit < 40 && bit != 8 ? "barrier.key"
                                                 : "barrier.open")
            << bit;
    }
    for (std::size_t size = 0; size < Barrier::overhead_bytes; ++size)
        EXPECT_EQ(reason_of(barrier.open(bytes_of(sealed).first(size), here)), "barrier.format");
    EXPECT_EQ(reason_of(barrier.open(bytes_of(sealed).first(sealed.size() - 1), here)),
              "barrier.open");
}

TEST(Barrier, WithoutAKeySealsAndOpensNothing) {
    const Barrier none;
    EXPECT_THROW((void)none.seal(bytes_of("x"), here), std::logic_error);
    const auto sealed = with({}, 0, 'a').seal({}, here);
    EXPECT_EQ(reason_of(none.open(bytes_of(sealed), here)), "barrier.key");
}

}  // namespace
}  // namespace gh::vault

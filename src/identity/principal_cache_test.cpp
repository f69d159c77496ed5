#include "identity/principal_cache.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::identity {
namespace {

constexpr SystemTime now{std::chrono::seconds{1000}};
constexpr std::chrono::seconds second{1};

std::shared_ptr<const access::Principal> somebody() {
    return std::make_shared<const access::Principal>();
}

TEST(PrincipalCache, RemembersUntilTheMomentGiven) {
    PrincipalCache cache;
    EXPECT_EQ(cache.find("token", now), nullptr);
    const auto alice = somebody();
    cache.insert("token", alice, now + second);
    ASSERT_NE(cache.find("token", now), nullptr);
    EXPECT_EQ(*cache.find("token", now), alice);
    EXPECT_EQ(cache.find("tokem", now), nullptr);
    EXPECT_EQ(cache.find("token ", now), nullptr);
    EXPECT_EQ(cache.find("token", now + second), nullptr);
    EXPECT_EQ(cache.find("token", now), nullptr)
        << "what expired is forgotten, also when the clock goes back";
}

TEST(PrincipalCache, TellsTextsWithOneEndApart) {
    PrincipalCache cache;
    const std::string end(64, 's');
    const auto alice = somebody(), bob = somebody();
    cache.insert("alice" + end, alice, now + second);
    cache.insert("bob" + end, bob, now + second);
    EXPECT_EQ(*cache.find("alice" + end, now), alice);
    EXPECT_EQ(*cache.find("bob" + end, now), bob);
    EXPECT_EQ(cache.find("eve" + end, now), nullptr);
}

TEST(PrincipalCache, KeepsTheLatestAnswerForAText) {
    PrincipalCache cache;
    const auto before = somebody(), after = somebody();
    cache.insert("token", before, now + second);
    cache.insert("token", after, now + 2 * second);
    EXPECT_EQ(*cache.find("token", now), after);
    EXPECT_EQ(before.use_count(), 1);
}

TEST(PrincipalCache, IsBounded) {
    PrincipalCache cache;
    const auto principal = somebody();
    for (std::size_t i = 0; i < 4 * PrincipalCache::entries_max; ++i) {
        cache.insert("token " + std::to_string(i), principal, now + second);
    }
    EXPECT_LE(static_cast<std::size_t>(principal.use_count()), PrincipalCache::entries_max + 1);
    EXPECT_GT(static_cast<std::size_t>(principal.use_count()), PrincipalCache::entries_max / 2);
    const std::string longest(PrincipalCache::text_bytes_max, 'a');
    cache.insert(longest, principal, now + second);
    EXPECT_NE(cache.find(longest, now), nullptr);
    cache.insert(longest + "a", principal, now + second);
    EXPECT_EQ(cache.find(longest + "a", now), nullptr);
}

TEST(PrincipalCache, MakesRoomWhereNobodyAsked) {
    PrincipalCache cache;
    cache.insert("asked for", somebody(), now + second);
    // Many more than fill every place: one that is asked for in between stays.
    for (int i = 0; i < 50'000; ++i) {
        cache.insert("token " + std::to_string(i), somebody(), now + second);
        ASSERT_NE(cache.find("asked for", now), nullptr) << i;
    }
}

TEST(PrincipalCache, ForgetsEverythingWhenTold) {
    PrincipalCache cache;
    cache.insert("token", somebody(), now + second);
    cache.clear();
    EXPECT_EQ(cache.find("token", now), nullptr);
}

}  // namespace
}  // namespace gh::identity

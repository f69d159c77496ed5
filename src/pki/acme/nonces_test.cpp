#include "pki/acme/nonces.hpp"

#include <gtest/gtest.h>

namespace gh::pki::acme {
namespace {

TEST(AcmeNonces, AreGoodOnce) {
    Nonces nonces;
    const auto first = nonces.next(), second = nonces.next();
    EXPECT_EQ(first.size(), 32U);
    EXPECT_NE(first, second);
    EXPECT_TRUE(nonces.use(second));
    EXPECT_TRUE(nonces.use(first));
    EXPECT_FALSE(nonces.use(first));
    EXPECT_FALSE(nonces.use(second));
}

TEST(AcmeNonces, OfAnotherNodeAreNoneOfOurs) {
    Nonces ours, theirs;
    (void)ours.next();
    EXPECT_FALSE(ours.use(theirs.next()));
}

TEST(AcmeNonces, ThatWereBentAreNone) {
    Nonces nonces;
    auto text = nonces.next();
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto bent = text;
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(nonces.use(bent)) << bent;
    }
    EXPECT_FALSE(nonces.use(""));
    EXPECT_FALSE(nonces.use(text + "AAAA"));
    EXPECT_TRUE(nonces.use(text));
}

TEST(AcmeNonces, TooOldOnesAreUsedAsFarAsAnybodyCanTell) {
    Nonces nonces;
    const auto old = nonces.next(), kept = nonces.next();
    for (std::size_t i = 2; i < Nonces::window + 1; ++i) (void)nonces.next();
    EXPECT_FALSE(nonces.use(old));
    EXPECT_TRUE(nonces.use(kept));
    EXPECT_FALSE(nonces.use(kept));
}

}  // namespace
}  // namespace gh::pki::acme

#include "access/http_proofs.hpp"

#include <gtest/gtest.h>

namespace gh::access {
namespace {

TEST(HttpProofs, AreFoundByTheirWholeTargetAlone) {
    HttpProofs proofs;
    ASSERT_TRUE(proofs.put("token", "token.thumbprint"));
    ASSERT_TRUE(proofs.find("/.well-known/acme-challenge/token"));
    EXPECT_EQ(*proofs.find("/.well-known/acme-challenge/token"), "token.thumbprint");
    for (const auto* target :
         {"/.well-known/acme-challenge/", "/.well-known/acme-challenge/toke",
          "/.well-known/acme-challenge/token/", "/.well-known/acme-challenge/token?x",
          "/.well-known/acme-challenge/../token", "/x/.well-known/acme-challenge/token", "token",
          "/token", ""}) {
        EXPECT_FALSE(proofs.find(target)) << target;
    }
    proofs.take_away("token");
    proofs.take_away("never");
    EXPECT_FALSE(proofs.find("/.well-known/acme-challenge/token"));
}

TEST(HttpProofs, AreNoMoreThanTheirLimit) {
    HttpProofs proofs;
    for (std::size_t i = 0; i < HttpProofs::proofs_max; ++i)
        ASSERT_TRUE(proofs.put("t" + std::to_string(i), "x"));
    const auto refused = proofs.put("one more", "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "acme.proofs");
}

}  // namespace
}  // namespace gh::access

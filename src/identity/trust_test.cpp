#include "identity/trust.hpp"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

TrustedIssuer issuer(std::string name, bool required = true) {
    return {.policy = {.issuer = std::move(name), .issuer_required = required},
            .keys = std::make_shared<const KeySet>()};
}

TEST(Trust, FindsAnIssuerByItsName) {
    const auto trust = Trust::make({issuer("a"), issuer("b", false)}, nullptr).value();
    EXPECT_EQ(trust->find_issuer("a")->policy.issuer, "a");
    EXPECT_EQ(trust->find_issuer("b")->policy.issuer, "b");
    EXPECT_EQ(trust->find_issuer("")->policy.issuer, "b");
    EXPECT_EQ(trust->find_issuer("A"), nullptr);
    EXPECT_EQ(Trust::make({issuer("a")}, nullptr).value()->find_issuer(""), nullptr);
}

TEST(Trust, RefusesIssuersThatCannotBeToldApart) {
    EXPECT_EQ(Trust::make({issuer("a"), issuer("a")}, nullptr).error().reason, "trust.issuer");
    EXPECT_EQ(Trust::make({issuer("a", false), issuer("b", false)}, nullptr).error().reason,
              "trust.issuer");
    std::vector<TrustedIssuer> many;
    for (std::size_t i = 0; i < issuers_max; ++i) many.push_back(issuer(std::to_string(i)));
    EXPECT_TRUE(Trust::make(many, nullptr));
    many.push_back(issuer("one more"));
    EXPECT_FALSE(Trust::make(many, nullptr));
}

TEST(TrustSource, SaysWhenSomethingChangedAndTakesFetchedKeys) {
    auto with_jwks = issuer("a");
    with_jwks.jwks = std::make_shared<JwksCache>("https://idp/jwks");
    const auto cache = with_jwks.jwks;
    const auto trust = Trust::make({std::move(with_jwks)}, nullptr).value();
    TrustSource source(trust);
    const auto before = source.generation();
    ASSERT_TRUE(cache->begin(SteadyTime{}));
    ASSERT_TRUE(cache->accept(
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
        SteadyTime{}));
    EXPECT_EQ(source.current()->issuers()[0].keys->size(), 0U);
    source.publish_fetched_keys();
    EXPECT_NE(source.generation(), before);
    EXPECT_EQ(source.current()->issuers()[0].keys->size(), 1U);
    // A Trust that was made before the fetch must not bring the old keys back.
    source.publish(trust);
    EXPECT_EQ(source.current()->issuers()[0].keys->size(), 1U);
}

}  // namespace
}  // namespace gh::identity

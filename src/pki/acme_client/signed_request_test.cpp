#include "pki/acme_client/signed_request.hpp"

#include <gtest/gtest.h>

#include "pki/acme/jws.hpp"

namespace gh::pki::acme_client {
namespace {

using acme::JwsUse;

TEST(AcmeSignedRequest, IsOneThatAServerBelieves) {
    const auto key = AccountKey::generate();
    const auto text =
        key.sign({.url = "https://ca.example/a", .nonce = "n", .account = "", .payload = "{}"});
    const auto jws = acme::parse_jws(text, JwsUse::request);
    ASSERT_TRUE(jws) << describe(jws.error());
    ASSERT_TRUE(jws->key);
    EXPECT_EQ(acme::thumbprint_of(*jws->key), key.thumbprint());
    EXPECT_TRUE(jws->signed_by(acme::public_key_of(*jws->key).value()));
    EXPECT_EQ(jws->url, "https://ca.example/a");
    EXPECT_EQ(jws->nonce, "n");
    EXPECT_EQ(jws->payload, "{}");
    EXPECT_EQ(key.authorization_of("token"), "token." + key.thumbprint());

    const auto by_account = acme::parse_jws(
        key.sign({.url = "https://c/o", .nonce = "n", .account = "https://c/1", .payload = ""}),
        JwsUse::request);
    ASSERT_TRUE(by_account);
    EXPECT_FALSE(by_account->key);
    EXPECT_EQ(by_account->key_id, "https://c/1");
    EXPECT_EQ(by_account->payload, "");
    EXPECT_TRUE(by_account->signed_by(acme::public_key_of(*jws->key).value()));
}

TEST(AcmeSignedRequest, BindsAnAccountWithTheKeyThatTheCaGave) {
    const auto key = AccountKey::generate();
    const auto given = crypto::Secret::random(32);
    const auto jws = acme::parse_jws(key.binding("kid \"1\"", given, "https://ca.example/a"),
                                     JwsUse::external_account);
    ASSERT_TRUE(jws) << describe(jws.error());
    EXPECT_EQ(jws->key_id, "kid \"1\"");
    EXPECT_EQ(jws->url, "https://ca.example/a");
    EXPECT_TRUE(jws->signed_by(given));
    EXPECT_FALSE(jws->signed_by(crypto::Secret::random(32)));
    const auto bound = codec::json::parse(jws->payload);
    ASSERT_TRUE(bound);
    EXPECT_EQ(acme::thumbprint_of(acme::read_account_key(*bound).value()), key.thumbprint());
}

TEST(AcmeSignedRequest, AKeyComesBackFromItsText) {
    const auto key = AccountKey::generate();
    const auto again = AccountKey::restore(key.secret_pem());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->thumbprint(), key.thumbprint());
    const auto ed = crypto::PrivateKey::generate(crypto::KeyKind::ed25519);
    for (const auto& bad : {crypto::Secret(std::string_view("x")).copy(), ed.secret_pem()}) {
        const auto refused = AccountKey::restore(bad);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason, "acme_client.account_key");
    }
}

}  // namespace
}  // namespace gh::pki::acme_client

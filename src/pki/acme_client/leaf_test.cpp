#include "pki/acme_client/leaf.hpp"

#include <gtest/gtest.h>

#include "pki/acme/bodies.hpp"
#include "pki/acme/tls_proof.hpp"
#include "pki/acme_client/signed_request.hpp"
#include "pki/authority.hpp"
#include "pki/issue.hpp"
#include "pki/openssl.hpp"

namespace gh::pki::acme_client {
namespace {

using std::chrono::days;

const std::vector<std::string> names{"a.example.com", "b.example.com"};

class AcmeLeaf : public ::testing::Test {
 protected:
    /// What a CA makes of our request.
    [[nodiscard]] std::string issue() const {
        const auto csr = signing_request_of(key_.get(), names);
        EXPECT_TRUE(csr);
        const auto issued =
            issue_for(*csr, {.names = {.dns = names, .addresses = {}, .uris = {}}}, issuer_, now_);
        EXPECT_TRUE(issued) << describe(issued.error());
        return issued->chain_pem;
    }
    [[nodiscard]] std::string judge(std::string_view pem, std::vector<std::string> wanted = names,
                                    SystemTime at = std::chrono::system_clock::now()) const {
        const auto leaf = judge_chain(pem, key_.get(), wanted, at);
        return leaf ? "" : leaf.error().detail;
    }

    const SystemTime now_ = std::chrono::system_clock::now();
    const Authority root_ = Authority::create({}, now_).value();
    const Authority issuer_ = root_.sign_intermediate({}, nullptr, now_).value();
    const crypto::KeyHandle key_ = make_key();
};

TEST_F(AcmeLeaf, AChainForOurKeyAndNamesIsTaken) {
    const auto pem = issue();
    const auto leaf = judge_chain(pem, key_.get(), names, now_);
    ASSERT_TRUE(leaf) << describe(leaf.error());
    EXPECT_EQ(leaf->names, names);
    EXPECT_TRUE(leaf->good_at(now_));
    EXPECT_FALSE(leaf->good_at(now_ + days(500)));
    EXPECT_FALSE(leaf->good_at(now_ - days(1)));
    EXPECT_TRUE(leaf->good_at(leaf->not_before - clock_slack));
    EXPECT_FALSE(leaf->good_at(leaf->not_before - clock_slack - seconds(1)));
    const auto id = acme::read_renewal_id(leaf->renewal_id);
    ASSERT_TRUE(id) << leaf->renewal_id;
    EXPECT_EQ(id->issuer_key_id, issuer_.key_id());
    const auto read = crypto::read_certificates(pem).value();
    EXPECT_EQ(id->serial, crypto::serial_of(read.front().get()));
}

TEST_F(AcmeLeaf, WhatIsKeptComesBackAsItWas) {
    const auto leaf = judge_chain(issue(), key_.get(), names, now_).value();
    const auto text = sealed_text_of(leaf);
    const auto again = leaf_of_text(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->chain_pem, leaf.chain_pem);
    EXPECT_TRUE(crypto::constant_time_equal(again->key_pem.bytes(), leaf.key_pem.bytes()));
    EXPECT_EQ(again->names, names);
    EXPECT_EQ(again->renewal_id, leaf.renewal_id);
    EXPECT_EQ(again->not_after, leaf.not_after);
    for (const auto* bad : {"", "x"}) {
        const auto none = leaf_of_text(crypto::Secret(std::string_view(bad)));
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().reason, "acme_client.leaf");
    }
    const auto other = crypto::to_pem(make_key().get()) + leaf.chain_pem;
    EXPECT_FALSE(leaf_of_text(crypto::Secret(std::string_view(other))));
}

TEST_F(AcmeLeaf, AChainThatIsNotWhatWasOrderedIsRefused) {
    const auto pem = issue();
    EXPECT_EQ(judge(pem), "");
    EXPECT_TRUE(judge("").contains("cannot be read"));
    EXPECT_TRUE(judge(pem.substr(0, pem.size() / 2)).contains("cannot be read") ||
                !judge(pem.substr(0, pem.size() / 2)).empty());
    EXPECT_TRUE(judge(std::string(chain_bytes_max + 1, ' ')).contains("too long"));
    EXPECT_TRUE(
        judge(pem, {"a.example.com", "c.example.com"}).contains("is not for c.example.com"));
    EXPECT_TRUE(judge(pem, names, now_ + days(500)).contains("of the past"));
    EXPECT_TRUE(judge(pem, names, now_ - days(9)).contains("in the future"));
    EXPECT_EQ(judge(pem, names, now_ - days(2)), "") << "it is kept until the clock is right";
    EXPECT_TRUE(judge(issuer_.certificate_pem() + pem).contains("for another key"));
    EXPECT_TRUE(
        judge(pem + Authority::create({}, now_)->certificate_pem()).contains("in disorder"));
    std::string many = pem;
    for (std::size_t i = 0; i < chain_certificates_max; ++i) many += root_.certificate_pem();
    EXPECT_TRUE(judge(many).contains("too many"));
    const auto stranger = issuer_.issue({.names = {.dns = names}}, now_).value();
    EXPECT_TRUE(judge(stranger.chain_pem).contains("for another key"));
}

TEST_F(AcmeLeaf, AChainThatNoListenerCouldServeWithIsRefused) {
    auto chain = crypto::read_certificates(issue()).value();
    ASSERT_GT(X509_sign(chain.front().get(), issuer_.key(), EVP_sha1()), 0);
    std::string pem;
    for (const auto& each : chain) pem += crypto::to_pem(each.get());
    const auto told = judge(pem);
    EXPECT_TRUE(told.contains("cannot be served") && told.contains("tls.certificate_weak")) << told;
    const auto kept = crypto::to_pem(key_.get()) + pem;
    const auto none = leaf_of_text(crypto::Secret(std::string_view(kept)));
    EXPECT_EQ(none ? "" : none.error().reason, "acme_client.chain");
}

TEST_F(AcmeLeaf, TheProofOfAHandshakeIsOneThatAServerTakes) {
    const auto key = AccountKey::generate();
    const auto proof = key.authorization_of("token");
    const auto made = make_tls_proof("a.example.com", proof, now_);
    ASSERT_TRUE(made);
    const auto read = crypto::read_certificates(made->cert_pem).value();
    auto* certificate = read.front().get();
    EXPECT_TRUE(acme::check_tls_proof(certificate, "a.example.com", proof));
    EXPECT_FALSE(acme::check_tls_proof(certificate, "b.example.com", proof));
    EXPECT_FALSE(
        acme::check_tls_proof(certificate, "a.example.com", key.authorization_of("other")));
}

}  // namespace
}  // namespace gh::pki::acme_client

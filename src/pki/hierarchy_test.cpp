// The root, what it signs, and what happens when its key is somewhere else.

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/file.hpp"
#include "base/temporary_directory.hpp"
#include "pki/internal_ca.hpp"
#include "pki/key_store.hpp"
#include "pki/offline_root.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

LeafRequest for_server(std::vector<std::string> dns) { return {.names = {.dns = std::move(dns)}}; }

/// As a client with ca.pem alone would: the chain brings what lies between.
int verify(const std::string& root_pem, const std::string& chain_pem, const char* host,
           SystemTime now) {
    const auto anchors = crypto::read_certificates(root_pem).value();
    const auto chain = crypto::read_certificates(chain_pem).value();
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, anchors.front().get());
    STACK_OF(X509)* between = sk_X509_new_null();
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(between, chain[i].get());
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, chain.front().get(), between);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_time(rules, std::chrono::system_clock::to_time_t(now));
    if (host != nullptr) X509_VERIFY_PARAM_set1_host(rules, host, 0);
    X509_verify_cert(context);
    const int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    sk_X509_free(between);
    X509_STORE_free(store);
    return verdict;
}

class HierarchyTest : public ::testing::Test {
 protected:
    [[nodiscard]] Result<InternalCa> open(SystemTime now = noon) {
        return InternalCa::open(keys_, home_.path(), now);
    }
    TemporaryDirectory home_;
    FileKeyStore keys_ = FileKeyStore::open(home_.path() / "keys").value();
    const crypto::Secret passphrase_{std::string_view("correct horse battery")};
};

TEST_F(HierarchyTest, LeavesComeWithTheIntermediateAndVerifyUnderTheRoot) {
    auto ca = open().value();
    const auto leaf = ca.leaf("public", for_server({"a.example"}), noon).value();
    const auto chain = crypto::read_certificates(leaf.chain_pem).value();
    ASSERT_EQ(chain.size(), 2U);
    X509* intermediate = chain[1].get();
    EXPECT_EQ(X509_get_pathlen(intermediate), 0);
    EXPECT_EQ(X509_get_key_usage(intermediate),
              static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN))
        << "it signs OCSP answers, too";
    EXPECT_EQ(leaf.issuer_key_id, ca.issuer()->key_id());
    EXPECT_EQ(leaf.issuer_key_id.size(), 40U);
    EXPECT_EQ(verify(ca.root().certificate_pem(), leaf.chain_pem, "a.example", noon), X509_V_OK);
    EXPECT_EQ(verify(ca.root().certificate_pem(), crypto::to_pem(chain[0].get()), nullptr, noon),
              X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    const auto below = ca.issuer()->sign_intermediate({.common_name = "too deep"}, nullptr, noon);
    const auto deep = below->issue(for_server({"a.example"}), noon).value();
    EXPECT_EQ(verify(ca.root().certificate_pem(), deep.chain_pem + ca.issuer()->certificate_pem(),
                     nullptr, noon),
              X509_V_ERR_PATH_LENGTH_EXCEEDED);
}

TEST_F(HierarchyTest, AnOldHouseKeepsItsRootAndItsLeafRenewsBelowIt) {
    const auto old_root = Authority::create(RootRequest{}, noon).value();
    ASSERT_TRUE(keys_.store("ca-root", old_root.secret_pem()));
    const auto old_leaf = old_root.issue(for_server({"a.example"}), noon).value();
    ASSERT_TRUE(keys_.store("leaf-public", crypto::Secret(old_leaf.key_pem + old_leaf.chain_pem)));
    auto ca = open(noon + 1h).value();
    EXPECT_EQ(read_file_at(home_.path() / "ca.pem", 100'000).value(), old_root.certificate_pem());
    const auto leaf = ca.leaf("public", for_server({"a.example"}), noon + 1h).value();
    EXPECT_NE(leaf.serial, old_leaf.serial);
    EXPECT_EQ(verify(old_root.certificate_pem(), leaf.chain_pem, "a.example", noon + 1h),
              X509_V_OK);
    EXPECT_EQ(verify(old_root.certificate_pem(), old_leaf.chain_pem, "a.example", noon + 1h),
              X509_V_OK);
}

TEST_F(HierarchyTest, TheIntermediateIsRenewedWithItsKeyWhenAThirdIsLeft) {
    const auto first = open().value().issuer();
    const auto due = first->not_after() - (first->not_after() - first->not_before()) / 3;
    EXPECT_EQ(open(due - 1s).value().issuer()->fingerprint(), first->fingerprint());
    auto ca = open(due).value();
    EXPECT_NE(ca.issuer()->fingerprint(), first->fingerprint());
    EXPECT_EQ(ca.issuer()->key_id(), first->key_id());
    EXPECT_GT(ca.issuer()->not_after(), first->not_after());
    EXPECT_EQ(open(due).value().issuer()->fingerprint(), ca.issuer()->fingerprint());
}

TEST_F(HierarchyTest, AnIntermediateOfAnotherRootIsReplaced) {
    const auto stranger = Authority::create(RootRequest{}, noon).value();
    ASSERT_TRUE(keys_.store(
        "ca-issuer",
        stranger.sign_intermediate(IntermediateRequest{}, nullptr, noon).value().secret_pem()));
    auto ca = open().value();
    const auto leaf = ca.leaf("public", for_server({"a.example"}), noon).value();
    EXPECT_EQ(verify(ca.root().certificate_pem(), leaf.chain_pem, "a.example", noon), X509_V_OK);
    ASSERT_TRUE(keys_.store("ca-issuer", crypto::Secret(std::string_view("torn"))));
    const auto torn = open();
    EXPECT_EQ(torn ? "" : torn.error().reason, "ca.unreadable");
}

TEST_F(HierarchyTest, ARootTakenAwayComesBackOnlyFromItsFile) {
    auto ca = open().value();
    const auto file = seal_root(ca.root_with_key().value(), passphrase_);
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_FALSE(file->contains("BEGIN PRIVATE KEY"));
    ASSERT_TRUE(ca.forget_root_key(noon));
    const auto stored = keys_.load("ca-root").value();
    EXPECT_FALSE(crypto::text_of(stored.bytes()).contains("PRIVATE"));

    auto again = open(noon + days{1}).value();
    EXPECT_EQ(again.root().fingerprint(), ca.root().fingerprint());
    EXPECT_TRUE(again.leaf("public", for_server({"a.example"}), noon + days{1}));
    const auto alone = again.renew({}, noon + days{1});
    EXPECT_EQ(alone ? "" : alone.error().reason, "ca.root_offline");

    const auto root = open_root(*file, passphrase_);
    ASSERT_TRUE(root) << describe(root.error());
    const auto before = again.issuer()->fingerprint();
    ASSERT_TRUE(again.renew({.root = &*root}, noon + days{1}));
    EXPECT_NE(again.issuer()->fingerprint(), before);
    const auto stranger = Authority::create(RootRequest{}, noon).value();
    const auto other = again.renew({.root = &stranger}, noon);
    EXPECT_EQ(other ? "" : other.error().reason, "ca.other_root");
}

TEST_F(HierarchyTest, WithoutItsRootTheIntermediateServesToItsEndAndNotBeyond) {
    auto ca = open().value();
    const auto root = ca.root_with_key().value();
    ASSERT_TRUE(ca.forget_root_key(noon));
    const auto end = ca.issuer()->not_after();
    EXPECT_TRUE(open(end - 1s)) << "due for long, and still good";
    const auto late = open(end);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "ca.root_offline");
    EXPECT_TRUE(late.error().detail.contains("ca renew --offline-root")) << late.error().detail;
    const auto stranger = Authority::create(RootRequest{}, noon).value();
    const auto other = InternalCa::open(keys_, home_.path(), end, {}, &stranger);
    EXPECT_EQ(other ? "" : other.error().reason, "ca.other_root");
    const auto fetched = InternalCa::open(keys_, home_.path(), end, {}, &root);
    ASSERT_TRUE(fetched) << "and that is what it tells to do: " << describe(fetched.error());
    EXPECT_GT(fetched->issuer()->not_after(), end);
}

TEST_F(HierarchyTest, ASealedRootOpensWithItsPassphraseAlone) {
    const auto root = Authority::create(RootRequest{}, noon).value();
    const auto file = seal_root(root, passphrase_).value();
    struct Case {
        std::string text;
        std::string_view passphrase, reason;
    };
    const Case cases[] = {
        {file, "correct horse battery", ""},
        {file, "correct horse batterz", "ca.passphrase"},
        {file, "", "ca.passphrase"},
        {file.substr(0, file.size() - 100), "correct horse battery", "ca.offline_file"},
        {root.certificate_pem(), "correct horse battery", "ca.offline_file"},
        {std::string(crypto::text_of(root.secret_pem().bytes())), "x", "ca.offline_file"},
        {"", "", "ca.offline_file"},
        {file + std::string(offline_file_bytes_max, ' '), "correct horse battery",
         "ca.offline_file"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.passphrase);
        const auto opened = open_root(c.text, crypto::Secret(c.passphrase));
        EXPECT_EQ(opened ? "" : opened.error().reason, c.reason);
    }
    const auto short_one = seal_root(root, crypto::Secret(std::string_view("eleven byte")));
    EXPECT_EQ(short_one ? "" : short_one.error().reason, "ca.passphrase");
}

TEST_F(HierarchyTest, ConstraintsBindTheIssuerAndOutliveItsRenewal) {
    auto ca = open().value();
    const auto constraints = constraints_from({"example.com", "10.0.0.0/8", "fd00::/8"});
    ASSERT_TRUE(constraints) << describe(constraints.error());
    ASSERT_TRUE(ca.renew({.constraints = *constraints}, noon));
    struct Case {
        crypto::CertificateNames names;
        std::string_view reason;
    };
    const Case cases[] = {
        {{.dns = {"example.com"}}, ""},
        {{.dns = {"a.b.example.com"}}, ""},
        {{.dns = {"*.example.com"}}, ""},
        {{.addresses = {"10.1.2.3"}}, ""},
        {{.addresses = {"fd00::1"}}, ""},
        {{.dns = {"example.org"}}, "ca.name_not_permitted"},
        {{.dns = {"badexample.com"}}, "ca.name_not_permitted"},
        {{.dns = {"example.com", "example.com.evil.org"}}, "ca.name_not_permitted"},
        {{.addresses = {"11.1.2.3"}}, "ca.name_not_permitted"},
        {{.addresses = {"fe80::1"}}, "ca.name_not_permitted"},
        {{.dns = {"example.com"}, .uris = {"https://a.example.com/b"}}, ""},
        {{.dns = {"example.com"}, .uris = {"https://example.org/b"}}, "ca.name_not_permitted"},
    };
    for (const bool renewed : {false, true}) {
        if (renewed) {
            ASSERT_TRUE(ca.renew({}, noon + days{1}));
        }
        for (const auto& c : cases) {
            SCOPED_TRACE(testing::PrintToString(c.names.dns) +
                         testing::PrintToString(c.names.addresses));
            const auto leaf = ca.issuer()->issue({.names = c.names}, noon + days{1});
            EXPECT_EQ(leaf ? "" : leaf.error().reason, c.reason);
            if (leaf) {
                EXPECT_EQ(
                    verify(ca.root().certificate_pem(), leaf->chain_pem, nullptr, noon + days{1}),
                    X509_V_OK);
            }
        }
    }
    EXPECT_EQ(constraints_of(ca.issuer()->certificate()), *constraints);
}

TEST_F(HierarchyTest, RenewalGoesOnFromWhatAnotherProcessHasMade) {
    auto first = open().value();
    auto second = open().value();
    const auto constraints = constraints_from({"example.com"}).value();
    ASSERT_TRUE(first.renew({.constraints = constraints}, noon));
    ASSERT_TRUE(second.renew({}, noon + 1h));
    EXPECT_EQ(constraints_of(second.issuer()->certificate()), constraints);
    EXPECT_EQ(second.issuer()->key_id(), first.issuer()->key_id());
}

TEST_F(HierarchyTest, ConstraintsRefuseTheKindsTheyDoNotName) {
    struct Case {
        std::string permitted;
        crypto::CertificateNames names;
        std::string_view reason;
        std::string common_name = {};
    };
    constexpr std::string_view no = "ca.name_not_permitted";
    const Case cases[] = {
        {"example.com", {.dns = {"a.example.com"}}, ""},
        {"example.com", {.addresses = {"10.0.0.1"}}, no},
        {"example.com", {.addresses = {"::1"}}, no},
        {"10.0.0.0/8", {.addresses = {"10.0.0.1"}}, ""},
        {"10.0.0.0/8", {.addresses = {"::1"}}, no},
        {"10.0.0.0/8", {.dns = {"a.example.com"}}, no},
        {"10.0.0.0/8", {.addresses = {"10.0.0.1"}, .uris = {"https://a.example.com/b"}}, no},
        {"fd00::/8", {.addresses = {"fd00::1"}}, ""},
        {"fd00::/8", {.addresses = {"10.0.0.1"}}, no},
        // As a common name an address looks like a host name.
        {"10.0.0.0/8", {.addresses = {"10.0.0.1"}}, no, "10.0.0.1"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.permitted + testing::PrintToString(c.names.dns) +
                     testing::PrintToString(c.names.addresses));
        auto ca = open().value();
        ASSERT_TRUE(ca.renew({.constraints = constraints_from({c.permitted}).value()}, noon));
        const auto leaf =
            ca.issuer()->issue({.common_name = c.common_name, .names = c.names}, noon);
        EXPECT_EQ(leaf ? "" : leaf.error().reason, c.reason);
        if (leaf) {
            EXPECT_EQ(verify(ca.root().certificate_pem(), leaf->chain_pem, nullptr, noon),
                      X509_V_OK);
        }
        EXPECT_EQ(constraints_of(ca.issuer()->certificate()),
                  constraints_from({c.permitted}).value());
    }
}

TEST(NameConstraints, AreDomainsAndNetworks) {
    struct Case {
        std::string text;
        bool good;
    };
    const Case cases[] = {{"example.com", true},
                          {"10.0.0.0/8", true},
                          {"10.0.0.1", true},
                          {"::/0", true},
                          {"*.example.com", false},
                          {"Example.com", false},
                          {"", false},
                          {"10.0.0.0/33", false},
                          {"10.0.0.0/", false},
                          {"10.0.0.0/-1", false},
                          {"::/129", false},
                          {".example.com", false}};
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto made = constraints_from({c.text});
        EXPECT_EQ(made.has_value(), c.good);
        if (!made) {
            EXPECT_EQ(made.error().reason, "ca.constraint");
        }
    }
    EXPECT_EQ(constraints_from({"10.9.8.7/8", "b.org", "a.org", "b.org"}).value(),
              (NameConstraints{.dns = {"a.org", "b.org"}, .networks = {"10.0.0.0/8"}}));
}

TEST(Publication, IsSaidInEveryLeafAndInNoneWithoutAnAddress) {
    const TemporaryDirectory home;
    auto keys = FileKeyStore::open(home.path() / "keys").value();
    for (const std::string base : {"", "https://ca.example.com/a,URI:b;c/"}) {
        auto ca = InternalCa::open(keys, home.path(), noon, base).value();
        const auto issued = ca.issuer()->issue(for_server({"a.example"}), noon).value();
        const auto chain = crypto::read_certificates(issued.chain_pem).value();
        X509* leaf = chain.front().get();
        STACK_OF(OPENSSL_STRING)* ocsp = X509_get1_ocsp(leaf);
        if (base.empty()) {
            EXPECT_EQ(ocsp, nullptr);
            EXPECT_LT(X509_get_ext_by_NID(leaf, NID_crl_distribution_points, -1), 0);
            continue;
        }
        ASSERT_EQ(sk_OPENSSL_STRING_num(ocsp), 1);
        EXPECT_STREQ(sk_OPENSSL_STRING_value(ocsp, 0), "https://ca.example.com/a,URI:b;c/pki/ocsp");
        EXPECT_GE(X509_get_ext_by_NID(leaf, NID_crl_distribution_points, -1), 0);
        X509_email_free(ocsp);
    }
}

}  // namespace
}  // namespace gh::pki

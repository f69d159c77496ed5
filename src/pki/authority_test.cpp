#include "pki/authority.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <set>

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

Authority new_authority(SystemTime now = noon) {
    return Authority::create(RootRequest{}, now).value();
}

std::string text_of(const crypto::Secret& secret) {
    return std::string(crypto::text_of(secret.bytes()));
}

X509* first_of(const std::vector<crypto::X509Handle>& chain) { return chain.front().get(); }

LeafRequest for_server(std::vector<std::string> dns) { return {.names = {.dns = std::move(dns)}}; }

/// What a client would find: X509_V_OK or the reason to refuse.
int verify(const Authority& authority, const IssuedCertificate& issued, int purpose,
           const char* host, SystemTime now) {
    const auto anchors = crypto::read_certificates(authority.certificate_pem()).value();
    const auto chain = crypto::read_certificates(issued.chain_pem).value();
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, first_of(anchors));
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, first_of(chain), nullptr);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_time(rules, std::chrono::system_clock::to_time_t(now));
    if (host != nullptr) X509_VERIFY_PARAM_set1_host(rules, host, 0);
    X509_verify_cert(context);
    const int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
}

TEST(Authority, SignsWhatStrictVerificationAccepts) {
    const auto authority = new_authority();
    const auto server = authority.issue(for_server({"api.example.com", "*.example.org"}), noon);
    ASSERT_TRUE(server) << describe(server.error());
    const auto client = authority.issue({.profile = Profile::client,
                                         .common_name = "https://example.com/agents/7",
                                         .names = {.uris = {"https://example.com/agents/7"}}},
                                        noon);
    ASSERT_TRUE(client) << describe(client.error());
    struct Case {
        const IssuedCertificate& issued;
        int purpose;
        const char* host;
        SystemTime now;
        int verdict;
    };
    const Case cases[] = {
        {*server, X509_PURPOSE_SSL_SERVER, "api.example.com", noon, X509_V_OK},
        {*server, X509_PURPOSE_SSL_SERVER, "any.example.org", noon, X509_V_OK},
        {*server, X509_PURPOSE_SSL_SERVER, "example.org", noon, X509_V_ERR_HOSTNAME_MISMATCH},
        {*server, X509_PURPOSE_SSL_CLIENT, nullptr, noon, X509_V_ERR_INVALID_PURPOSE},
        {*server, X509_PURPOSE_SSL_SERVER, nullptr, noon - 5min, X509_V_OK},
        {*server, X509_PURPOSE_SSL_SERVER, nullptr, noon - 6min, X509_V_ERR_CERT_NOT_YET_VALID},
        {*server, X509_PURPOSE_SSL_SERVER, nullptr, noon + days{90} - 1s, X509_V_OK},
        {*server, X509_PURPOSE_SSL_SERVER, nullptr, noon + days{90} + 1s,
         X509_V_ERR_CERT_HAS_EXPIRED},
        {*client, X509_PURPOSE_SSL_CLIENT, nullptr, noon, X509_V_OK},
        {*client, X509_PURPOSE_SSL_SERVER, nullptr, noon, X509_V_ERR_INVALID_PURPOSE},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.host ? c.host : "") + " wants " +
                     X509_verify_cert_error_string(c.verdict));
        EXPECT_EQ(verify(authority, c.issued, c.purpose, c.host, c.now), c.verdict);
    }
    EXPECT_EQ(verify(new_authority(), *server, X509_PURPOSE_SSL_SERVER, nullptr, noon),
              X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
        << "another authority with the same name is another authority";
}

TEST(Authority, IsARootThatMaySignOneIntermediateLevel) {
    const auto authority = new_authority();
    const auto chain = crypto::read_certificates(authority.certificate_pem()).value();
    X509* root = first_of(chain);
    EXPECT_EQ(X509_check_ca(root), 1);
    EXPECT_EQ(X509_get_pathlen(root), 1);
    EXPECT_EQ(X509_get_key_usage(root), static_cast<std::uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    EXPECT_EQ(crypto::not_before_of(root), noon - 5min);
    EXPECT_EQ(authority.not_after(), noon + days{3650});
    EXPECT_EQ(X509_check_private_key(
                  root, crypto::read_private_key(text_of(authority.secret_pem())).value().get()),
              1);
    EXPECT_FALSE(authority.certificate_pem().contains("PRIVATE"));
}

TEST(Authority, WritesTheLeafThatWasAskedFor) {
    const auto authority = new_authority();
    const crypto::CertificateNames names{.dns = {"localhost"},
                                         .addresses = {"127.0.0.1", "::1"},
                                         .uris = {"https://house.example/agent/7"}};
    const auto issued = authority.issue({.names = names, .lifetime = 2h}, noon);
    ASSERT_TRUE(issued) << describe(issued.error());
    const auto chain = crypto::read_certificates(issued->chain_pem).value();
    ASSERT_EQ(chain.size(), 1U) << "clients have the root already";
    X509* leaf = first_of(chain);
    EXPECT_EQ(crypto::names_of(leaf), names);
    EXPECT_EQ(crypto::common_name_of(leaf), "localhost");
    EXPECT_EQ(issued->not_before, noon - 5min);
    EXPECT_EQ(issued->not_after, noon + 2h);
    EXPECT_EQ(issued->serial, crypto::serial_of(leaf));
    EXPECT_EQ(issued->fingerprint, crypto::fingerprint_of(leaf));
    EXPECT_EQ(X509_check_ca(leaf), 0);
    EXPECT_EQ(X509_get_key_usage(leaf), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
    EXPECT_EQ(X509_check_private_key(leaf, crypto::read_private_key(issued->key_pem).value().get()),
              1);
    EXPECT_TRUE(authority.signed_by_us(leaf));
    EXPECT_FALSE(new_authority().signed_by_us(leaf));
}

TEST(Authority, NamesALeafCriticallyInItsAlternativeNamesWhenNothingElseFits) {
    const std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
    const auto authority = new_authority();
    const auto issued = authority.issue(for_server({long_name}), noon);
    ASSERT_TRUE(issued) << describe(issued.error());
    const auto chain = crypto::read_certificates(issued->chain_pem).value();
    const int at = X509_get_ext_by_NID(first_of(chain), NID_subject_alt_name, -1);
    EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(first_of(chain), at)), 1);
    EXPECT_EQ(verify(authority, *issued, X509_PURPOSE_SSL_SERVER, long_name.c_str(), noon),
              X509_V_OK);
}

TEST(Authority, NeverRepeatsASerialNumber) {
    const auto authority = new_authority();
    std::set<std::string> serials;
    std::size_t digits = 0;
    for (int i = 0; i < 64; ++i) {
        const auto issued = authority.issue(for_server({"a.example"}), noon);
        ASSERT_TRUE(issued);
        digits = std::max(digits, issued->serial.size());
        serials.insert(issued->serial);
    }
    EXPECT_EQ(serials.size(), 64U);
    EXPECT_GE(digits, 32U) << "128 bits";
    EXPECT_LE(digits, 34U) << "and an octet for the sign";
}

TEST(Authority, LetsNoLeafOutliveIt) {
    const auto authority = new_authority();
    const auto end = authority.not_after();
    const auto last = authority.issue(for_server({"a.example"}), end - 1h);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->not_after, end);
    const auto late = authority.issue(for_server({"a.example"}), end);
    EXPECT_EQ(late ? "" : late.error().reason, "ca.expired");
}

TEST(Authority, RefusesLivesBeyondTheProfile) {
    struct Case {
        Profile profile;
        seconds lifetime;
        std::string_view reason;
    };
    const Case cases[] = {
        {Profile::server, days{397}, ""},
        {Profile::server, days{397} + 1s, "ca.lifetime"},
        {Profile::client, 0s, "ca.lifetime"},
        {Profile::client, -1s, "ca.lifetime"},
        {Profile::agent, 24h, ""},
        {Profile::agent, 24h + 1s, "ca.lifetime"},
        {Profile::infrastructure, days{397}, ""},
    };
    const auto authority = new_authority();
    const crypto::CertificateNames of_agent{.uris = {"spiffe://example.org/a"}};
    const crypto::CertificateNames of_others{.dns = {"a.example"}};
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(rules_of(c.profile).name) + c.reason.data());
        const auto issued =
            authority.issue({.profile = c.profile,
                             .names = c.profile == Profile::agent ? of_agent : of_others,
                             .lifetime = c.lifetime},
                            noon);
        EXPECT_EQ(issued ? "" : issued.error().reason, c.reason);
    }
    const auto agent = authority.issue(
        {.profile = Profile::agent, .names = {.uris = {"spiffe://example.org/a"}}}, noon);
    ASSERT_TRUE(agent) << describe(agent.error());
    EXPECT_EQ(agent->not_after, noon + 24h);
    EXPECT_EQ(verify(authority, *agent, X509_PURPOSE_SSL_CLIENT, nullptr, noon), X509_V_OK);
}

TEST(Authority, MakesKeysOfTheKindThatIsWanted) {
    const auto authority = new_authority();
    for (const auto kind :
         {crypto::KeyKind::ec_p256, crypto::KeyKind::ed25519, crypto::KeyKind::rsa}) {
        SCOPED_TRACE(static_cast<int>(kind));
        const auto issued = authority.issue({.names = {.dns = {"a.example"}}, .key = kind}, noon);
        ASSERT_TRUE(issued) << describe(issued.error());
        const auto key = crypto::read_private_key(issued->key_pem).value();
        EXPECT_TRUE(EVP_PKEY_is_a(key.get(), kind == crypto::KeyKind::rsa       ? "RSA"
                                             : kind == crypto::KeyKind::ed25519 ? "ED25519"
                                                                                : "EC"));
        if (kind == crypto::KeyKind::rsa) {
            EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 3072);
        }
        EXPECT_EQ(verify(authority, *issued, X509_PURPOSE_SSL_SERVER, "a.example", noon),
                  X509_V_OK);
    }
}

TEST(Authority, SignsForAKeyWhosePointIsWrittenShort) {
    const auto authority = new_authority();
    const crypto::KeyHandle key(EVP_EC_gen("P-256"));
    for (const char* form : {"uncompressed", "compressed", "hybrid"}) {
        ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(),
                                                 OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form),
                  1);
        const auto issued = authority.issue(for_server({"a.example"}), key.get(), noon);
        ASSERT_TRUE(issued) << form;
        const auto chain = crypto::read_certificates(issued->chain_pem).value();
        EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(first_of(chain)), key.get()), 1) << form;
        EXPECT_EQ(verify(authority, *issued, X509_PURPOSE_SSL_SERVER, "a.example", noon), X509_V_OK)
            << form;
    }
}

TEST(Authority, ComesBackFromItsSecretAndFromNothingElse) {
    const auto authority = new_authority();
    const auto again = Authority::restore(authority.secret_pem());
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_EQ(again->fingerprint(), authority.fingerprint());
    const auto issued = again->issue(for_server({"a.example"}), noon);
    ASSERT_TRUE(issued);
    EXPECT_EQ(verify(authority, *issued, X509_PURPOSE_SSL_SERVER, "a.example", noon), X509_V_OK);

    const auto leaf = authority.issue(for_server({"a.example"}), noon).value();
    const auto secret = text_of(authority.secret_pem());
    struct Case {
        std::string text;
        std::string_view reason;
    };
    const Case cases[] = {
        {"", "ca.unreadable"},
        {authority.certificate_pem(), "ca.unreadable"},
        {secret.substr(0, secret.size() - 100), "ca.unreadable"},
        {secret.substr(0, 100), "ca.unreadable"},
        {leaf.key_pem + authority.certificate_pem(), "ca.key_mismatch"},
        {leaf.key_pem + leaf.chain_pem, "ca.not_an_authority"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.reason);
        const auto restored = Authority::restore(crypto::Secret(c.text));
        EXPECT_EQ(restored ? "" : restored.error().reason, c.reason);
    }
}

}  // namespace
}  // namespace gh::pki

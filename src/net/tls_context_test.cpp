#include "net/tls_context.hpp"

#include <gtest/gtest.h>

#include "net/memory_handshake.hpp"
#include "net/peer_certificate.hpp"

namespace gh::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

class TlsContextTest : public ::testing::Test {
 protected:
    [[nodiscard]] TlsServerSettings settings(std::vector<std::string> dns = {"a.example"}) const {
        return {.certificates = {authority_.server(std::move(dns))}, .listener = "public"};
    }
    [[nodiscard]] static std::shared_ptr<const TlsContext> make(const TlsServerSettings& settings) {
        auto context = TlsContext::make(settings, right_now());
        EXPECT_TRUE(context) << describe(context.error());
        return std::move(*context);
    }
    [[nodiscard]] static Handshake connect(const TlsServerSettings& settings,
                                           const AnyClient& client) {
        return shake_hands(make(settings)->new_session(), client.new_session());
    }

    const TestAuthority authority_;
};

TEST_F(TlsContextTest, ChoosesTheCertificateByServerNameExactThenWildcardThenFirst) {
    TlsServerSettings several{.certificates = {authority_.server({"a.example", "*.wild.example"}),
                                               authority_.server({"b.example", "www.wild.example"}),
                                               authority_.server({"c.example", "*.b.example"})}};
    struct Case {
        std::string server_name;
        std::size_t certificate;
    };
    const Case cases[] = {
        {"a.example", 0},
        {"b.example", 1},
        {"B.Example", 1},
        {"c.example", 2},
        {"www.wild.example", 1},  // exact goes before wildcard
        {"any.wild.example", 0},
        {"x.b.example", 2},
        {"x.y.b.example", 0},
        {"unknown.example", 0},
        {"", 0},
    };
    const auto context = make(several);
    EXPECT_EQ(context->names(),
              (std::vector<std::string>{"a.example", "*.wild.example", "b.example",
                                        "www.wild.example", "c.example", "*.b.example"}));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const auto& c : cases) {
            SCOPED_TRACE(c.server_name);
            const AnyClient client{
                .server_name = c.server_name, .alpn = {"h2"}, .max_version = version};
            const auto result = shake_hands(context->new_session(), client.new_session());
            ASSERT_TRUE(result.done()) << result.server_failure << result.client_failure;
            EXPECT_EQ(result.served(), fingerprint_of(several.certificates[c.certificate]));
            EXPECT_EQ(result.alpn(), "h2") << "whatever the certificate";
        }
    }
}

TEST_F(TlsContextTest, SpeaksTheProtocolBothKnowAndLeavesAClientWithoutOne) {
    struct Case {
        bool h2;
        std::vector<std::string> offered;
        std::string chosen;  // "-": refused
    };
    const Case cases[] = {
        {true, {"h2", "http/1.1"}, "h2"},
        {true, {"http/1.1", "h2"}, "h2"},
        {true, {"x", "http/1.1"}, "http/1.1"},
        {true, {}, ""},
        {true, {"spdy/1"}, "-"},
        {true, {"H2"}, "-"},
        {true, {"http/1.0"}, "-"},
        {false, {"h2", "http/1.1"}, "http/1.1"},
        {false, {"h2"}, "-"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.chosen);
        auto some = settings();
        some.alpn_h2 = c.h2;
        const auto result = connect(some, {.alpn = c.offered});
        EXPECT_EQ(result.done(), c.chosen != "-");
        if (result.done()) {
            EXPECT_EQ(result.alpn(), c.chosen);
        }
        if (!result.done()) {
            EXPECT_TRUE(result.client_failure.contains("no application protocol"))
                << result.client_failure;
        }
    }
}

TEST_F(TlsContextTest, SpeaksNoVersionBelowItsLowest) {
    struct Case {
        TlsVersion lowest;
        int client_max;
        bool done;
    };
    const Case cases[] = {
        {TlsVersion::tls_1_2, TLS1_3_VERSION, true},  {TlsVersion::tls_1_2, TLS1_2_VERSION, true},
        {TlsVersion::tls_1_2, TLS1_1_VERSION, false}, {TlsVersion::tls_1_2, TLS1_VERSION, false},
        {TlsVersion::tls_1_3, TLS1_3_VERSION, true},  {TlsVersion::tls_1_3, TLS1_2_VERSION, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.client_max);
        auto some = settings();
        some.min_version = c.lowest;
        const auto result =
            connect(some, {.min_version = TLS1_VERSION, .max_version = c.client_max});
        EXPECT_EQ(result.done(), c.done);
        if (c.done) {
            EXPECT_EQ(SSL_version(result.server.get()), c.client_max);
        }
        if (!c.done) {
            EXPECT_TRUE(result.client_failure.contains("protocol version"))
                << result.client_failure;
        }
    }
}

TEST_F(TlsContextTest, OffersForwardSecrecyWithAeadAndNothingElse) {
    struct Case {
        const char* suite;
        bool done;
    };
    const Case with_ecdsa[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", true}, {"ECDHE-ECDSA-AES256-GCM-SHA384", true},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", true}, {"ECDHE-ECDSA-AES128-SHA", false},
        {"ECDHE-ECDSA-AES256-SHA384", false},    {"ECDHE-ECDSA-AES128-CCM", false},
        {"ECDHE-ECDSA-NULL-SHA", false},         {"AECDH-AES128-SHA", false},
    };
    const Case with_rsa[] = {
        {"ECDHE-RSA-AES128-GCM-SHA256", true}, {"ECDHE-RSA-CHACHA20-POLY1305", true},
        {"ECDHE-RSA-AES128-SHA256", false},    {"AES128-GCM-SHA256", false},
        {"DHE-RSA-AES128-GCM-SHA256", false},  {"AES256-SHA", false},
    };
    const TlsServerSettings rsa{
        .certificates = {make_certificate({.names = {.dns = {"a.example"}}, .rsa_bits = 2048})}};
    const auto expect = [](const TlsServerSettings& some, const Case& c) {
        SCOPED_TRACE(c.suite);
        const auto result = connect(
            some, {.max_version = TLS1_2_VERSION, .suites = std::string(c.suite) + ":@SECLEVEL=0"});
        EXPECT_EQ(result.done(), c.done) << result.server_failure;
        if (c.done) {
            EXPECT_STREQ(SSL_get_cipher_name(result.server.get()), c.suite);
        }
        if (!c.done) {
            EXPECT_TRUE(result.server_failure.contains("no shared cipher"))
                << result.server_failure;
        }
    };
    for (const auto& c : with_ecdsa) expect(settings(), c);
    for (const auto& c : with_rsa) expect(rsa, c);
}

TEST_F(TlsContextTest, AgreesOnKeysOverItsGroupsOnly) {
    struct Case {
        const char* groups;
        bool done;
    };
    const Case cases[] = {
        {"X25519", true}, {"P-256", true}, {"P-384", true}, {"P-521", false}, {"X448", false}};
    for (const auto& c : cases) {
        SCOPED_TRACE(c.groups);
        EXPECT_EQ(connect(settings(), {.groups = c.groups}).done(), c.done);
    }
}

TEST_F(TlsContextTest, RefusesToRenegotiate) {
    auto result = connect(settings(), {.max_version = TLS1_2_VERSION});
    ASSERT_TRUE(result.done());
    ASSERT_EQ(SSL_renegotiate(result.client.get()), 1);
    (void)SSL_do_handshake(result.client.get());
    char byte = 0;
    (void)SSL_read(result.server.get(), &byte, 1);
    const int answer = SSL_do_handshake(result.client.get());
    EXPECT_EQ(SSL_get_error(result.client.get(), answer), SSL_ERROR_SSL);
    EXPECT_TRUE(handshake_failure(result.client.get()).contains("no renegotiation"));
}

TEST_F(TlsContextTest, MayGoWhileItsHandshakesGoOn) {
    const auto keys = TicketKeys::make(right_now()).value();
    auto some = settings();
    some.certificates.push_back(authority_.server({"b.example"}));
    some.ticket_keys = keys;
    auto context = make(some);
    auto server = context->new_session();
    context.reset();
    const AnyClient client{.server_name = "b.example", .alpn = {"h2"}};
    const auto result = shake_hands(std::move(server), client.new_session());
    EXPECT_TRUE(result.done()) << result.server_failure;
    EXPECT_EQ(result.served(), fingerprint_of(some.certificates[1]));
    EXPECT_TRUE(resumable_session(result));
}

TEST_F(TlsContextTest, SendsTheIntermediatesItWasGivenAndNoRoot) {
    const auto root = make_certificate({.purpose = Purpose::authority, .common_name = "root"});
    const auto middle =
        make_certificate({.purpose = Purpose::authority, .common_name = "middle"}, &root);
    auto leaf = make_certificate({.names = {.dns = {"a.example"}}}, &middle);
    leaf.cert_pem += middle.cert_pem + root.cert_pem;
    const auto result = connect({.certificates = {leaf}}, {});
    ASSERT_TRUE(result.done()) << result.server_failure;
    STACK_OF(X509)* sent = SSL_get_peer_cert_chain(result.client.get());
    ASSERT_EQ(sk_X509_num(sent), 2);
    EXPECT_EQ(crypto::common_name_of(sk_X509_value(sent, 1)), "middle");

    auto with_client_authority = settings();
    with_client_authority.client_certificate = ClientCertificateMode::optional;
    with_client_authority.client_ca_pem = authority_.pem();  // also the issuer of what is served
    const auto alone = connect(with_client_authority, {});
    EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(alone.client.get())), 1);
}

TEST_F(TlsContextTest, IsNotMadeFromSettingsThatCannotWorkAndSaysWhatIsWrong) {
    const auto good = authority_.server({"a.example"});
    const auto other = authority_.server({"b.example"});
    const auto weak = make_certificate({.names = {.dns = {"a.example"}}, .rsa_bits = 1024});
    const auto with = [](std::string cert, std::string key) {
        return TlsServerSettings{
            .certificates = {
                {.cert_pem = std::move(cert), .key_pem = std::move(key), .source = "tls/a.pem"}}};
    };
    const auto asking = [&](std::string ca) {
        return TlsServerSettings{.certificates = {good},
                                 .client_certificate = ClientCertificateMode::optional,
                                 .client_ca_pem = std::move(ca),
                                 .client_ca_source = "clients.pem"};
    };
    struct Case {
        TlsServerSettings settings;
        std::string_view reason, detail;
    };
    const Case cases[] = {
        {{.listener = "public"}, "tls.certificates_missing", "listener public"},
        {with("", good.key_pem), "certificate.missing", "tls/a.pem"},
        {with("-----BEGIN CERTIFICATE-----\nx", good.key_pem), "certificate.malformed",
         "tls/a.pem: "},
        {with(good.cert_pem, ""), "key.missing", "tls/a.pem"},
        {with(good.cert_pem, good.key_pem.substr(0, 100)), "key.malformed", "tls/a.pem: "},
        {with(good.cert_pem, other.key_pem), "tls.key_mismatch", "tls/a.pem: "},
        {with(weak.cert_pem, weak.key_pem), "tls.certificate_weak", "tls/a.pem: ee key too small"},
        {asking(""), "tls.client_ca_missing", ""},
        {asking("none"), "certificate.missing", "clients.pem"},
        {asking(good.cert_pem), "tls.client_ca_unfit", "clients.pem: ''"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.reason) + " " + std::string(c.detail));
        const auto made = TlsContext::make(c.settings, right_now());
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().reason, c.reason);
        EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
        EXPECT_TRUE(made.error().detail.starts_with(c.detail)) << made.error().detail;
    }
}

TEST_F(TlsContextTest, ServesWhatIsExpiredOrStrangeButSaysSo) {
    const auto stranger = authority_.server({"c.example"});
    auto disordered = authority_.server({"d.example"});
    disordered.cert_pem += stranger.cert_pem;
    TlsServerSettings odd{
        .certificates = {authority_.issue({.names = {.dns = {"a.example"}}, .age = days{100}}),
                         authority_.issue({.names = {.dns = {"b.example"}}, .age = -days{1}}),
                         make_certificate({.common_name = "nameless"}), disordered,
                         authority_.server({"a.example"})}};
    for (std::size_t i = 0; i < odd.certificates.size(); ++i)
        odd.certificates[i].source = std::to_string(i);
    const auto context = make(odd);
    const std::string_view expected[] = {"0: the certificate expired at 20",
                                         "1: the certificate is not valid before 20",
                                         "2: the certificate has no subjectAltName",
                                         "3: certificate 2 did not sign the one before it",
                                         "4: a.example is served with an earlier certificate"};
    ASSERT_EQ(context->warnings().size(), std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i) {
        EXPECT_TRUE(context->warnings()[i].starts_with(expected[i])) << context->warnings()[i];
    }
    EXPECT_LT(context->not_after(), right_now() - days{9});
    EXPECT_TRUE(make(settings())->warnings().empty());
    EXPECT_TRUE(shake_hands(context->new_session(), AnyClient{}.new_session()).done());
}

}  // namespace
}  // namespace gh::net

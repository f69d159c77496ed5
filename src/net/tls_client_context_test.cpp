#include "net/tls_client_context.hpp"

#include <gtest/gtest.h>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

using std::chrono::days;

class TlsClientContextTest : public ::testing::Test {
 protected:
    [[nodiscard]] std::shared_ptr<const TlsClientContext> trusting(std::string ca_pem) const {
        return TlsClientContext::make({.ca_pem = std::move(ca_pem), .ca_source = "ca.pem"}).value();
    }
    [[nodiscard]] static Handshake connect(const TlsServerSettings& server,
                                           const TlsClientContext& client, std::string_view host) {
        auto session = client.new_session(host);
        EXPECT_TRUE(session) << describe(session.error());
        return shake_hands(TlsContext::make(server, right_now()).value()->new_session(),
                           std::move(*session));
    }

    const TestAuthority authority_;
};

TEST_F(TlsClientContextTest, AcceptsTheRightNameOfTheRightAuthorityInTimeAndNothingElse) {
    const auto ours = trusting(authority_.pem());
    const auto others = trusting(TestAuthority().pem());
    const auto system = TlsClientContext::make({}).value();
    const crypto::CertificateNames names{.dns = {"api.example", "*.wild.example"},
                                         .addresses = {"127.0.0.1", "::1"}};
    const auto good = authority_.issue({.names = names});
    const auto expired = authority_.issue({.names = names, .age = days{100}});
    const auto for_clients = authority_.issue({.purpose = Purpose::client, .names = names});
    struct Case {
        std::string_view name;
        const TlsClientContext& client;
        const CertificateChain& shown;
        std::string_view host, failure;  // empty: done
    };
    const Case cases[] = {
        {"name", *ours, good, "api.example", ""},
        {"case and dot", *ours, good, "API.example.", ""},
        {"wildcard", *ours, good, "any.wild.example", ""},
        {"IPv4", *ours, good, "127.0.0.1", ""},
        {"IPv6", *ours, good, "[::1]", ""},
        {"IPv6 bare", *ours, good, "::1", ""},
        {"other name", *ours, good, "evil.example", "hostname mismatch"},
        {"below a wildcard", *ours, good, "a.b.wild.example", "hostname mismatch"},
        {"other address", *ours, good, "127.0.0.2", "IP address mismatch"},
        {"expired", *ours, expired, "api.example", "certificate has expired"},
        {"purpose", *ours, for_clients, "api.example", "unsuitable certificate purpose"},
        {"other authority", *others, good, "api.example", "unable to get local issuer certificate"},
        {"the system's", *system, good, "api.example", "unable to get local issuer certificate"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        const auto result = connect({.certificates = {c.shown}}, c.client, c.host);
        EXPECT_EQ(result.client_done, c.failure.empty()) << result.client_failure;
        EXPECT_TRUE(result.client_failure.contains(c.failure)) << result.client_failure;
        EXPECT_EQ(result.done(), c.failure.empty());
        if (result.done()) {
            EXPECT_EQ(result.alpn(), "http/1.1");
        }
    }
}

TEST_F(TlsClientContextTest, GivesNothingForACommonNameAndTakesAPinnedCertificate) {
    const auto nameless = make_certificate({.common_name = "api.example"});
    const auto pinned = make_certificate({.common_name = "x", .names = {.dns = {"api.example"}}});
    EXPECT_FALSE(connect({.certificates = {nameless}}, *trusting(nameless.cert_pem), "api.example")
                     .client_done);
    EXPECT_TRUE(
        connect({.certificates = {pinned}}, *trusting(pinned.cert_pem), "api.example").done());
    EXPECT_FALSE(connect({.certificates = {pinned}}, *trusting(nameless.cert_pem), "api.example")
                     .client_done);
}

TEST_F(TlsClientContextTest, SendsNamesAsServerNamesAndAddressesNot) {
    const auto ours = trusting(authority_.pem());
    const auto shown =
        authority_.issue({.names = {.dns = {"api.example"}, .addresses = {"127.0.0.1"}}});
    const auto by_name = connect({.certificates = {shown}}, *ours, "api.example.");
    EXPECT_STREQ(SSL_get_servername(by_name.server.get(), TLSEXT_NAMETYPE_host_name),
                 "api.example");
    const auto by_address = connect({.certificates = {shown}}, *ours, "127.0.0.1");
    EXPECT_TRUE(by_address.done());
    EXPECT_EQ(SSL_get_servername(by_address.server.get(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(TlsClientContextTest, ShowsItsCertificateWhereOneIsWanted) {
    TlsServerSettings server{.certificates = {authority_.server({"api.example"})},
                             .client_certificate = ClientCertificateMode::required,
                             .client_ca_pem = authority_.pem()};
    const auto without = trusting(authority_.pem());
    EXPECT_FALSE(connect(server, *without, "api.example").server_done);
    const TlsClientSettings settings{.ca_pem = authority_.pem(),
                                     .certificate = authority_.client("gatehouse")};
    EXPECT_TRUE(connect(server, *TlsClientContext::make(settings).value(), "api.example").done());
}

TEST_F(TlsClientContextTest, RefusesHostsThatAreNone) {
    const auto ours = trusting(authority_.pem());
    const std::string cases[] = {"",
                                 ".",
                                 "a b",
                                 "a/b",
                                 "*.example",
                                 "b\xc3\xbc.example",
                                 std::string("a.example\0b", 11),
                                 "[]",
                                 "a:443",
                                 std::string(254, 'a')};
    for (const auto& host : cases) {
        SCOPED_TRACE(host);
        const auto session = ours->new_session(host);
        EXPECT_EQ(session ? "" : session.error().reason, "tls.server_name");
    }
}

TEST_F(TlsClientContextTest, IsNotMadeFromSettingsThatCannotWork) {
    const auto chain = authority_.client("a");
    const auto other = authority_.client("b");
    struct Case {
        TlsClientSettings settings;
        std::string_view reason;
    };
    const Case cases[] = {
        {{.ca_pem = "nothing", .ca_source = "ca.pem"}, "certificate.missing"},
        {{.certificate = CertificateChain{chain.cert_pem, other.key_pem, "a.pem"}},
         "tls.key_mismatch"},
        {{.certificate = CertificateChain{"", other.key_pem, "a.pem"}}, "certificate.missing"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.reason);
        const auto made = TlsClientContext::make(c.settings);
        EXPECT_EQ(made ? "" : made.error().reason, c.reason);
    }
}

}  // namespace
}  // namespace gh::net

#include "net/peer_certificate.hpp"

#include <gtest/gtest.h>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

using std::chrono::days;
using Mode = ClientCertificateMode;

class PeerCertificateTest : public ::testing::Test {
 protected:
    [[nodiscard]] TlsServerSettings settings(Mode mode) const {
        return {.certificates = {authority_.server({"a.example"})},
                .client_certificate = mode,
                .client_ca_pem = clients_.pem(),
                .client_ca_source = "clients.pem",
                .ticket_keys = keys_,
                .listener = "public"};
    }
    [[nodiscard]] static Handshake connect(const TlsServerSettings& settings,
                                           const AnyClient& client) {
        return shake_hands(TlsContext::make(settings, right_now()).value()->new_session(),
                           client.new_session());
    }

    const TestAuthority authority_;
    const TestAuthority clients_;
    const std::shared_ptr<TicketKeys> keys_ = TicketKeys::make(right_now()).value();
};

TEST_F(PeerCertificateTest, IsTakenFromItsAuthorityForItsPurposeInItsTimeOnly) {
    const auto good = clients_.client("agent 7");
    const auto expired =
        clients_.issue({.purpose = Purpose::client, .common_name = "agent 7", .age = days{100}});
    const auto not_yet =
        clients_.issue({.purpose = Purpose::client, .common_name = "agent 7", .age = -days{1}});
    const auto stranger = authority_.client("agent 7");
    const auto self_signed =
        make_certificate({.purpose = Purpose::client, .common_name = "agent 7"});
    const auto for_servers = clients_.server({"agent7.example"});
    struct Case {
        std::string_view name;
        Mode mode;
        const CertificateChain* shown;
        std::string_view failure;  // empty: done
    };
    const Case cases[] = {
        {"unasked", Mode::none, &good, ""},
        {"absent", Mode::optional, nullptr, ""},
        {"good", Mode::optional, &good, ""},
        {"good", Mode::required, &good, ""},
        {"absent", Mode::required, nullptr, "peer did not return a certificate"},
        {"expired", Mode::optional, &expired, "certificate has expired"},
        {"expired", Mode::required, &expired, "certificate has expired"},
        {"not yet", Mode::optional, &not_yet, "certificate is not yet valid"},
        {"other authority", Mode::optional, &stranger, "unable to get local issuer certificate"},
        {"other authority", Mode::required, &stranger, "unable to get local issuer certificate"},
        {"self-signed", Mode::optional, &self_signed, "self-signed certificate"},
        {"for servers", Mode::optional, &for_servers, "unsuitable certificate purpose"},
    };
    for (const auto& c : cases) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            SCOPED_TRACE(c.name);
            AnyClient client{.max_version = version};
            if (c.shown != nullptr) client.certificate = *c.shown;
            const auto result = connect(settings(c.mode), client);
            EXPECT_EQ(result.server_done, c.failure.empty()) << result.server_failure;
            EXPECT_TRUE(result.server_failure.contains(c.failure)) << result.server_failure;
            if (!result.server_done) continue;
            const auto facts = peer_certificate(result.server.get(), right_now());
            ASSERT_TRUE(facts) << describe(facts.error());
            ASSERT_EQ(facts->has_value(), c.shown != nullptr && c.mode != Mode::none);
            if (!facts->has_value()) continue;
            EXPECT_EQ((*facts)->subject, "agent 7");
            EXPECT_EQ((*facts)->fingerprint, fingerprint_of(good));
        }
    }
}

TEST_F(PeerCertificateTest, IsCalledByItsCommonNameElseUriElseDnsName) {
    struct Case {
        CertificateRequest request;
        std::string_view subject;
    };
    const std::string uri =
        "spiffe://house.example/" + std::string(60, 'a');        // too long for a common name
    const std::string endless = "a:" + std::string(1'023, 'b');  // one octet too many
    const std::string dns = std::string(60, 'b') + ".example";
    const Case cases[] = {
        {{.purpose = Purpose::client,
          .common_name = "m\xc3\xbcller",
          .names = {.dns = {"x.example"}}},
         "m\xc3\xbcller"},
        {{.purpose = Purpose::client, .names = {.uris = {uri}}}, uri},
        {{.purpose = Purpose::client, .names = {.dns = {dns}, .uris = {uri}}}, uri},
        {{.purpose = Purpose::client, .names = {.dns = {dns}}}, dns},
        {{.purpose = Purpose::client, .common_name = "a\nb", .names = {.dns = {dns}}}, dns},
        {{.purpose = Purpose::client, .names = {.dns = {dns}, .uris = {endless, uri}}}, uri},
        {{.purpose = Purpose::client, .names = {.dns = {dns}, .uris = {endless}}}, dns},
        {{.purpose = Purpose::client, .names = {.uris = {endless}}}, ""},
        {{.purpose = Purpose::client,
          .raw_uris = {"a:b\nlevel=info", {"a:b\0c", 5}, "a:\x1b[2J", "a:\xe2\x80\xae", uri}},
         uri},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.subject);
        const auto result =
            connect(settings(Mode::required), {.certificate = clients_.issue(c.request)});
        ASSERT_TRUE(result.done()) << result.server_failure;
        const auto facts = peer_certificate(result.server.get(), right_now());
        ASSERT_TRUE(facts && *facts);
        EXPECT_EQ((*facts)->subject, c.subject);
        EXPECT_GE((*facts)->serial.size(), 28U);
        EXPECT_EQ((*facts)->serial.find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_GT((*facts)->not_after, right_now() + days{89});
    }
}

TEST_F(PeerCertificateTest, CountsBelowAnIntermediateThatIsTrustedAloneAndNotBesideIt) {
    const auto root = make_certificate({.purpose = Purpose::authority, .common_name = "root"});
    const auto ours =
        make_certificate({.purpose = Purpose::authority, .common_name = "ours"}, &root);
    const auto theirs =
        make_certificate({.purpose = Purpose::authority, .common_name = "theirs"}, &root);
    auto below = make_certificate({.purpose = Purpose::client, .common_name = "below"}, &ours);
    auto beside = make_certificate({.purpose = Purpose::any, .common_name = "beside"}, &theirs);
    below.cert_pem += ours.cert_pem;
    beside.cert_pem += theirs.cert_pem;
    auto some = settings(Mode::required);
    some.client_ca_pem = ours.cert_pem;
    EXPECT_TRUE(connect(some, {.certificate = below}).done());
    EXPECT_FALSE(connect(some, {.certificate = beside}).server_done);
    some.client_ca_pem = root.cert_pem;
    EXPECT_TRUE(connect(some, {.certificate = beside}).done());
}

TEST_F(PeerCertificateTest, StaysKnownWhenItsSessionResumesUntilItEnds) {
    const auto some = settings(Mode::required);
    const auto first = TlsContext::make(some, right_now()).value();
    const auto second =
        TlsContext::make(some, right_now()).value();  // another worker's, or after a reload
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        AnyClient client{.max_version = version, .certificate = clients_.client("agent 7")};
        const auto fresh = shake_hands(first->new_session(), client.new_session());
        const auto session = resumable_session(fresh);
        ASSERT_TRUE(session);
        client.session = session.get();
        const auto again = shake_hands(second->new_session(), client.new_session());
        ASSERT_TRUE(again.done()) << again.server_failure;
        ASSERT_TRUE(again.resumed());
        const auto facts = peer_certificate(again.server.get(), right_now());
        ASSERT_TRUE(facts && *facts);
        EXPECT_EQ((*facts)->fingerprint, fingerprint_of(*client.certificate));
        const auto later = peer_certificate(again.server.get(), right_now() + days{91});
        EXPECT_EQ(later ? "" : later.error().reason, "tls.client_certificate_expired");
    }
}

TEST_F(PeerCertificateTest, NamesTheAuthoritiesThatWereVerifiedAlsoWhenItsSessionResumes) {
    const auto middle =
        make_certificate({.purpose = Purpose::authority, .common_name = "middle"}, &clients_.root);
    auto below = make_certificate({.purpose = Purpose::client, .common_name = "agent"}, &middle);
    const auto leaf_alone = below.cert_pem;
    const auto stranger = make_certificate({.purpose = Purpose::authority, .common_name = "other"});
    below.cert_pem += stranger.cert_pem + middle.cert_pem;  // what is sent is not what is verified
    const auto key_id = [](const std::string& pem) {
        return crypto::key_id_of(crypto::read_certificates(pem).value().front().get());
    };
    const std::vector expected{key_id(clients_.pem()), key_id(middle.cert_pem)};
    ASSERT_EQ(expected[1].size(), 40U);
    const auto some = settings(Mode::required);
    const auto context = TlsContext::make(some, right_now()).value();
    const auto authorities = [](const Handshake& handshake) {
        return peer_certificate(handshake.server.get(), right_now()).value().value().authorities;
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        AnyClient client{.max_version = version, .certificate = below};
        auto before = shake_hands(context->new_session(), client.new_session());
        ASSERT_TRUE(before.done()) << before.server_failure;
        EXPECT_EQ(authorities(before), expected);
        for (int times = 0; times < 2; ++times) {
            const auto session = resumable_session(before);
            ASSERT_TRUE(session);
            client.session = session.get();
            auto again = shake_hands(context->new_session(), client.new_session());
            ASSERT_TRUE(again.resumed());
            EXPECT_EQ(authorities(again), expected) << times;
            before = std::move(again);
        }
    }
    auto trusted = some;
    trusted.client_ca_pem = middle.cert_pem;
    auto alone = below;
    alone.cert_pem = leaf_alone;
    EXPECT_EQ(authorities(connect(trusted, {.certificate = alone})), std::vector{expected[1]});
}

TEST_F(PeerCertificateTest, IsAskedForAnewWhenTheRulesAboutClientsChanged) {
    const auto optional = settings(Mode::optional);
    auto required = optional;
    required.client_certificate = Mode::required;
    auto other_authority = optional;
    other_authority.client_ca_pem = authority_.pem();
    auto other_listener = optional;
    other_listener.listener = "admin";
    struct Case {
        std::string_view name;
        const TlsServerSettings& then;
        bool resumed;
    };
    const Case cases[] = {{"same", optional, true},
                          {"required now", required, false},
                          {"other authority", other_authority, false},
                          {"other listener", other_listener, false}};
    for (const auto& c : cases) {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            SCOPED_TRACE(c.name);
            AnyClient client{.max_version = version};  // anonymous
            const auto session = resumable_session(connect(optional, client));
            ASSERT_TRUE(session);
            client.session = session.get();
            const auto again = connect(c.then, client);
            EXPECT_EQ(again.resumed(), c.resumed);
            EXPECT_EQ(again.server_done, c.then.client_certificate == Mode::optional)
                << again.server_failure;
        }
    }
}

TEST_F(PeerCertificateTest, MayNotBeLargerThanItsLimit) {
    std::vector<std::string> uris;
    for (int i = 0; i < 20; ++i) uris.push_back("a:" + std::string(2000, 'b'));
    const CertificateRequest request{.purpose = Purpose::client, .names = {.uris = uris}};
    const auto result = connect(settings(Mode::optional), {.certificate = clients_.issue(request)});
    EXPECT_FALSE(result.server_done);
    EXPECT_TRUE(result.server_failure.contains("excessive message size")) << result.server_failure;
}

}  // namespace
}  // namespace gh::net

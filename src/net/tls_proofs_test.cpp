#include "net/tls_proofs.hpp"

#include <gtest/gtest.h>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

class TlsProofsTest : public ::testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(proofs_->put("a.example", proof_)); }
    [[nodiscard]] SslHandle server(ClientCertificateMode clients = ClientCertificateMode::none) {
        auto tickets = TicketKeys::make(right_now());
        EXPECT_TRUE(tickets);
        const TlsServerSettings settings{.certificates = {leaf_},
                                         .client_certificate = clients,
                                         .client_ca_pem = authority_.pem(),
                                         .client_ca_source = "test",
                                         .ticket_keys = *tickets,
                                         .listener = "public",
                                         .proofs = proofs_};
        auto context = TlsContext::make(settings, right_now());
        EXPECT_TRUE(context) << describe(context.error());
        return (*context)->new_session();
    }

    const TestAuthority authority_;
    const CertificateChain leaf_ = authority_.server({"a.example", "b.example"});
    const CertificateChain proof_ = make_certificate({.names = {.dns = {"a.example"}}});
    std::shared_ptr<TlsProofs> proofs_ = std::make_shared<TlsProofs>();
};

TEST_F(TlsProofsTest, AreShownToWhoAsksForThemAloneAndByName) {
    struct Case {
        std::string_view what;
        std::string server_name;
        std::vector<std::string> alpn;
        std::string chosen;  // "-": refused
        bool proof;
    };
    const Case cases[] = {
        {"the proof", "a.example", {"acme-tls/1"}, "acme-tls/1", true},
        {"in capitals", "A.Example", {"acme-tls/1"}, "acme-tls/1", true},
        {"beside another protocol", "a.example", {"acme-tls/1", "http/1.1"}, "http/1.1", false},
        {"behind another protocol", "a.example", {"h2", "acme-tls/1"}, "h2", false},
        {"of a name without", "b.example", {"acme-tls/1"}, "-", false},
        {"without a name", "", {"acme-tls/1"}, "-", false},
        {"a usual client", "a.example", {"h2"}, "h2", false},
        {"without ALPN", "a.example", {}, "", false},
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const auto& c : cases) {
            SCOPED_TRACE(std::string(c.what) + " " + std::to_string(version));
            const AnyClient client{
                .server_name = c.server_name, .alpn = c.alpn, .max_version = version};
            const auto result = shake_hands(server(), client.new_session());
            EXPECT_EQ(result.done(), c.chosen != "-") << result.server_failure;
            if (!result.done()) continue;
            EXPECT_EQ(result.alpn(), c.chosen);
            EXPECT_EQ(result.served(), fingerprint_of(c.proof ? proof_ : leaf_));
        }
    }
}

TEST_F(TlsProofsTest, WantNoClientCertificateAndCannotBeResumed) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const AnyClient client{
            .server_name = "a.example", .alpn = {"acme-tls/1"}, .max_version = version};
        const auto result =
            shake_hands(server(ClientCertificateMode::required), client.new_session());
        ASSERT_TRUE(result.done()) << result.server_failure;
        EXPECT_EQ(result.alpn(), "acme-tls/1");
        EXPECT_FALSE(resumable_session(result));
        const AnyClient usual{.server_name = "a.example", .alpn = {"h2"}, .max_version = version};
        EXPECT_FALSE(
            shake_hands(server(ClientCertificateMode::required), usual.new_session()).done());
    }
}

TEST_F(TlsProofsTest, AreGoneOnceTakenAway) {
    proofs_->take_away("a.example");
    proofs_->take_away("never.example");
    const AnyClient client{.server_name = "a.example", .alpn = {"acme-tls/1"}};
    EXPECT_FALSE(shake_hands(server(), client.new_session()).done());
}

}  // namespace
}  // namespace gh::net

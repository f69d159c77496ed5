#pragma once

#include <openssl/ssl.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_context.hpp"

/// For tests of TLS: certificates of every kind, and handshakes between two ends in memory.
namespace gh::net {

inline SystemTime right_now() {
    return std::chrono::system_clock::now();
}  // OpenSSL reads this clock itself

enum class Purpose : std::uint8_t { any, server, client, authority };

struct CertificateRequest {
    Purpose purpose = Purpose::server;
    std::string common_name;
    crypto::CertificateNames names;
    std::vector<std::string> raw_uris;  ///< instead of names: as they stand, however unfit
    int rsa_bits = 0;                   ///< 0: P-256
    std::chrono::hours age{};           ///< since it was issued
    std::chrono::hours lifetime{90 * 24};
};
/// @param issuer  null: self-signed
[[nodiscard]] CertificateChain make_certificate(const CertificateRequest& request,
                                                const CertificateChain* issuer = nullptr);

/// A root of its own.
struct TestAuthority {
    CertificateChain root =
        make_certificate({.purpose = Purpose::authority, .common_name = "root"});

    [[nodiscard]] const std::string& pem() const { return root.cert_pem; }
    [[nodiscard]] CertificateChain issue(const CertificateRequest& request) const {
        return make_certificate(request, &root);
    }
    [[nodiscard]] CertificateChain server(std::vector<std::string> dns) const {
        return issue({.names = {.dns = std::move(dns)}});
    }
    [[nodiscard]] CertificateChain client(std::string common_name) const {
        return issue({.purpose = Purpose::client, .common_name = std::move(common_name)});
    }
};

/// A client with every freedom that ours does not have. It verifies nothing.
struct AnyClient {
    std::string server_name;
    std::vector<std::string> alpn;
    int min_version = TLS1_2_VERSION;
    int max_version = TLS1_3_VERSION;
    std::string suites;  ///< of TLS 1.2, in OpenSSL's words; empty: the defaults
    std::string groups;  ///< empty: the defaults
    std::optional<CertificateChain> certificate;
    SSL_SESSION* session = nullptr;

    [[nodiscard]] SslHandle new_session() const;
};

/// Both ends after as many flights as they wanted to exchange.
struct Handshake {
    SslHandle server;
    SslHandle client;
    bool server_done = false;
    bool client_done = false;
    std::string server_failure;  ///< as handshake_failure() says it
    std::string client_failure;

    [[nodiscard]] bool done() const { return server_done && client_done; }
    [[nodiscard]] std::string alpn() const;
    /// SHA-256 of the certificate that the server showed.
    [[nodiscard]] std::string served() const;
    [[nodiscard]] bool resumed() const { return SSL_session_reused(server.get()) == 1; }
};
[[nodiscard]] Handshake shake_hands(SslHandle server, SslHandle client);

struct FreeSession {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SessionHandle = std::unique_ptr<SSL_SESSION, FreeSession>;
/// What the client could resume with; null when the server gave it no ticket.
[[nodiscard]] SessionHandle resumable_session(const Handshake& handshake);

[[nodiscard]] std::string fingerprint_of(const CertificateChain& chain);

}  // namespace gh::net

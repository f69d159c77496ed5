#include "net/tls_client_context.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/try.hpp"

namespace gh::net {
namespace {

std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "tls.openssl", crypto::take_openssl_errors());
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> octets{};
    return ::inet_pton(AF_INET, host.c_str(), octets.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), octets.data()) == 1;
}

bool plausible_name(std::string_view host) {
    constexpr std::size_t name_bytes_max = 253;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    };
    return !host.empty() && host.front() != '.' && host.size() <= name_bytes_max &&
           std::ranges::all_of(host, allowed);
}

Result<void> trust_peers(SSL_CTX* context, const TlsClientSettings& settings) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (settings.ca_pem.empty()) {
        if (SSL_CTX_set_default_verify_paths(context) != 1) return openssl_failure();
        return {};
    }
    auto anchors = crypto::read_certificates(settings.ca_pem);
    if (!anchors) {
        auto& error = anchors.error();
        return fail(error.kind, error.reason, settings.ca_source + ": " + error.detail);
    }
    return trust(context, *anchors);
}

Result<void> offer_http(SSL_CTX* context) {
    constexpr std::string_view alpn = "\x08http/1.1";
    const auto* protocols = reinterpret_cast<const unsigned char*>(alpn.data());
    if (SSL_CTX_set_alpn_protos(context, protocols, alpn.size()) != 0)
        return openssl_failure();  // 0 is success
    return {};
}

}  // namespace

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::make(
    const TlsClientSettings& settings) {
    GH_TRY(auto context, make_ssl_context(TlsRole::client, settings.min_version));
    GH_TRY_VOID(trust_peers(context.get(), settings));
    if (settings.certificate) {
        GH_TRY(const auto pair, read_pair(*settings.certificate));
        GH_TRY_VOID(present(context.get(), pair, settings.certificate->source));
    }
    GH_TRY_VOID(offer_http(context.get()));
    return std::make_shared<const TlsClientContext>(Key{}, std::move(context));
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::make_unverified() {
    GH_TRY(auto context, make_ssl_context(TlsRole::client, TlsVersion::tls_1_2));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    GH_TRY_VOID(offer_http(context.get()));
    return std::make_shared<const TlsClientContext>(Key{}, std::move(context));
}

Result<SslHandle> TlsClientContext::new_session(std::string_view host) const {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.ends_with('.')) host.remove_suffix(1);  // server names are sent without it
    const std::string name(host);
    SslHandle ssl(SSL_new(context_.get()));
    if (!ssl) return openssl_failure();
    if (is_address(name)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str()) != 1)
            return openssl_failure();
    } else {
        if (!plausible_name(name))
            return fail(ErrorKind::invalid_argument, "tls.server_name", name);
        // RFC 9525 §6.3: a wildcard stands for a whole label, and the common name counts for nothing.
        SSL_set_hostflags(
            ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        if (SSL_set1_host(ssl.get(), name.c_str()) != 1 ||
            SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1) {
            return openssl_failure();
        }
    }
    SSL_set_connect_state(ssl.get());
    return ssl;
}

}  // namespace gh::net

#include "net/shown_certificate.hpp"

#include <openssl/ssl.h>

#include <utility>

#include "base/try.hpp"
#include "net/connect.hpp"

namespace gh::net {
namespace {

std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "tls.openssl", crypto::take_openssl_errors());
}

/// A client that verifies nothing, with one protocol to choose.
Result<SslHandle> new_session(const ShowRequest& request) {
    GH_TRY(const auto context, make_ssl_context(TlsRole::client, TlsVersion::tls_1_2));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    SslHandle ssl(SSL_new(context.get()));
    if (!ssl) return openssl_failure();
    const auto offered =
        std::string(1, static_cast<char>(request.protocol.size())) + request.protocol;
    const auto* octets = reinterpret_cast<const unsigned char*>(offered.data());
    if (SSL_set_alpn_protos(ssl.get(), octets, static_cast<unsigned>(offered.size())) != 0 ||
        SSL_set_tlsext_host_name(ssl.get(), request.server_name.c_str()) != 1)
        return openssl_failure();
    SSL_set_connect_state(ssl.get());
    return ssl;
}

}  // namespace

Task<Result<crypto::X509Handle>> shown_certificate(Loop& loop, ShowRequest request) {
    Wakeup wakeup(loop);
    wakeup.expire_at(loop.now() + request.timeout);
    GH_CO_TRY(auto ssl, new_session(request));
    GH_CO_TRY(auto plain, co_await connect(loop, wakeup, request.address));
    GH_CO_TRY(const auto stream,
              co_await shake_hands(loop, wakeup, std::move(plain), std::move(ssl)));
    if (stream->alpn() != request.protocol)
        co_return fail(ErrorKind::unavailable, "fetch.tls", "another protocol was chosen");
    crypto::X509Handle leaf(SSL_get1_peer_certificate(stream->ssl()));
    if (!leaf) co_return fail(ErrorKind::unavailable, "fetch.tls", "no certificate was shown");
    co_return leaf;
}

}  // namespace gh::net

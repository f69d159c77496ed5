#include "wire.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gh::bench {

namespace {

sockaddr_in loopback(int host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000000U + static_cast<std::uint32_t>(host));
    return address;
}

template <class Value>
bool set(int descriptor, int level, int option, const Value& value) {
    return ::setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

}  // namespace

std::unique_ptr<SSL_CTX, SslFree> client_context(std::string_view protocol) {
    std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
    if (!context) return nullptr;
    std::string list(1, static_cast<char>(protocol.size()));
    list += protocol;
    bool good =
        SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_256_GCM_SHA384") == 1 &&
        SSL_CTX_set1_groups_list(context.get(), "X25519") == 1 &&
        SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(list.data()),
                                static_cast<unsigned>(list.size())) == 0;
    if (!good) return nullptr;
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), 64 * 1024);
    return context;
}

bool Wire::open(int source, std::uint16_t port, SSL_CTX* context, std::string_view protocol) {
    close();
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) return false;
    auto from = loopback(source, 0);
    auto to = loopback(1, port);
    timeval patience{.tv_sec = 5, .tv_usec = 0};
    bool good = set(descriptor_, IPPROTO_TCP, TCP_NODELAY, 1) &&
                set(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) &&
                set(descriptor_, SOL_SOCKET, SO_RCVTIMEO, patience) &&
                set(descriptor_, SOL_SOCKET, SO_SNDTIMEO, patience) &&
                ::bind(descriptor_, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0 &&
                ::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
                (context == nullptr || shake_hands(context, protocol)) &&
                ::fcntl(descriptor_, F_SETFL, O_NONBLOCK) == 0;
    if (!good) close();
    return good;
}

bool Wire::shake_hands(SSL_CTX* context, std::string_view protocol) {
    ssl_.reset(SSL_new(context));
    if (!ssl_ || SSL_set_fd(ssl_.get(), descriptor_) != 1) return false;
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
    if (SSL_connect(ssl_.get()) != 1) return false;
    const unsigned char* agreed = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &agreed, &size);
    // Without an answer to ALPN it is HTTP/1.1 (RFC 7301 §3.2 leaves that to the server).
    return size == 0 ? protocol == "http/1.1"
                     : std::string_view(reinterpret_cast<const char*>(agreed), size) == protocol;
}

void Wire::close() {
    ssl_.reset();
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
    filled_ = false;
}

Wire::Step Wire::ssl_step(int result) const {
    int why = SSL_get_error(ssl_.get(), result);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ) return Step::wait_read;
    if (why == SSL_ERROR_WANT_WRITE) return Step::wait_write;
    return Step::closed;
}

Wire::Step Wire::read(std::span<char> into, std::size_t& got) {
    got = 0;
    filled_ = false;
    if (ssl_) {
        int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
        return result == 1 ? Step::moved : ssl_step(result);
    }
    auto size = ::recv(descriptor_, into.data(), into.size(), 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Step::wait_read : Step::closed;
    got = static_cast<std::size_t>(size);
    filled_ = got == into.size();
    return got == 0 ? Step::closed : Step::moved;
}

Wire::Step Wire::write(std::string_view bytes, std::size_t& sent) {
    sent = 0;
    if (ssl_) {
        int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
        return result == 1 ? Step::moved : ssl_step(result);
    }
    auto size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Step::wait_write : Step::closed;
    sent = static_cast<std::size_t>(size);
    return Step::moved;
}

bool Wire::has_more() const { return ssl_ ? SSL_has_pending(ssl_.get()) == 1 : filled_; }

}  // namespace gh::bench

#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace gh::bench {

struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// TLS 1.3 with one cipher and one group, so that every contestant does the same work.
/// @param protocol  the only ALPN protocol offered: "h2" or "http/1.1"
[[nodiscard]] std::unique_ptr<SSL_CTX, SslFree> client_context(std::string_view protocol);

/// A TCP connection on loopback, with or without TLS. Opened blocking, used non-blocking.
class Wire {
 public:
    enum class Step { moved, wait_read, wait_write, closed };

    Wire() = default;
    ~Wire() { close(); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    /// Connects from 127.0.0.`source` and, with a context, shakes hands. 5 seconds at most.
    /// @param protocol  what ALPN has to agree on
    [[nodiscard]] bool open(int source, std::uint16_t port, SSL_CTX* context,
                            std::string_view protocol);
    void close();

    [[nodiscard]] Step read(std::span<char> into, std::size_t& got);
    [[nodiscard]] Step write(std::string_view bytes, std::size_t& sent);
    /// Bytes may wait that no readiness event will tell of.
    [[nodiscard]] bool has_more() const;
    [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
    [[nodiscard]] bool shake_hands(SSL_CTX* context, std::string_view protocol);
    [[nodiscard]] Step ssl_step(int result) const;

    int descriptor_ = -1;
    bool filled_ = false;
    std::unique_ptr<SSL, SslFree> ssl_;
};

}  // namespace gh::bench

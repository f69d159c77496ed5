#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/socket_io.hpp"
#include "net/stream.hpp"

struct ssl_st;
struct bio_st;

namespace gh::net {

struct FreeSsl {
    void operator()(ssl_st* ssl) const noexcept;
};
using SslHandle = std::unique_ptr<ssl_st, FreeSsl>;

/// TLS over a connected socket. OpenSSL works on memory of ours: at most one recv and one send per readiness event,
/// ciphertext received and sent through the loop's scratch, so that an idle connection holds neither.
class TlsStream final : public Stream {
 public:
    /// `ssl` is set to accept or to connect; takes `fd`.
    TlsStream(Loop& loop, int fd, SslHandle ssl);
    ~TlsStream() override;

    /// Drives the handshake on. @return done, blocked (wait for the wakeup) or failed (failure() says why)
    [[nodiscard]] IoState handshake();
    /// OpenSSL's words for what broke the handshake or the connection, for the log.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    [[nodiscard]] Io read(std::span<char> into) override;
    [[nodiscard]] bool has_input() const override;
    [[nodiscard]] IoState write(std::string_view first, std::string_view second = {}) override;
    [[nodiscard]] IoState flush() override;
    [[nodiscard]] bool pending() const override { return !unsent_.empty(); }
    void notify(Wakeup* wakeup) override { descriptor_.notify(wakeup); }
    [[nodiscard]] bool peer_closed() const override {
        return descriptor_.hangup || descriptor_.error;
    }
    void finish_writing() override;
    void reset_on_close() override { net::reset_on_close(descriptor_); }

    [[nodiscard]] ssl_st* ssl() const { return ssl_.get(); }
    /// What ALPN chose: "h2", "http/1.1" or nothing.
    [[nodiscard]] std::string_view alpn() const;

 private:
    friend struct TlsBio;
    [[nodiscard]] IoState send_ciphertext();
    [[nodiscard]] IoState judge(int result);
    void keep_unread();

    Loop& loop_;
    Descriptor descriptor_;
    SslHandle ssl_;
    std::string_view received_;  // ciphertext OpenSSL has not taken yet, in scratch or in unread_
    std::string unread_;         // the same between calls; empty as a rule
    Unsent unsent_;              // ciphertext
    std::size_t unread_answers_ = 0;  // of unsent_: what OpenSSL said while reading
    std::string failure_;
    std::optional<IoState> over_;  // how reading came to its end
    bool end_seen_ = false;        // of the connection below
};

}  // namespace gh::net

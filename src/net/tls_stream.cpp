#include "net/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/peer_certificate.hpp"

namespace gh::net {

namespace {
constexpr std::size_t unread_answers_max = 16 * 1024;
}

void FreeSsl::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

/// What OpenSSL believes to be its socket.
struct TlsBio {
    static int read(BIO* bio, char* into, int size) {
        auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (stream.received_.empty() && !receive(stream)) {
            if (stream.end_seen_) return 0;
            BIO_set_retry_read(bio);
            return -1;
        }
        const auto n = std::min(stream.received_.size(), static_cast<std::size_t>(size));
        std::memcpy(into, stream.received_.data(), n);
        stream.received_.remove_prefix(n);
        return static_cast<int>(n);
    }

    static int write(BIO* bio, const char* from, int size) {
        auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
        auto& out = stream.loop_.record_scratch().sending;
        out.insert(out.end(), from, from + size);
        return size;
    }

    static long control(BIO* bio, int command, long, void*) {
        if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(BIO_get_data(bio))->end_seen_;
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static const BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse");
            BIO_meth_set_read(m, read);
            BIO_meth_set_write(m, write);
            BIO_meth_set_ctrl(m, control);
            return m;
        }();
        return made;
    }

 private:
    static bool receive(TlsStream& stream) {
        auto& descriptor = stream.descriptor_;
        auto& into = stream.loop_.record_scratch().received;
        while (descriptor.readable && !stream.end_seen_) {
            const auto n = ::recv(descriptor.fd(), into.data(), into.size(), 0);
            if (n > 0) {
                const auto bytes = static_cast<std::size_t>(n);
                if (bytes < into.size() && !descriptor.hangup) descriptor.readable = false;
                stream.received_ = {into.data(), bytes};
                return true;
            }
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) {
                descriptor.readable = false;
            } else {
                stream.end_seen_ = true;
            }
        }
        return false;
    }
};

TlsStream::TlsStream(Loop& loop, int fd, SslHandle ssl)
    : loop_(loop), descriptor_(loop, fd), ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(TlsBio::method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::~TlsStream() = default;

bool TlsStream::has_input() const {
    return over_ || !received_.empty() || !unread_.empty() || descriptor_.readable ||
           SSL_has_pending(ssl_.get());
}

IoState TlsStream::judge(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return IoState::blocked;
    if (error == SSL_ERROR_ZERO_RETURN) return IoState::ended;
    failure_ =
        ERR_peek_error() != 0 ? handshake_failure(ssl_.get()) : "connection closed by the peer";
    ERR_clear_error();
    return IoState::failed;
}

void TlsStream::keep_unread() {
    if (received_.empty()) {
        unread_.clear();
    } else if (received_.data() != unread_.data()) {
        unread_.assign(received_);
    }
    received_ = unread_;
}

IoState TlsStream::handshake() {
    if (ERR_peek_error() != 0) ERR_clear_error();
    if (pending() && flush() == IoState::failed) return IoState::failed;
    loop_.record_scratch().sending.clear();
    const int result = SSL_do_handshake(ssl_.get());
    auto state = result == 1 ? IoState::done : judge(result);
    keep_unread();
    const auto sent = send_ciphertext();  // the alert too
    if (sent == IoState::failed) return IoState::failed;
    return state == IoState::ended ? IoState::failed : state;
}

Io TlsStream::read(std::span<char> into) {
    if (over_) return {*over_};
    if (!has_input()) return {};
    if (ERR_peek_error() != 0) ERR_clear_error();
    loop_.record_scratch().sending.clear();
    std::size_t got = 0;
    IoState state = IoState::blocked;
    while (got < into.size()) {
        const auto room = std::min<std::size_t>(into.size() - got, 1U << 30);
        const int n = SSL_read(ssl_.get(), into.data() + got, static_cast<int>(room));
        if (n <= 0) {
            state = judge(n);
            // Remembered, as nothing may come that would have us ask again: a close_notify needs no FIN behind it.
            if (state != IoState::blocked) over_ = state;
            break;
        }
        got += static_cast<std::size_t>(n);
        if (received_.empty() && !descriptor_.readable && !SSL_has_pending(ssl_.get())) break;
    }
    keep_unread();
    // A key update or an alert may want to be answered.
    const auto said = loop_.record_scratch().sending.size();
    if (said > 0) {
        const auto sent = send_ciphertext();
        if (sent == IoState::blocked) unread_answers_ += said;
        if (sent == IoState::failed) state = IoState::failed;
    }
    // Who asks for key updates and never reads the answers would have us keep them all.
    if (unread_answers_ > unread_answers_max) return {IoState::failed};
    if (got > 0) return {IoState::done, got};
    return {state, 0};
}

IoState TlsStream::write(std::string_view first, std::string_view second) {
    if (ERR_peek_error() != 0) ERR_clear_error();
    auto& scratch = loop_.record_scratch();
    scratch.sending.clear();
    const auto encrypt = [this](std::string_view bytes) {
        while (!bytes.empty()) {  // one record a call
            std::size_t written = 0;
            if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1) return false;
            bytes.remove_prefix(written);
        }
        return true;
    };
    if (!first.empty() && !second.empty() && first.size() < scratch.record.size()) {
        // Head and body in one record: one tag to compute, one to check.
        const auto taken = std::min(second.size(), scratch.record.size() - first.size());
        std::memcpy(scratch.record.data(), first.data(), first.size());
        std::memcpy(scratch.record.data() + first.size(), second.data(), taken);
        if (!encrypt({scratch.record.data(), first.size() + taken})) {
            (void)judge(-1);
            return IoState::failed;
        }
        second.remove_prefix(taken);
        first = {};
    }
    if (!encrypt(first) || !encrypt(second)) {
        (void)judge(-1);
        return IoState::failed;
    }
    return send_ciphertext();
}

IoState TlsStream::send_ciphertext() {
    auto& out = loop_.record_scratch().sending;
    const std::string_view bytes(out.data(), out.size());
    std::size_t sent = 0;
    if (unsent_.empty() && !send_some(descriptor_, bytes, sent)) return IoState::failed;
    unsent_.keep(bytes.substr(sent));
    return unsent_.empty() ? IoState::done : IoState::blocked;
}

IoState TlsStream::flush() {
    const auto state = unsent_.flush(descriptor_);
    if (state == IoState::done) unread_answers_ = 0;
    return state;
}

void TlsStream::finish_writing() {
    loop_.record_scratch().sending.clear();
    if (SSL_is_init_finished(ssl_.get())) {
        SSL_shutdown(ssl_.get());
        (void)send_ciphertext();
        ERR_clear_error();
    }
    ::shutdown(descriptor_.fd(), SHUT_WR);
}

std::string_view TlsStream::alpn() const {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
}

}  // namespace gh::net

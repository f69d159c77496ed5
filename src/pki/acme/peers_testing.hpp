#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/x509.hpp"

// A name server and web servers on loopback, for tests of what asks them.

namespace gh::pki::acme {

/// What a test changes while a peer's thread looks at it: every -> is alone with it.
template <class T>
class Guarded {
 public:
    class Held {
     public:
        explicit Held(Guarded& from) : lock_(from.mutex_), value_(from.value_) {}
        T* operator->() { return &value_; }

     private:
        std::unique_lock<std::mutex> lock_;
        T& value_;
    };
    Held operator->() { return Held(*this); }
    [[nodiscard]] T copy() const {
        const std::scoped_lock lock(mutex_);
        return value_;
    }

 private:
    mutable std::mutex mutex_;
    T value_;
};

/// A socket on loopback, and a thread that answers until the end of the test.
class Peer {
 public:
    explicit Peer(int kind, std::uint16_t at = 0)
        : socket_(::socket(AF_INET, kind | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(at);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bound = ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
        socklen_t size = sizeof(address);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
        if (kind == SOCK_STREAM) ::listen(socket_, 16);
    }
    ~Peer() {
        stop();
        ::close(socket_);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    void stop() { thread_ = {}; }
    void answer_with(std::function<void(int)> answer) {
        thread_ = std::jthread([this, answer](const std::stop_token& stop) {
            pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
            while (!stop.stop_requested()) {
                if (::poll(&waiting, 1, 20) == 1) answer(socket_);
            }
        });
    }
    std::uint16_t port = 0;
    bool bound = false;  ///< always without `at`

 private:
    int socket_;
    std::jthread thread_;
};

/// Every name is this machine, but for those below; TXT is what `texts` has. Over TCP, too, on the same port.
class Names {
 public:
    Names() {
        // A port that is free for TCP may be taken for UDP.
        for (int i = 0; i < 100 && !(udp_ && udp_->bound); ++i) {
            tcp_ = std::make_unique<Peer>(SOCK_STREAM);
            udp_ = std::make_unique<Peer>(SOCK_DGRAM, tcp_->port);
        }
        EXPECT_TRUE(udp_->bound);
        port = tcp_->port;
        udp_->answer_with([this](int from) { answer(from); });
        tcp_->answer_with([this](int listening) { answer_by_tcp(listening); });
    }
    std::uint16_t port = 0;
    struct Zone {
        std::vector<std::string> texts;
        std::map<std::string, std::vector<std::string>> addresses;  ///< octets of A and AAAA
        std::string silent, missing, refusing_aaaa;                 ///< names
        bool long_answers = false;                                  ///< to be asked for over TCP
    };
    Guarded<Zone> zone;

 private:
    static std::string name_in(std::string_view question) {
        std::string name;
        while (!question.empty() && question.front() != '\0') {
            const auto size = static_cast<std::size_t>(question.front());
            name += (name.empty() ? "" : ".") + std::string(question.substr(1, size));
            question.remove_prefix(size + 1);
        }
        return name;
    }
    static void append(std::string& out, std::initializer_list<int> octets) {
        for (const int octet : octets) out += static_cast<char>(octet);
    }
    /// @return nothing: it keeps silent
    [[nodiscard]] std::string reply_to(std::string_view asked, bool cut) const {
        if (asked.size() < 17) return {};
        const auto end = asked.find('\0', 12) + 5;  // of the question
        const int type = static_cast<unsigned char>(asked[end - 3]);
        const auto name = name_in(asked.substr(12));
        const auto [texts, addresses, silent, missing, refusing_aaaa, long_answers] = zone.copy();
        if (name == silent) return {};
        const int code = name == missing ? 3 : name == refusing_aaaa && type == 28 ? 2 : 0;
        std::vector<std::string> records;
        if (type == 1 && code == 0) records = {std::string("\x7f\0\0\1", 4)};
        if (const auto found = addresses.find(name); found != addresses.end()) {
            records = found->second;
            const std::size_t wanted = type == 1 ? 4 : 16;
            std::erase_if(records, [&](const auto& each) { return each.size() != wanted; });
        }
        if (type == 16) {
            for (const auto& text : texts) records.push_back(static_cast<char>(text.size()) + text);
        }
        if (cut) records.clear();
        std::string reply(asked.substr(0, 2));
        append(reply, {cut ? 0x83 : 0x81, 0x80 + code, 0, 1, 0, static_cast<int>(records.size()), 0,
                       0, 0, 0});
        reply += asked.substr(12, end - 12);
        for (const auto& each : records) {
            append(reply, {0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, static_cast<int>(each.size())});
            reply += each;
        }
        return reply;
    }
    void answer(int from) const {
        std::array<char, 1500> space{};
        sockaddr_storage client{};
        socklen_t size = sizeof(client);
        const auto got = ::recvfrom(from, space.data(), space.size(), 0,
                                    reinterpret_cast<sockaddr*>(&client), &size);
        const auto reply =
            reply_to({space.data(), static_cast<std::size_t>(got)}, zone.copy().long_answers);
        if (!reply.empty())
            ::sendto(from, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&client),
                     size);
    }
    void answer_by_tcp(int listening) const {
        const int fd = ::accept(listening, nullptr, nullptr);
        std::array<char, 1500> space{};
        std::string asked;
        while (asked.size() < 2 ||
               asked.size() < 2U + static_cast<unsigned char>(asked[1])) {  // they are short
            const auto got = ::read(fd, space.data(), space.size());
            if (got <= 0) break;
            asked.append(space.data(), static_cast<std::size_t>(got));
        }
        const auto reply = reply_to(std::string_view(asked).substr(2), false);
        std::string sent;
        append(sent, {static_cast<int>(reply.size() >> 8), static_cast<int>(reply.size() & 0xff)});
        // In two pieces, as long answers come.
        (void)::write(fd, sent.data(), 1);
        sent = sent.substr(1) + reply;
        (void)::write(fd, sent.data(), sent.size());
        ::close(fd);
    }

    std::unique_ptr<Peer> tcp_, udp_;  // last: their threads end before what they read goes
};

struct Pages {
    std::map<std::string, std::string> answers;  ///< by path
    std::vector<std::string> asked;

    /// @return nothing: there is no such page
    std::string look_up(std::string_view head) {
        asked.emplace_back(head.size() < 4 ? "" : head.substr(4, head.find(' ', 4) - 4));
        const auto found = answers.find(asked.back());
        return found == answers.end() ? std::string() : found->second;
    }
};

/// Answers by path, and remembers what was asked.
class Web : public Peer {
 public:
    Web() : Peer(SOCK_STREAM) {
        answer_with([this](int listening) { answer(listening); });
    }
    ~Web() { stop(); }
    Guarded<Pages> pages;

 private:
    void answer(int listening) {
        const int fd = ::accept(listening, nullptr, nullptr);
        std::string head;
        std::array<char, 4096> space{};
        while (!head.contains("\r\n\r\n") && !head.starts_with('\x16')) {  // a handshake
            const auto got = ::read(fd, space.data(), space.size());
            if (got <= 0) break;
            head.append(space.data(), static_cast<std::size_t>(got));
        }
        std::string reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        if (const auto page = pages->look_up(head); !page.empty()) reply = page;
        (void)::write(fd, reply.data(), reply.size());
        ::close(fd);
    }
};

inline std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string redirect(const std::string& location) {
    return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
}

/// The same as Web behind TLS, with a certificate of the test's. Whoever offers `protocol` is given it, and nothing else.
class SecureWeb : public Peer {
 public:
    SecureWeb(X509* certificate, EVP_PKEY* key, std::string protocol)
        : Peer(SOCK_STREAM),
          protocol_(std::move(protocol)),
          context_(SSL_CTX_new(TLS_server_method())) {
        ::signal(SIGPIPE, SIG_IGN);  // the library writes as it likes
        EXPECT_EQ(SSL_CTX_use_certificate(context_, certificate), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(context_, key), 1);
        SSL_CTX_set_alpn_select_cb(context_, &SecureWeb::choose, this);
        answer_with([this](int listening) { answer(listening); });
    }
    ~SecureWeb() {
        stop();
        SSL_CTX_free(context_);
    }
    Guarded<Pages> pages;

 private:
    static int choose(SSL*, const unsigned char** out, unsigned char* size,
                      const unsigned char* offered, unsigned offered_size, void* self) {
        const auto& wanted = static_cast<SecureWeb*>(self)->protocol_;
        const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
        const auto at = all.find(static_cast<char>(wanted.size()) + wanted);
        if (at == std::string_view::npos) return SSL_TLSEXT_ERR_ALERT_FATAL;
        *out = offered + at + 1;
        *size = static_cast<unsigned char>(wanted.size());
        return SSL_TLSEXT_ERR_OK;
    }
    void answer(int listening) {
        const int fd = ::accept(listening, nullptr, nullptr);
        SSL* ssl = SSL_new(context_);
        SSL_set_fd(ssl, fd);
        std::array<char, 4096> space{};
        std::string head;
        if (SSL_accept(ssl) == 1) {
            while (!head.contains("\r\n\r\n")) {
                const int got = SSL_read(ssl, space.data(), static_cast<int>(space.size()));
                if (got <= 0) break;
                head.append(space.data(), static_cast<std::size_t>(got));
            }
            if (const auto page = pages->look_up(head); !page.empty())
                SSL_write(ssl, page.data(), static_cast<int>(page.size()));
        }
        SSL_shutdown(ssl);
        SSL_free(ssl);
        ::close(fd);
    }

    const std::string protocol_;
    SSL_CTX* context_;
};

}  // namespace gh::pki::acme

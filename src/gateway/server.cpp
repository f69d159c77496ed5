#include "gateway/server.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "http/h1_connection.hpp"
#include "http/h2_connection.hpp"
#include "net/peer_certificate.hpp"
#include "net/socket_stream.hpp"
#include "net/tls_stream.hpp"

namespace gh::gateway {

using net::IoState;

/// Linked while the connection lives, so that a drain can wake it and a cut can end it.
struct Server::Open {
    Server& server;
    net::Wakeup wakeup;
    int fd;
    Open* next;
    Open* previous = nullptr;

    Open(Server& s, int descriptor)
        : server(s), wakeup(s.worker_.loop), fd(descriptor), next(s.first_) {
        if (next) next->previous = this;
        s.first_ = this;
        ++s.worker_.connections_open;
        s.worker_.services.count.connections_open.add(1);
    }
    ~Open() {
        (previous ? previous->next : server.first_) = next;
        if (next) next->previous = previous;
        --server.worker_.connections_open;
        server.worker_.services.count.connections_open.add(-1);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
};

namespace {

std::string_view version_of(ssl_st* ssl) { return SSL_get_version(ssl); }

}  // namespace

Server::~Server() = default;

void Server::listen(int fd, std::string listener_name) {
    auto on_accept = [this, listener_name](int accepted_fd, const net::Address& peer) {
        accepted(accepted_fd, peer, listener_name);
    };
    auto listener = std::make_unique<net::Listener>(worker_.loop, fd, std::move(on_accept));
    listening_.push_back({std::move(listener_name), std::move(listener)});
}

void Server::close_listener(const std::string& listener_name) {
    std::erase_if(listening_, [&](const Listening& each) { return each.name == listener_name; });
}

void Server::drain() {
    listening_.clear();
    worker_.draining = true;
    for (auto* open = first_; open; open = open->next) open->wakeup.wake();
}

void Server::cut_off() {
    for (auto* open = first_; open; open = open->next) ::shutdown(open->fd, SHUT_RDWR);
}

void Server::accepted(int fd, const net::Address& peer, const std::string& listener_name) {
    auto& services = worker_.services;
    auto token = services.connections.acquire(access::ClientNetwork::from_v6(peer.octets()));
    if (!token) {
        services.count.connections_refused.add();
        ::close(fd);
        return;
    }
    services.count.connections_accepted.add();
    spawn(serve(fd, peer, listener_name, std::move(*token)));
}

Task<> Server::serve(int fd, net::Address peer, std::string listener,
                     access::ConnectionBudget::Token token) {
    const auto held = std::move(token);
    Open open(*this, fd);
    http::ConnectionFacts facts;
    facts.peer = peer;
    facts.peer_ip = peer.ip_text();
    facts.listener = std::move(listener);
    const auto tls = worker_.snapshot->listener(facts.listener).tls;
    if (!tls) {
        net::SocketStream stream(worker_.loop, fd);
        stream.notify(&open.wakeup);
        co_await speak(open, stream, facts, false);
        co_return;
    }
    net::TlsStream stream(worker_.loop, fd, tls->new_session());
    stream.notify(&open.wakeup);
    open.wakeup.expire_at(worker_.loop.now() + worker_.snapshot->limits.handshake_timeout);
    for (;;) {
        const auto state = stream.handshake();
        if (state == IoState::done) break;
        if (state == IoState::failed || open.wakeup.expired() || worker_.draining) {
            worker_.services.count.handshakes_failed.add();
            worker_.services.log.debug("net", "handshake failed")
                .field("client_ip", facts.peer_ip)
                .field("detail", stream.failure());
            co_return;
        }
        co_await open.wakeup.wait();
    }
    auto certificate = net::peer_certificate(stream.ssl(), worker_.loop.system_now());
    if (!certificate) co_return;
    if (*certificate) {
        facts.certificate =
            std::make_shared<const access::ClientCertificate>(access::ClientCertificate{
                std::move((*certificate)->subject), std::move((*certificate)->fingerprint),
                std::move((*certificate)->serial)});
    }
    facts.encrypted = true;
    facts.tls_version = version_of(stream.ssl());
    co_await speak(open, stream, facts, stream.alpn() == "h2");
}

Task<> Server::speak(Open& open, net::Stream& stream, http::ConnectionFacts& facts, bool h2) {
    const auto limits =
        worker_.snapshot->server_limits;  // those of its beginning, for as long as it lives
    if (h2) {
        http::H2Connection connection(stream, facts, open.wakeup, *limits);
        co_await connection.serve(gateway_, worker_.draining);
    } else {
        http::H1Connection connection(stream, facts, open.wakeup, *limits);
        co_await connection.serve(gateway_, worker_.draining);
    }
}

}  // namespace gh::gateway

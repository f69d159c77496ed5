#include "gateway/server.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>

#include "http/h1_connection.hpp"
#include "http/h2_connection.hpp"
#include "net/peer_certificate.hpp"
#include "net/socket_stream.hpp"
#include "net/tls_proofs.hpp"

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

/// How long a listener that closes waits for the last octet of a TCP handshake: a round trip, with patience.
constexpr std::chrono::milliseconds connecting_max{200};

std::string_view version_of(ssl_st* ssl) { return SSL_get_version(ssl); }

}  // namespace

Server::~Server() = default;

void Server::listen(int fd, std::string listener_name) {
    auto on_accept = [this, listener_name](int accepted, const net::Address& peer) {
        take(accepted, peer, listener_name);
    };
    auto listener = std::make_unique<net::Listener>(worker_.loop, fd, std::move(on_accept));
    listening_.push_back({std::move(listener_name), std::move(listener)});
}

void Server::close_listener(const std::string& listener_name) {
    for (auto& each : listening_) {
        if (each.name == listener_name) spawn(close(std::move(each.listener)));
    }
    std::erase_if(listening_, [](const Listening& each) { return each.listener == nullptr; });
}

void Server::drain() {
    for (auto& each : listening_) spawn(close(std::move(each.listener)));
    listening_.clear();
    worker_.draining = true;
    for (auto* open = first_; open; open = open->next) open->wakeup.wake();
    for (auto* held = worker_.first_held; held; held = held->next_held)
        held->client->wakeup().wake();  // polls and streams of ours end
}

Task<> Server::close(std::unique_ptr<net::Listener> listener) {
    ++closing_;
    listener->stop_inviting();
    co_await net::Sleep(worker_.loop, connecting_max);
    listener->close();
    --closing_;
}

void Server::cut_off() {
    for (auto* open = first_; open; open = open->next) ::shutdown(open->fd, SHUT_RDWR);
}

void Server::take(int fd, const net::Address& peer, const std::string& listener_name) noexcept {
    UniqueFd socket(fd);
    auto& services = worker_.services;
    auto token = services.connections.acquire(access::ClientNetwork::from_v6(peer.octets()));
    if (!token) {
        services.count.connections_refused.add();
        return;
    }
    services.count.connections_accepted.add();
    try {
        spawn(guard(std::move(socket), peer, listener_name, std::move(*token)));
    } catch (const std::exception&) {  // no memory for so much as a beginning
        services.count.connections_failed.add();
    }
}

/// One connection's trouble, such as a socket that the loop cannot watch, stays with that connection.
Task<> Server::guard(UniqueFd socket, net::Address peer, std::string listener,
                     access::ConnectionBudget::Token token) {
    const auto held = std::move(token);
    try {
        co_await serve(std::move(socket), peer, std::move(listener));
    } catch (const std::exception& trouble) {
        worker_.services.count.connections_failed.add();
        worker_.services.log.error("net", "a connection was given up")
            .field("detail", trouble.what());
    }
}

Task<> Server::serve(UniqueFd socket, net::Address peer, std::string listener) {
    Open open(*this, socket.get());
    http::ConnectionFacts facts;
    facts.peer = peer;
    facts.peer_ip = peer.ip_text();
    facts.listener = std::move(listener);
    const auto tls = worker_.snapshot->listener(facts.listener).tls;
    if (!tls) {
        net::SocketStream stream(worker_.loop, socket.release());
        stream.notify(&open.wakeup);
        co_await speak(open, stream, facts, false);
        co_return;
    }
    auto session = tls->new_session();
    if (!session) throw std::bad_alloc();
    net::TlsStream stream(worker_.loop, socket.release(), std::move(session));
    stream.notify(&open.wakeup);
    if (!co_await shake_hands(open, stream, facts)) co_return;
    // The handshake was all (RFC 8737 §3): nobody was asked who he is.
    if (stream.alpn() == net::TlsProofs::protocol) co_return;
    auto certificate = net::peer_certificate(stream.ssl(), worker_.loop.system_now());
    if (!certificate) co_return;
    if (*certificate) {
        facts.certificate =
            std::make_shared<const access::ClientCertificate>(access::ClientCertificate{
                std::move((*certificate)->subject), std::move((*certificate)->fingerprint),
                std::move((*certificate)->serial), std::move((*certificate)->names),
                (*certificate)->not_after, std::move((*certificate)->authorities)});
    }
    facts.encrypted = true;
    facts.tls_version = version_of(stream.ssl());
    co_await speak(open, stream, facts, stream.alpn() == "h2");
}

/// Within its time, and in a drain no longer than somebody needs who has just come.
Task<bool> Server::shake_hands(Open& open, net::TlsStream& stream,
                               const http::ConnectionFacts& facts) {
    const auto began = worker_.loop.now();
    const auto deadline = began + worker_.snapshot->limits.handshake_timeout;
    const auto deadline_in_drain =
        std::min(deadline, began + worker_.snapshot->server_limits->newcomer_timeout);
    for (;;) {
        const auto state = stream.handshake();
        if (state == IoState::done) co_return true;
        open.wakeup.expire_at(worker_.draining ? deadline_in_drain : deadline);
        if (state == IoState::failed || open.wakeup.expired()) break;
        co_await open.wakeup.wait();
    }
    worker_.services.count.handshakes_failed.add();
    worker_.services.log.debug("net", "handshake failed")
        .field("client_ip", facts.peer_ip)
        .field("detail", stream.failure());
    co_return false;
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

#include "gateway/proxy/connector.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "gateway/worker.hpp"
#include "net/dialer.hpp"
#include "net/tls_stream.hpp"

namespace gh::gateway::proxy {

using net::IoState;

namespace {

constexpr std::chrono::milliseconds look_again{20};

/// Has the upstream closed a kept connection, or said something that nobody asked for? The latter would be taken for the
/// next answer. Asked where the loop has seen something arrive, and where trying would not be safe.
bool is_stale(Worker& worker, net::Stream& stream) {
    return stream.peer_closed() ||
           stream.read(worker.loop.scratch().first(1)).state != IoState::blocked;
}

/// The client is gone, or its right has ended: either way there is nobody to dial for.
bool is_over(const Exchange& exchange) { return exchange.client->gone() || exchange.revoked; }

/// Asks the other workers for one of their idle connections' places.
void ask_others(Worker& worker, Exchange& exchange) {
    for (Worker* other : worker.services.workers) {
        if (other == &worker) continue;
        auto upstream = exchange.route->upstream;
        other->loop.post([other, upstream] { (void)upstream->pool(other->index).drop_one(); });
    }
}

Task<balance::ConnectionAllowance::Place> wait_for_place(Exchange& exchange, Upstream& upstream) {
    auto place = upstream.connections().take();
    if (place) co_return place;
    auto& worker = *exchange.worker;
    auto& pool = upstream.pool(worker.index);
    if (pool.drop_one()) place = upstream.connections().take();
    if (place) co_return place;  // else another worker was quicker
    if (upstream.pending.fetch_add(1) < upstream.config().pending_max) {
        auto& wakeup = exchange.client->wakeup();
        const auto deadline = worker.loop.now() + exchange.route->timeouts.connect;
        pool.waiting.push_back(&wakeup);
        while (!place && worker.loop.now() < deadline && !is_over(exchange)) {
            ask_others(worker, exchange);
            wakeup.expire_at(std::min(deadline, worker.loop.now() + look_again));
            co_await wakeup.wait();
            place = upstream.connections().take();
        }
        std::erase(pool.waiting, &wakeup);
    }
    upstream.pending.fetch_sub(1);
    co_return place;
}

Task<std::expected<std::unique_ptr<net::Stream>, ConnectFailure>> dial(Exchange& exchange,
                                                                       Upstream& upstream,
                                                                       Target& target) {
    auto& loop = exchange.worker->loop;
    auto& wakeup = exchange.client->wakeup();
    wakeup.expire_at(loop.now() + exchange.route->timeouts.connect);
    const auto address = target.address();
    if (!address) co_return std::unexpected(ConnectFailure::refused);
    auto dialling = net::Dial::start(loop, *address, wakeup);
    if (!dialling) co_return std::unexpected(ConnectFailure::refused);
    for (;;) {
        const auto state = dialling->state();
        if (state == IoState::done) break;
        if (state == IoState::failed) co_return std::unexpected(ConnectFailure::refused);
        if (is_over(exchange)) co_return std::unexpected(ConnectFailure::client_gone);
        if (wakeup.expired()) co_return std::unexpected(ConnectFailure::timeout);
        co_await wakeup.wait();
    }
    auto plain = dialling->take();
    if (!target.config.tls) co_return std::unique_ptr<net::Stream>(std::move(plain));

    const auto& wanted = upstream.config().tls.server_name;
    auto session = upstream.tls()->new_session(wanted.empty() ? target.config.host : wanted);
    if (!session) co_return std::unexpected(ConnectFailure::refused);
    auto encrypted =
        std::make_unique<net::TlsStream>(loop, plain->descriptor().release(), std::move(*session));
    encrypted->notify(&wakeup);
    for (;;) {
        const auto state = encrypted->handshake();
        if (state == IoState::done) break;
        if (state == IoState::failed) {
            exchange.worker->services.log.warning("proxy", "upstream TLS handshake failed")
                .field("upstream", upstream.config().name)
                .field("endpoint", target.text)
                .field("detail", encrypted->failure());
            co_return std::unexpected(ConnectFailure::refused);
        }
        if (is_over(exchange)) co_return std::unexpected(ConnectFailure::client_gone);
        if (wakeup.expired()) co_return std::unexpected(ConnectFailure::timeout);
        co_await wakeup.wait();
    }
    co_return std::unique_ptr<net::Stream>(std::move(encrypted));
}

}  // namespace

Task<Connected> connect(Exchange& exchange, Upstream& upstream, Target& target, bool fresh) {
    auto& worker = *exchange.worker;
    if (!fresh) {
        const bool careful = !http::is_idempotent(exchange.request().method);
        while (auto kept = upstream.pool(worker.index).take(target)) {
            const bool suspicious = careful || kept->stream->has_input();
            if (suspicious && is_stale(worker, *kept->stream)) continue;
            kept->stream->notify(&exchange.client->wakeup());
            co_return kept;
        }
    }
    auto place = co_await wait_for_place(exchange, upstream);
    if (!place) {
        co_return std::unexpected(is_over(exchange) ? ConnectFailure::client_gone
                                                    : ConnectFailure::exhausted);
    }
    auto stream = co_await dial(exchange, upstream, target);
    if (!stream) {
        if (stream.error() != ConnectFailure::client_gone) {
            upstream.connect_failed.add();
            (void)target.endpoint->health.connect_failed(worker.loop.now());
        }
        co_return std::unexpected(stream.error());
    }
    upstream.connected.add();
    target.endpoint->health.connect_succeeded();
    auto connection = std::make_unique<Connection>();
    connection->stream = std::move(*stream);
    connection->target = &target;
    connection->place = std::move(place);
    co_return connection;
}

void give_back(Worker& worker, Upstream& upstream, std::unique_ptr<Connection> connection,
               bool reusable) {
    auto& pool = upstream.pool(worker.index);
    const bool wanted_elsewhere =
        pool.waiting.empty() && upstream.pending.load(std::memory_order_relaxed) > 0;
    if (reusable && !upstream.retired() && !wanted_elsewhere && pool.waiting.empty()) {
        pool.put(std::move(connection), worker.loop.now());
        return;
    }
    if (reusable && !upstream.retired() && !pool.waiting.empty()) {
        pool.put(std::move(connection), worker.loop.now());
        (void)pool.drop_one();
    }
    connection.reset();
    if (!pool.waiting.empty()) pool.waiting.front()->wake();
}

}  // namespace gh::gateway::proxy

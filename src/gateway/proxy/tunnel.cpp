#include "gateway/proxy/relay.hpp"
#include "gateway/worker.hpp"

// After 101 (Switching Protocols): octets both ways until both sides have ended, nothing understood, nothing kept back.

namespace gh::gateway::proxy {

using net::IoState;

namespace {

constexpr std::size_t rounds_per_turn_max = 8;  // then the others have their turn

enum class Flow : unsigned char { idle, moved, broken };

/// One direction: from reads only while to takes.
Flow pump(net::Stream& from, net::Stream& to, std::span<char> scratch, bool& ended,
          std::uint64_t& bytes) {
    if (to.pending()) {
        const auto flushed = to.flush();
        if (flushed == IoState::failed) return Flow::broken;
        if (flushed == IoState::blocked) return Flow::idle;
        return Flow::moved;
    }
    if (ended) return Flow::idle;
    const auto io = from.read(scratch);
    if (io.state == IoState::blocked) return Flow::idle;
    if (io.state == IoState::failed) return Flow::broken;
    if (io.state == IoState::ended) {
        ended = true;
        to.finish_writing();
        return Flow::moved;
    }
    bytes += io.bytes;
    return to.write({scratch.data(), io.bytes}) == IoState::failed ? Flow::broken : Flow::moved;
}

}  // namespace

Task<> Relay::tunnel() {
    auto& client = *client_.tunnel();
    auto& upstream = *up_.stream;
    auto& loop = exchange_.worker->loop;
    bool client_ended = false, upstream_ended = false;
    std::uint64_t up_bytes = 0, down_bytes = 0;
    if (const auto early = client_.tunnel_leftover(); !early.empty()) {
        if (upstream.write(early) == IoState::failed) {
            client_.abort();
            co_return;
        }
    }
    moved_ = true;  // from now on the tunnel's own patience counts
    bool whole = false;
    for (std::size_t rounds = 1;; ++rounds) {
        const auto up = pump(client, upstream, loop.scratch(), client_ended, up_bytes);
        const auto down = pump(upstream, client, loop.scratch(), upstream_ended, down_bytes);
        if (up == Flow::broken || down == Flow::broken) break;
        whole = client_ended && upstream_ended && !client.pending() && !upstream.pending();
        if (whole) break;
        if (up == Flow::moved || down == Flow::moved) {
            moved_ = true;
            if (rounds % rounds_per_turn_max != 0) continue;
            wakeup_.wake();
            co_await wakeup_.wait();
            if (loop.now() >= exchange_.ends_at) break;
            continue;
        }
        if (moved_) {
            moved_ = false;
            wakeup_.expire_at(
                std::min(loop.now() + exchange_.route->timeouts.tunnel_idle, exchange_.ends_at));
        }
        if (wakeup_.expired()) break;
        co_await wakeup_.wait();
    }
    if (!whole) {
        if (loop.now() >= exchange_.ends_at)
            exchange_.outcome = exchange_.revoked ? outcome::revoked : outcome::expired;
        client_.abort();  // a tunnel that was cut must not look as if it had ended
    }
    exchange_.tunnelled_up = up_bytes;
    exchange_.tunnelled_down = down_bytes;
}

}  // namespace gh::gateway::proxy

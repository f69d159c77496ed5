#include "gateway/waiting_client.hpp"

#include <algorithm>
#include <utility>

#include "gateway/worker.hpp"

namespace gh::gateway {

SteadyTime WaitingClient::ends_at() const {
    if (!bounded_) exchange_.ends_at = std::min(exchange_.ends_at, credential_end(exchange_));
    bounded_ = true;
    return exchange_.ends_at;
}

bool WaitingClient::gone() const { return exchange_.client->gone() || is_over(); }

bool WaitingClient::is_over() const {
    const auto& worker = *exchange_.worker;
    return exchange_.revoked || worker.draining || worker.loop.now() >= ends_at();
}

net::Wakeup::Awaiter WaitingClient::wait(SteadyTime deadline) {
    auto& wakeup = exchange_.client->wakeup();
    wakeup.expire_at(std::min(deadline, ends_at()));
    return wakeup.wait();
}

Task<bool> WaitingClient::write(std::string_view octets) {
    if (gone()) co_return false;
    if (octets.empty()) co_return true;
    auto& client = *exchange_.client;
    const auto deadline = exchange_.worker->loop.now() + exchange_.snapshot->limits.send_timeout;
    auto state = client.write(octets, false);
    while (state == net::IoState::blocked) {
        if (gone() || exchange_.worker->loop.now() >= deadline) co_return false;
        co_await wait(deadline);
        state = client.flush();
    }
    co_return state == net::IoState::done;
}

namespace {

/// Until the client has read what was sent, or it is not worth waiting for.
Task<bool> catch_up(Exchange& exchange) {
    auto& client = *exchange.client;
    auto& wakeup = client.wakeup();
    wakeup.expire_at(exchange.worker->loop.now() + exchange.snapshot->limits.send_timeout);
    for (;;) {
        const auto state = client.flush();
        if (state == net::IoState::done) co_return true;
        if (state == net::IoState::failed || exchange.revoked || wakeup.expired()) co_return false;
        co_await wakeup.wait();
    }
}

std::string_view outcome_of(const Exchange& exchange, bool caught_up) {
    if (exchange.revoked) return outcome::revoked;
    if (exchange.client->gone()) return outcome::client_gone;
    if (!caught_up) return outcome::client_slow;
    if (exchange.worker->loop.now() >= exchange.ends_at) return outcome::expired;
    return exchange.outcome;
}

}  // namespace

Task<> tell_answer(Exchange& exchange) {
    WaitingClient client(exchange);
    const auto tell = std::exchange(exchange.tell, nullptr);
    co_await tell(client);
    const bool caught_up = co_await catch_up(exchange);
    exchange.outcome = outcome_of(exchange, caught_up);
    // What was cut is no complete message.
    if (!caught_up || exchange.client->write({}, true) == net::IoState::failed)
        exchange.client->abort();
}

}  // namespace gh::gateway

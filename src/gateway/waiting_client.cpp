#include "gateway/waiting_client.hpp"

#include <algorithm>
#include <utility>

#include "gateway/worker.hpp"

namespace gh::gateway {

bool WaitingClient::gone() const {
    const auto& worker = *exchange_.worker;
    return exchange_.client->gone() || exchange_.revoked || worker.draining ||
           worker.loop.now() >= exchange_.ends_at;
}

net::Wakeup::Awaiter WaitingClient::wait(SteadyTime deadline) {
    auto& wakeup = exchange_.client->wakeup();
    wakeup.expire_at(std::min(deadline, exchange_.ends_at));
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

Task<> tell_answer(Exchange& exchange) {
    WaitingClient client(exchange);
    const auto tell = std::exchange(exchange.tell, nullptr);
    co_await tell(client);
    if (exchange.client->flush() == net::IoState::blocked) {
        // Behind with reading until its time was over: what it has is no complete message.
        exchange.outcome = outcome::client_slow;
        exchange.client->abort();
        co_return;
    }
    if (exchange.revoked) {
        exchange.outcome = outcome::revoked;
    } else if (exchange.client->gone()) {
        exchange.outcome = outcome::client_gone;
    } else if (exchange.worker->loop.now() >= exchange.ends_at) {
        exchange.outcome = outcome::expired;
    }
    if (exchange.client->write({}, true) == net::IoState::failed) exchange.client->abort();
}

}  // namespace gh::gateway

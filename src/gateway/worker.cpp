#include "gateway/worker.hpp"

namespace gh::gateway {

namespace {
constexpr std::size_t spare_max = 256;
}

Worker::Worker(std::size_t number, Services& house) : index(number), services(house) {}

std::unique_ptr<Exchange> Worker::take_exchange() {
    ++exchanges_open;
    if (spare_exchanges.empty()) return std::make_unique<Exchange>();
    auto exchange = std::move(spare_exchanges.back());
    spare_exchanges.pop_back();
    return exchange;
}

void Worker::give_back(std::unique_ptr<Exchange> exchange) {
    --exchanges_open;
    exchange->end();
    if (spare_exchanges.size() < spare_max) spare_exchanges.push_back(std::move(exchange));
}

void Worker::hold(Exchange& exchange) {
    exchange.previous_held = nullptr;
    exchange.next_held = first_held;
    if (first_held) first_held->previous_held = &exchange;
    first_held = &exchange;
    exchange.held = true;
}

void Worker::let_go(Exchange& exchange) {
    (exchange.previous_held ? exchange.previous_held->next_held : first_held) = exchange.next_held;
    if (exchange.next_held) exchange.next_held->previous_held = exchange.previous_held;
    exchange.held = false;
}

std::size_t Worker::end_revoked(const access::Revocations& revocations) {
    std::size_t ended = 0;
    for (auto* exchange = first_held; exchange; exchange = exchange->next_held) {
        if (exchange->revoked || !revocations.covers(*exchange->principal)) continue;
        exchange->revoke();
        ++ended;
    }
    return ended;
}

std::size_t Worker::end_uncertified() {
    std::size_t ended = 0;
    for (auto* exchange = first_held; exchange; exchange = exchange->next_held) {
        const bool shown = exchange->client->connection().certificate != nullptr;
        if (exchange->revoked || !shown || certificate_of(*exchange) != nullptr) continue;
        exchange->revoke();
        ++ended;
    }
    return ended;
}

}  // namespace gh::gateway

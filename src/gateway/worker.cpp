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

}  // namespace gh::gateway

#include "gateway/open_work.hpp"

namespace gh::gateway {
namespace {

bool is_of(const Exchange& exchange, const access::Target& target) {
    // Also one that has been revoked meanwhile.
    const auto* shown = static_cast<const access::ClientCertificate*>(
        exchange.client->connection().certificate.get());
    return access::is_of(target, *exchange.principal, shown);
}

}  // namespace

std::size_t count_open(const Worker& worker, const access::Target& target) {
    std::size_t count = 0;
    for (const auto* each = worker.first_held; each; each = each->next_held)
        count += is_of(*each, target) ? 1 : 0;
    return count;
}

std::size_t end_open(Worker& worker, const access::Target& target) {
    std::size_t count = 0;
    for (auto* each = worker.first_held; each; each = each->next_held) {
        if (!is_of(*each, target)) continue;
        ++count;
        if (!each->revoked) each->revoke();
    }
    return count;
}

}  // namespace gh::gateway

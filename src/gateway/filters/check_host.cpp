#include "gateway/filters/check_host.hpp"

#include "gateway/exchange.hpp"

namespace gh::gateway {

Verdict CheckHost::on_request(Exchange& exchange) {
    if (exchange.snapshot->is_allowed_host(exchange.request().authority)) return Verdict::walk_on;
    exchange.refuse(421, "host.unknown", "This host is not served here.");
    return Verdict::answered;
}

}  // namespace gh::gateway

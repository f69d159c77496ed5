#include "gateway/filters/authorize.hpp"

#include "access/access.hpp"
#include "gateway/exchange.hpp"
#include "gateway/filters/authenticate.hpp"

namespace gh::gateway {

Verdict Authorize::on_request(Exchange& exchange) {
    if (exchange.route->anyone || exchange.snapshot->open) return Verdict::walk_on;
    const auto* certificate = certificate_of(exchange);
    const auto decision = access::authorize(exchange.route->access, *exchange.principal,
                                            certificate, exchange.snapshot->roles);
    if (decision.outcome == access::Outcome::allowed) return Verdict::walk_on;
    exchange.auth_reason = decision.reason;
    if (decision.outcome == access::Outcome::unauthenticated) {
        refuse_unauthenticated(exchange, access::Refusal::missing, decision.reason);
    } else {
        exchange.refuse(403, "access.denied",
                        "Your credentials are valid but not sufficient for this.");
    }
    return Verdict::answered;
}

}  // namespace gh::gateway

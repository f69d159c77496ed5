#include "gateway/filters/shed_load.hpp"

#include "gateway/exchange.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {
namespace {

std::string_view text_of_status(std::uint16_t status) {
    switch (status) {
        case 408: return "The request was not complete in time.";
        case 414: return "The request target is too long.";
        case 417: return "The expectation cannot be met.";
        case 431: return "The request's header fields are too large.";
        case 501: return "The method or transfer coding is not supported.";
        case 505: return "The HTTP version is not supported.";
        default: return "The request is malformed.";
    }
}

}  // namespace

Verdict ShedLoad::on_request(Exchange& exchange) {
    const auto& unreadable = exchange.client->unreadable();
    if (unreadable.status != 0) {
        exchange.refuse(unreadable.status, unreadable.reason, text_of_status(unreadable.status));
        exchange.outcome = outcome::client_malformed;
        return Verdict::answered;
    }
    // HTTP/2 carries many requests on one connection: the number of connections allowed bounds them as well.
    if (exchange.worker->exchanges_open > exchange.snapshot->limits.connections_max) {
        exchange.refuse(503, "gateway.overloaded",
                        "The gateway is at its limit; try again shortly.");
        exchange.add_field(http::FieldId::retry_after, "Retry-After", "1");
        return Verdict::answered;
    }
    return Verdict::walk_on;
}

}  // namespace gh::gateway

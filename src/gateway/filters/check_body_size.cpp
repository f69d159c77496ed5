#include "gateway/filters/check_body_size.hpp"

#include "gateway/exchange.hpp"

namespace gh::gateway {

void refuse_too_large(Exchange& exchange) {
    exchange.refuse(413, "body.too_large", "The request body is larger than this route takes.");
    exchange.client->close_after();
}

Verdict CheckBodySize::on_request(Exchange& exchange) {
    const auto& body = exchange.request().body;
    if (body.kind != http::Framing::length ||
        body.length <= exchange.route->config.request_body_max) {
        return Verdict::walk_on;
    }
    refuse_too_large(exchange);
    return Verdict::answered;
}

}  // namespace gh::gateway

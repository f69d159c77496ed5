#include "gateway/filters/redirect.hpp"

#include <string>

#include "gateway/exchange.hpp"

namespace gh::gateway {

Verdict Redirect::on_request(Exchange& exchange) {
    const auto port = exchange.listener->redirect_port;
    if (port == 0) return Verdict::walk_on;
    const auto& request = exchange.request();
    std::string location = "https://";
    location += host_of(request.authority);
    if (port != 443) location += ":" + std::to_string(port);
    if (request.target.starts_with('/')) location += request.target;
    exchange.refuse(301, "gateway.https", "This listener redirects to HTTPS.");
    exchange.outcome = outcome::ok;
    exchange.add_field(http::FieldId::location, "Location", exchange.arena.copy(location));
    return Verdict::answered;
}

}  // namespace gh::gateway

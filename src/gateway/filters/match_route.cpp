#include "gateway/filters/match_route.hpp"

#include <string>

#include "codec/path.hpp"
#include "codec/target.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway {
namespace {

Verdict refuse_target(Exchange& exchange, const Error& error) {
    exchange.refuse(400, error.reason, "The request target is not acceptable.");
    exchange.outcome = outcome::client_malformed;
    return Verdict::answered;
}

/// What the house takes as a whole; a route may take less.
constexpr std::string_view methods_taken = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// `OPTIONS *` asks about the server and not about anything behind it (RFC 9110 §9.3.7). The codecs let no other method
/// have this target.
bool asks_the_server(const http::RequestHead& request) {
    return request.method == http::Method::options && request.target == "*";
}

}  // namespace

Verdict MatchRoute::on_request(Exchange& exchange) {
    if (exchange.request().method == http::Method::trace) {
        // It would show a client the fields that we add for the upstream (RFC 9110 §9.3.8).
        exchange.refuse(405, "route.method", "TRACE is not passed on.");
        exchange.add_field(http::FieldId::other, "Allow", methods_taken);
        return Verdict::answered;
    }
    if (asks_the_server(exchange.request())) {
        exchange.response.status = 204;
        exchange.add_field(http::FieldId::other, "Allow", methods_taken);
        return Verdict::answered;
    }
    const auto target = codec::split_target(exchange.request().target);
    if (!target) return refuse_target(exchange, target.error());
    // The route is not known yet: whatever some route may allow is let through here and asked for below.
    auto normal = codec::normalise_path(target->path, {.allow_encoded_slash = true});
    if (!normal) return refuse_target(exchange, normal.error());
    exchange.path = normal->is_borrowed() ? normal->view() : exchange.arena.copy(normal->view());
    exchange.query = target->query;
    exchange.has_query = target->has_query;

    exchange.route = match_route(*exchange.listener, exchange.request(), exchange.path);
    if (exchange.route && normal->has_encoded_slash() &&
        !exchange.route->config.allow_encoded_slash) {
        exchange.route = nullptr;
        return refuse_target(exchange,
                             Error{ErrorKind::invalid_argument, "path.encoded_slash", {}});
    }
    if (exchange.route) return Verdict::walk_on;
    if (normal->has_encoded_slash()) {
        return refuse_target(exchange,
                             Error{ErrorKind::invalid_argument, "path.encoded_slash", {}});
    }
    if (const auto allowed = allowed_methods(*exchange.listener, exchange.request(), exchange.path);
        !allowed.empty()) {
        exchange.refuse(405, "route.method", "This method is not allowed here.");
        exchange.add_field(http::FieldId::other, "Allow", exchange.arena.copy(allowed));
    } else {
        exchange.refuse(404, "route.unknown", "There is nothing here.");
    }
    return Verdict::answered;
}

}  // namespace gh::gateway

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

/// Methods that would have led to a route, for Allow (RFC 9110 §15.5.6); empty: the path leads nowhere.
std::string allowed_methods(const Exchange& exchange) {
    std::string allowed;
    const auto add = [&](const Route& route) {
        for (const auto& method : route.config.match.methods) {
            if (allowed.contains(method)) continue;
            if (!allowed.empty()) allowed += ", ";
            allowed += method;
        }
    };
    const auto ours = exchange.listener->own.at(exchange.path);
    for (const auto* own : ours) add(*own);
    for (const auto* route : exchange.listener->routes) {
        if (ours.empty() && covers_path(route->config.match, exchange.path)) add(*route);
    }
    return allowed;
}

}  // namespace

Verdict MatchRoute::on_request(Exchange& exchange) {
    if (exchange.request().method == http::Method::trace) {
        // It would show a client the fields that we add for the upstream (RFC 9110 §9.3.8).
        exchange.refuse(405, "route.method", "TRACE is not passed on.");
        exchange.add_field(http::FieldId::other, "Allow",
                           "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
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
    if (const auto allowed = allowed_methods(exchange); !allowed.empty()) {
        exchange.refuse(405, "route.method", "This method is not allowed here.");
        exchange.add_field(http::FieldId::other, "Allow", exchange.arena.copy(allowed));
    } else {
        exchange.refuse(404, "route.unknown", "There is nothing here.");
    }
    return Verdict::answered;
}

}  // namespace gh::gateway

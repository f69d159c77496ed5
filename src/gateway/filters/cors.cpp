#include "gateway/filters/cors.hpp"

#include <algorithm>
#include <string>

#include "gateway/exchange.hpp"

namespace gh::gateway {
namespace {

const CorsConfig* cors_of(const Exchange& exchange) {
    return exchange.route && exchange.route->config.cors ? &*exchange.route->config.cors : nullptr;
}

/// Origins are compared byte by byte (RFC 6454 §5).
bool is_allowed(const CorsConfig& cors, std::string_view origin) {
    return cors.any_origin || std::ranges::find(cors.origins, origin) != cors.origins.end();
}

std::string_view join(Exchange& exchange, const std::vector<std::string>& values) {
    std::string text;
    for (const auto& value : values) {
        if (!text.empty()) text += ", ";
        text += value;
    }
    return exchange.arena.copy(text);
}

}  // namespace

Verdict Cors::on_request(Exchange& exchange) {
    const auto* cors = cors_of(exchange);
    const auto& request = exchange.request();
    const bool preflight = request.method == http::Method::options &&
                           request.fields.has(http::FieldId::origin) &&
                           request.fields.has(http::FieldId::access_control_request_method);
    if (cors == nullptr || !preflight) return Verdict::walk_on;
    if (!is_allowed(*cors, request.fields.value(http::FieldId::origin))) {
        exchange.refuse(403, "cors.origin", "This origin may not read the answer.");
        return Verdict::answered;
    }
    const auto method = request.fields.value(http::FieldId::access_control_request_method);
    if (std::ranges::find(cors->methods, method) == cors->methods.end()) {
        exchange.refuse(403, "cors.method", "This method is not allowed across origins.");
        return Verdict::answered;
    }
    exchange.response.status = 204;
    exchange.outcome = outcome::ok;
    exchange.add_field(http::FieldId::other, "Access-Control-Allow-Methods",
                       join(exchange, cors->methods));
    exchange.add_field(http::FieldId::other, "Access-Control-Allow-Headers",
                       join(exchange, cors->headers));
    exchange.add_field(http::FieldId::other, "Access-Control-Max-Age",
                       exchange.arena.copy(std::to_string(cors->max_age.count())));
    return Verdict::answered;
}

void Cors::on_response(Exchange& exchange) {
    const auto* cors = cors_of(exchange);
    if (cors == nullptr) return;
    auto& fields = exchange.response.fields;
    constexpr std::string_view prefix = "access-control-";
    if (exchange.upstream_name.empty() == false) {
        fields.remove_if([&](const http::Field& field) {
            return field.name.size() > prefix.size() &&
                   http::equals_ignoring_case(field.name.substr(0, prefix.size()), prefix);
        });
    }
    // A cache must not hand one origin's answer to another.
    if (!cors->any_origin) exchange.add_field(http::FieldId::vary, "Vary", "Origin");
    const auto origin = exchange.request().fields.value(http::FieldId::origin);
    if (origin.empty() || !is_allowed(*cors, origin)) return;
    exchange.add_field(http::FieldId::other, "Access-Control-Allow-Origin",
                       cors->any_origin ? "*" : origin);
    if (cors->credentials) {
        exchange.add_field(http::FieldId::other, "Access-Control-Allow-Credentials", "true");
    }
    if (!cors->expose.empty()) {
        exchange.add_field(http::FieldId::other, "Access-Control-Expose-Headers",
                           join(exchange, cors->expose));
    }
}

}  // namespace gh::gateway

#include "gateway/filters/secure_response.hpp"

#include <array>

#include "gateway/exchange.hpp"
#include "http/characters.hpp"

namespace gh::gateway {
namespace {

struct Header {
    std::string_view name, value;
};

constexpr std::string_view permissions =
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()";

// For programs: nothing may be framed, sniffed, scripted or embedded elsewhere.
constexpr std::array<Header, 6> api_headers{{
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy", permissions},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

// For pages that people look at: they may frame themselves and tell their own site where a click came from.
constexpr std::array<Header, 6> page_headers{{
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "SAMEORIGIN"},
    {"Referrer-Policy", "strict-origin-when-cross-origin"},
    {"Permissions-Policy", permissions},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
}};

constexpr std::string_view api_policy = "default-src 'none'; frame-ancestors 'none'";

void add_missing(Exchange& exchange, const std::array<Header, 6>& headers) {
    unsigned present = 0;
    for (const auto& field : exchange.response.fields) {
        if (field.id != http::FieldId::other) continue;
        for (std::size_t i = 0; i < headers.size(); ++i) {
            if (field.name.size() == headers[i].name.size() &&
                http::equals_ignoring_case(field.name, headers[i].name)) {
                present |= 1U << i;
            }
        }
    }
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (present & (1U << i)) continue;
        exchange.add_field(http::FieldId::other, headers[i].name, headers[i].value);
    }
}

/// type "/" subtype without parameters (RFC 9110 §8.3.1).
std::string_view media_type(const http::Fields& fields) {
    const auto value = fields.value(http::FieldId::content_type);
    return http::trim(value.substr(0, value.find(';')));
}

/// A page's policy is its author's to write: HTML gets one only where the route names it. Data gets one that forbids
/// everything, should a browser ever be made to open it.
std::string_view content_policy(const Exchange& exchange) {
    constexpr std::string_view application = "application/";
    const auto type = media_type(exchange.response.fields);
    if (http::equals_ignoring_case(type, "text/html"))
        return exchange.route ? std::string_view(exchange.route->config.csp) : std::string_view{};
    const bool is_data =
        type.empty() || http::equals_ignoring_case(type.substr(0, application.size()), application);
    return is_data ? api_policy : std::string_view{};
}

}  // namespace

void SecureResponse::on_response(Exchange& exchange) {
    auto& fields = exchange.response.fields;
    if (!exchange.listener->hsts.empty()) {
        fields.remove(http::FieldId::strict_transport_security);
        exchange.add_field(http::FieldId::strict_transport_security, "Strict-Transport-Security",
                           exchange.listener->hsts);
    } else if (fields.has(http::FieldId::strict_transport_security)) {
        fields.remove(http::FieldId::strict_transport_security);
    }
    const auto profile =
        exchange.route ? exchange.route->config.security_headers : SecurityHeaders::api;
    if (profile == SecurityHeaders::none) return;
    add_missing(exchange, profile == SecurityHeaders::page ? page_headers : api_headers);
    const auto policy = content_policy(exchange);
    if (!policy.empty() && !fields.has(http::FieldId::content_security_policy)) {
        exchange.add_field(http::FieldId::content_security_policy, "Content-Security-Policy",
                           policy);
    }
}

}  // namespace gh::gateway

#include "gateway/proxy/client_fields.hpp"

#include <algorithm>
#include <string>

#include "http/chunked.hpp"
#include "http/hop_by_hop.hpp"

namespace gh::gateway::proxy {
namespace {

using http::FieldId;

// Ours to say; Expect is answered here, and Proxy is for nobody.
constexpr http::FieldSet ours{FieldId::x_forwarded_for,
                              FieldId::x_forwarded_proto,
                              FieldId::x_forwarded_host,
                              FieldId::forwarded,
                              FieldId::x_gatehouse,
                              FieldId::x_request_id,
                              FieldId::x_correlation_id,
                              FieldId::traceparent,
                              FieldId::tracestate,
                              FieldId::expect,
                              FieldId::proxy};
// What http::field_id() knows in more than one spelling, or in none.
constexpr http::FieldSet many_spellings{FieldId::other, FieldId::x_api_key,
                                        FieldId::forwarding_claim};
constexpr http::FieldSet dropped = http::hop_by_hop_fields | ours;

constexpr bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr char folded(char c) {
    if (!is_letter_or_digit(c)) return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Spelled with letters, digits and '-' only, as nearly every name is.
bool is_plain(std::string_view name) {
    return std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::string plain(std::string_view name) {
    std::string text(name);
    std::ranges::transform(text, text.begin(), folded);
    return text;
}

/// A credential of this house as clients of its vault show it. A token of another vault, which may be the upstream, looks like
/// neither a key nor a JWT.
bool is_vault_credential(const http::Field& field) {
    return (field.value.starts_with("gh_") || field.value.starts_with("eyJ")) &&
           is_same_variable(field.name, "X-Vault-Token");
}

bool is_injected(const Exchange& exchange, std::string_view name) {
    return std::ranges::any_of(
        exchange.route->config.inject.headers,
        [name](const HeaderInjection& each) { return is_same_variable(each.name, name); });
}

/// Another spelling of a name that this house acts upon, or by which a route is chosen.
bool is_disguised(const Exchange& exchange, const http::Field& field) {
    if (!many_spellings.has(field.id)) return false;
    const auto name = field.name;
    if (!is_plain(name) && http::field_id(plain(name)) != FieldId::other) return true;
    return std::ranges::any_of(exchange.snapshot->judged_headers, [name](const auto& judged) {
        return is_same_variable(judged, name) && !http::equals_ignoring_case(judged, name);
    });
}

/// It would have the answer come in pieces or forms that cannot be looked through.
bool hinders_hiding(const http::Field& field) {
    constexpr std::string_view names[] = {"accept-encoding", "accept-charset", "range",
                                          "if-range",        "request-range",  "x-ms-range"};
    return std::ranges::any_of(
        names, [&field](std::string_view name) { return is_same_variable(field.name, name); });
}

}  // namespace

bool is_same_variable(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, folded, folded);
}

bool goes_on(const Exchange& exchange, const http::Field& field) {
    if (dropped.has(field.id)) return false;
    if (field.id == FieldId::forwarding_claim && !exchange.peer_is_trusted) return false;
    if (field.id == FieldId::x_api_key &&
        exchange.principal->type == access::PrincipalType::api_key) {
        return false;
    }
    if (is_disguised(exchange, field) || is_vault_credential(field)) return false;
    if (exchange.route->hidden && hinders_hiding(field)) return false;
    return exchange.route->config.inject.headers.empty() || !is_injected(exchange, field.name);
}

http::Fields trailers_that_go_on(const Exchange& exchange) {
    http::Fields kept;
    for (const auto& field : exchange.client->trailers()) {
        const auto text = plain(field.name);
        const http::Field meant{text, field.value, http::field_id(text)};
        if (http::is_trailer_allowed(meant) && goes_on(exchange, field)) {
            kept.add(field.id, field.name, field.value);
        }
    }
    return kept;
}

}  // namespace gh::gateway::proxy

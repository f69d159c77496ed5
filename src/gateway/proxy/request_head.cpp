#include "gateway/proxy/request_head.hpp"

#include <algorithm>

#include "gateway/exchange_trace.hpp"
#include "gateway/proxy/client_fields.hpp"
#include "gateway/worker.hpp"
#include "http/characters.hpp"
#include "http/h1_write.hpp"
#include "http/hop_by_hop.hpp"

namespace gh::gateway::proxy {
namespace {

using http::FieldId;

std::string_view joined_scopes(Exchange& exchange) {
    std::string text;
    for (const auto& scope : exchange.principal->scopes) {
        if (!text.empty()) text += ' ';
        text += scope;
    }
    return exchange.arena.copy(text);
}

std::string_view fact(Exchange& exchange, const HeaderPart& part) {
    const auto& principal = *exchange.principal;
    switch (part.fact) {
        case RequestFact::none: return part.text;
        case RequestFact::principal_subject: return principal.subject;
        case RequestFact::principal_type: return access::name_of(principal.type);
        case RequestFact::principal_roles: return principal.roles_text;
        case RequestFact::principal_scopes: return joined_scopes(exchange);
        case RequestFact::principal_issuer: return principal.issuer;
        case RequestFact::client_ip: return exchange.client_ip;
        case RequestFact::request_id: return exchange.request_id_text();
        case RequestFact::correlation_id: return exchange.correlation_id;
    }
    return {};
}

/// What a trusted proxy in front of us already said, and the peer we see.
std::string_view forwarded_for(Exchange& exchange) {
    const auto& connection = exchange.client->connection();
    if (exchange.client_address == connection.peer) return exchange.client_ip;
    std::string chain;
    for (const auto& field : exchange.request().fields) {
        if (field.id != FieldId::x_forwarded_for) continue;
        chain += field.value;
        chain += ", ";
    }
    return exchange.arena.copy(chain + connection.peer_ip);
}

/// RFC 7239 §4; addresses of IPv6 are quoted and bracketed (§6).
std::string_view forwarded(Exchange& exchange) {
    const bool six = exchange.client_address.family() == AF_INET6;
    const std::string_view parts[] = {six ? "for=\"[" : "for=",
                                      exchange.client_ip,
                                      six ? "]\"" : "",
                                      ";host=\"",
                                      exchange.request().authority,
                                      "\";proto=",
                                      exchange.client_encrypted ? "https" : "http"};
    std::size_t length = 0;
    for (const auto part : parts) length += part.size();
    char* const text = exchange.arena.allocate(length);
    char* at = text;
    for (const auto part : parts) at = std::copy(part.begin(), part.end(), at);
    return {text, length};
}

std::string_view target_of(Exchange& exchange) {
    const auto& sent = exchange.request().target;
    const std::size_t length =
        exchange.path.size() + (exchange.has_query ? 1 + exchange.query.size() : 0);
    if (sent.size() == length && sent.starts_with(exchange.path)) return sent;
    char* const text = exchange.arena.allocate(length);
    char* at = std::copy(exchange.path.begin(), exchange.path.end(), text);
    if (exchange.has_query) {
        *at++ = '?';
        std::copy(exchange.query.begin(), exchange.query.end(), at);
    }
    return {text, length};
}

void add_identity(http::Fields& fields, const access::Principal& principal) {
    if (principal.type == access::PrincipalType::anonymous) return;
    if (http::is_field_value(principal.subject))
        fields.add(FieldId::x_gatehouse, "X-Gatehouse-Subject", principal.subject);
    fields.add(FieldId::x_gatehouse, "X-Gatehouse-Roles", principal.roles_text);
    fields.add(FieldId::x_gatehouse, "X-Gatehouse-Principal-Type", access::name_of(principal.type));
}

void add_injected(http::Fields& fields, Exchange& exchange) {
    for (const auto& injection : exchange.route->config.inject.headers) {
        std::string value;
        for (const auto& part : injection.parts) value += fact(exchange, part);
        // Scopes are whatever an issuer signs: what would not stay one field value is not written.
        if (!http::is_field_value(value)) continue;
        fields.add(http::field_id(injection.name), injection.name, exchange.arena.copy(value));
    }
}

}  // namespace

void append_upstream_head(std::string& out, Exchange& exchange, const http::BodyFraming& body) {
    const auto& request = exchange.request();
    auto& head = exchange.upstream_request;
    auto& fields = head.fields;
    fields.clear();
    const bool names_fields = request.fields.has(FieldId::connection);
    for (const auto& field : request.fields) {
        if (!goes_on(exchange, field)) continue;
        if (names_fields && http::named_by_connection(request.fields, field)) continue;
        fields.add(field.id, field.name, field.value);
    }
    fields.add(FieldId::x_forwarded_for, "X-Forwarded-For", forwarded_for(exchange));
    fields.add(FieldId::x_forwarded_proto, "X-Forwarded-Proto",
               exchange.client_encrypted ? "https" : "http");
    fields.add(FieldId::x_forwarded_host, "X-Forwarded-Host", request.authority);
    fields.add(FieldId::forwarded, "Forwarded", forwarded(exchange));
    fields.add(FieldId::x_request_id, "X-Request-ID", exchange.request_id_text());
    fields.add(FieldId::x_correlation_id, "X-Correlation-ID", exchange.correlation_id);
    fields.add(FieldId::traceparent, "traceparent", next_traceparent(exchange));
    if (!exchange.tracestate.empty())
        fields.add(FieldId::tracestate, "tracestate", exchange.tracestate);
    add_identity(fields, *exchange.principal);
    add_injected(fields, exchange);
    // Without this, any encoding would do (RFC 9110 §12.5.3).
    if (exchange.route->hidden) fields.add("Accept-Encoding", "identity");

    head.method = request.method;
    head.method_text = request.method_text;
    head.target = target_of(exchange);
    head.authority = request.authority;
    head.body = body;
    head.upgrade_websocket = request.upgrade_websocket;
    head.keep_alive = true;
    http::append_request_head(out, head);
}

}  // namespace gh::gateway::proxy

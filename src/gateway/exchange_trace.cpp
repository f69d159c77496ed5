#include "gateway/exchange_trace.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>

#include "gateway/worker.hpp"
#include "telemetry/json_text.hpp"

namespace gh::gateway {
namespace {

using telemetry::Attribute;

/// Only of a caller whose traceparent is good; several fields are one list (W3C Trace Context §3.3.1).
std::string_view tracestate_of(Exchange& exchange) {
    const auto& fields = exchange.request().fields;
    if (fields.count(http::FieldId::tracestate) <= 1)
        return telemetry::checked_tracestate(fields.value(http::FieldId::tracestate));
    std::string joined;
    for (const auto& field : fields) {
        if (field.id != http::FieldId::tracestate) continue;
        if (!joined.empty()) joined += ',';
        joined += field.value;
    }
    return telemetry::checked_tracestate(exchange.arena.copy(joined));
}

std::string_view protocol_version(http::Version version) {
    switch (version) {
        case http::Version::http_1_0: return "1.0";
        case http::Version::http_1_1: return "1.1";
        case http::Version::http_2: break;
    }
    return "2";
}

/// A client that left has not failed us.
bool failed(const Exchange& exchange, unsigned status) {
    return status >= 500 || exchange.outcome == outcome::upstream_failed ||
           exchange.outcome == outcome::upstream_timeout ||
           exchange.outcome == outcome::upstream_cut;
}

/// "GET /users/{id}"; the method alone where no route was found, for names must not be the client's to choose.
std::string_view span_name(Exchange& exchange) {
    const auto& request = exchange.request();
    const std::string_view method =
        request.method == http::Method::other ? "HTTP" : request.method_text;
    if (exchange.route == nullptr) return method;
    auto name = std::string(method);
    name += ' ';
    name += exchange.route->config.name;
    return exchange.arena.copy(name);
}

/// What a kept trace tells of the request as a whole.
struct RootFacts {
    std::array<Attribute, 14> all;
    std::size_t count = 0;

    template <class T>
    void tell(std::string_view key, T value) {
        if constexpr (std::is_same_v<T, std::string_view>) {
            if (value.empty()) return;
            value = telemetry::cut_utf8(value, telemetry::Trace::text_bytes_max);
        }
        all[count++] = {key, value};
    }
};

RootFacts facts_of(Exchange& exchange, unsigned status) {
    const auto& request = exchange.request();
    RootFacts facts;
    facts.tell("http.request.method", request.method == http::Method::other
                                          ? std::string_view("_OTHER")
                                          : request.method_text);
    facts.tell("url.scheme", std::string_view(exchange.client_encrypted ? "https" : "http"));
    if (exchange.route) facts.tell("http.route", std::string_view(exchange.route->config.name));
    if (status != 0) facts.tell("http.response.status_code", static_cast<std::int64_t>(status));
    facts.tell("server.address", request.authority);
    facts.tell("client.address", exchange.client_ip);
    facts.tell("network.protocol.version", protocol_version(request.version));
    facts.tell("user_agent.original", request.fields.value(http::FieldId::user_agent));
    facts.tell("gatehouse.request_id", exchange.request_id_text());
    facts.tell("gatehouse.correlation_id", exchange.correlation_id);
    facts.tell("gatehouse.principal_type", access::name_of(exchange.principal->type));
    facts.tell("gatehouse.outcome", exchange.outcome);
    facts.tell("gatehouse.code",
               exchange.auth_reason.empty() ? exchange.code : exchange.auth_reason);
    return facts;
}

}  // namespace

void begin_trace(Exchange& exchange) {
    const auto& fields = exchange.request().fields;
    std::optional<telemetry::TraceContext> parent;
    if (fields.count(http::FieldId::traceparent) == 1)
        parent = telemetry::parse_traceparent(fields.value(http::FieldId::traceparent));
    if (parent) exchange.tracestate = tracestate_of(exchange);
    telemetry::TraceContext context;
    if (const auto* tracer = exchange.worker->services.tracer) {
        tracer->begin(exchange.trace, parent, exchange.started, exchange.started_at);
        Ambient::set_current(&exchange.trace);
        context = exchange.trace.context();
    } else {
        context = parent.value_or(telemetry::TraceContext{telemetry::new_trace_id(), {}, true});
        context.span_id = telemetry::new_span_id();
    }
    exchange.traceparent = telemetry::to_traceparent(context);
}

std::string_view next_traceparent(Exchange& exchange) {
    if (!exchange.trace.recording()) return exchange.traceparent.view();
    return exchange.arena.copy(telemetry::to_traceparent(exchange.trace.context()).view());
}

std::optional<telemetry::TraceContext> end_trace(Exchange& exchange,
                                                 std::chrono::nanoseconds duration) {
    if (!exchange.trace.recording()) return {};
    Ambient::set_current(nullptr);
    const auto& tracer = *exchange.worker->services.tracer;
    const auto status = exchange.client->responded() ? exchange.response.status : 0U;
    const bool has_failed = failed(exchange, status);
    const auto ends = exchange.started + duration;
    if (!tracer.keeps(exchange.trace, has_failed, ends)) {
        tracer.end(exchange.trace, {}, ends);
        return {};
    }
    auto facts = facts_of(exchange, status);
    const fmt::format_int digits(status);
    const auto outcome = exchange.outcome == outcome::ok
                             ? std::string_view(digits.data(), digits.size())
                             : exchange.outcome;
    const auto why = exchange.code.empty() ? outcome : exchange.code;
    if (has_failed) facts.tell("error.type", why);
    const auto context = exchange.trace.context();
    tracer.end(exchange.trace,
               {.name = span_name(exchange),
                .kind = telemetry::SpanKind::server,
                .failed = has_failed,
                .why = why,
                .attributes = std::span(facts.all).first(facts.count)},
               ends);
    return context;
}

}  // namespace gh::gateway

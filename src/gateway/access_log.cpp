#include "gateway/access_log.hpp"

#include <string>

#include "gateway/exchange_trace.hpp"
#include "gateway/incidents.hpp"
#include "gateway/worker.hpp"
#include "telemetry/access_line.hpp"

namespace gh::gateway {
namespace {

std::string_view name_of(http::Version version) {
    switch (version) {
        case http::Version::http_1_0: return "HTTP/1.0";
        case http::Version::http_1_1: return "HTTP/1.1";
        case http::Version::http_2: break;
    }
    return "HTTP/2";
}

void write_line(const Exchange& exchange, std::chrono::nanoseconds duration) {
    const auto& request = exchange.request();
    const auto& principal = *exchange.principal;
    const bool known = principal.type != access::PrincipalType::anonymous;
    const telemetry::AccessRecord record{
        .timestamp = exchange.started_at,
        .method = request.method_text,
        .target = request.target,
        .protocol = name_of(request.version),
        .host = request.authority,
        .status = exchange.client->responded() ? exchange.response.status : 0U,
        .duration = duration,
        .bytes_in = exchange.client->body_received() + exchange.tunnelled_up,
        .bytes_out = exchange.client->body_sent() + exchange.tunnelled_down,
        .outcome = exchange.outcome,
        .code = exchange.auth_reason.empty() ? exchange.code : exchange.auth_reason,
        .route =
            exchange.route ? std::string_view(exchange.route->config.name) : std::string_view{},
        .upstream = exchange.upstream_name,
        .upstream_address = exchange.upstream_address,
        .upstream_duration = exchange.upstream_duration,
        .client_ip = exchange.client_ip,
        .principal = known ? std::string_view(principal.subject) : std::string_view{},
        .principal_type = known ? access::name_of(principal.type) : std::string_view{},
        .request_id = exchange.request_id_text(),
        .correlation_id = exchange.correlation_id,
        .trace_id = exchange.traceparent.trace_id(),
        .tls_version = exchange.client->connection().tls_version,
        .user_agent = request.fields.value(http::FieldId::user_agent),
    };
    thread_local std::string line;
    line.clear();
    telemetry::append_access_line(line, record);
    exchange.worker->services.access_log->append(line);
}

}  // namespace

void close_exchange(Exchange& exchange) {
    const auto duration = exchange.worker->loop.now() - exchange.started;
    const auto trace = end_trace(exchange, duration);
    auto* metrics = exchange.route ? exchange.route->metrics : exchange.snapshot->unmatched;
    const auto status = exchange.client->responded() ? exchange.response.status : 0U;
    if (metrics && exchange.counted) {
        telemetry::Exemplar exemplar;
        if (trace) {
            exemplar = {trace->trace_id, trace->span_id,
                        static_cast<std::uint64_t>(std::max(duration.count(), std::int64_t{0})),
                        exchange.worker->loop.system_now()};
        }
        metrics->finished(static_cast<std::size_t>(exchange.request().method), status, duration,
                          exchange.client->body_received() + exchange.tunnelled_up,
                          exchange.client->body_sent() + exchange.tunnelled_down,
                          trace ? &exemplar : nullptr);
    }
    if (exchange.route && exchange.route->queries)
        exchange.route->queries->finished(status, duration);
    if (auto* witness = exchange.worker->services.witness) {
        if (const auto incident = incident_of(exchange, status)) witness->saw(*incident);
    }
    const bool wanted = exchange.route == nullptr || exchange.route->config.access_log;
    if (wanted && exchange.worker->services.access_log) write_line(exchange, duration);
}

}  // namespace gh::gateway

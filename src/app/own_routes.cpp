#include "app/own_routes.hpp"

#include <fmt/format.h>

#include <string>

#include "app/version.hpp"
#include "export/scrape.hpp"
#include "telemetry/json_text.hpp"

namespace gh::app {
namespace {

constexpr std::string_view service_name = "api_gateway";

std::string json_string(std::string_view text) {
    std::string out = "\"";
    telemetry::append_json_text(out, text);
    out += '"';
    return out;
}

Task<Result<api::Reply>> alive(api::Call) {
    api::Reply reply;
    reply.body = fmt::format(R"({{"status":"alive","service":"{}"}})", service_name);
    co_return reply;
}

Task<Result<api::Reply>> healthy(api::Call) {
    api::Reply reply;
    reply.body = fmt::format(R"({{"status":"healthy","service":"{}"}})", service_name);
    co_return reply;
}

/// One upstream's state in words: no address, no error text; who may know more looks at the metrics.
std::string check_of(gateway::proxy::Upstream& upstream, bool& ready) {
    const auto now = std::chrono::steady_clock::now();
    const auto circuit = upstream.breaker().state();
    const auto well = upstream.balancer().healthy_count(now);
    const auto all = upstream.balancer().endpoints().size();
    const bool usable = well > 0 && !upstream.breaker().resting(now);
    if (!usable) ready = false;
    const bool whole = well == all && circuit == balance::BreakerState::closed;
    const std::string_view status = !usable ? "unhealthy" : whole ? "healthy" : "degraded";
    return fmt::format(R"({}:{{"status":"{}","circuit":"{}"}})",
                       json_string("upstream:" + upstream.config().name), status,
                       balance::name_of(circuit));
}

Task<Result<api::Reply>> readiness(const OwnFacts* facts) {
    bool ready = true;
    std::string checks;
    for (const auto& upstream : facts->upstreams()) {
        if (!checks.empty()) checks += ',';
        checks += check_of(*upstream, ready);
    }
    api::Reply reply;
    reply.status = ready ? 200 : 503;
    reply.body = fmt::format(R"({{"service":"{}","status":"{}","checks":{{{}}}}})", service_name,
                             ready ? "ready" : "not_ready", checks);
    co_return reply;
}

Task<Result<api::Reply>> system_info(const OwnFacts* facts) {
    const auto up =
        std::chrono::duration_cast<seconds>(std::chrono::system_clock::now() - facts->started);
    api::Reply reply;
    reply.body = fmt::format(
        R"({{"service":"{}","version":{},"environment":{},"release":{},"uptime_seconds":{}}})",
        service_name, json_string(version()), json_string(facts->environment),
        json_string(facts->release), up.count());
    co_return reply;
}

Task<Result<api::Reply>> metrics_page(const OwnFacts* facts) {
    api::Reply reply;
    reply.content_type = exporting::scrape_content_type;
    reply.body = exporting::scrape(facts->registry);
    co_return reply;
}

api::Route get(std::string path, access::Access access, api::Handle handle, bool counted = false) {
    return {"GET", std::move(path), std::move(access), std::move(handle), counted};
}

}  // namespace

std::vector<api::Route> own_routes(net::Service service, const OwnFacts& facts) {
    using access::Access;
    const auto* known = &facts;
    switch (service) {
        case net::Service::gateway: return {};
        case net::Service::health:
            return {
                get("/health", Access::anyone(), healthy),
                get("/health/live", Access::anyone(), alive),
                get("/health/ready", Access::anyone(),
                    [known](api::Call) { return readiness(known); }),
                get("/api/system/health", Access::anyone(), healthy),
                get(
                    "/system/info", Access::role("user"),
                    [known](api::Call) { return system_info(known); }, true),
            };
        case net::Service::metrics:
            return {get("/metrics", Access::anyone(),
                        [known](api::Call) { return metrics_page(known); })};
    }
    return {};
}

}  // namespace gh::app

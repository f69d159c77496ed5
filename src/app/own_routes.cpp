#include "app/own_routes.hpp"

#include <limits>
#include <map>
#include <memory>
#include <string>

#include "api/object.hpp"
#include "api/openapi.hpp"
#include "api/precondition.hpp"
#include "api/types.hpp"
#include "app/version.hpp"
#include "export/scrape.hpp"

namespace gh::app {
namespace {

using access::Access;
using api::Object;

constexpr std::string_view service_name = "api_gateway";

struct Health {
    std::string status;
    std::string service{service_name};
};

const api::Type<Health>& health_type() {
    static const auto type =
        Object<Health>("Health", "That Gatehouse is there.")
            .required("status", &Health::status, api::text(), "In a word.")
            .required("service", &Health::service, api::text(), "Which service this is.")
            .type();
    return type;
}

struct Check {
    std::string status;
    std::optional<std::string> circuit;
    std::optional<std::int64_t> backlog, backlog_age_seconds;
    std::optional<std::string> served;
};

struct Readiness {
    std::string service{service_name};
    std::string status;
    std::map<std::string, Check> checks;
};

const api::Type<Readiness>& readiness_type() {
    static const auto count =
        api::maybe(api::integer_64(0, std::numeric_limits<std::int64_t>::max()));
    static const auto check =
        Object<Check>("Check", "How something that Gatehouse needs is.")
            .required("status", &Check::status, api::text(), "healthy, degraded or unhealthy.")
            .optional("circuit", &Check::circuit, api::maybe(api::text()),
                      "Of an upstream's circuit breaker.")
            .optional("backlog", &Check::backlog, count, "Writes that wait for the database.")
            .optional("backlog_age_seconds", &Check::backlog_age_seconds, count,
                      "How long the first of them has waited.")
            .optional("served", &Check::served, api::maybe(api::text()),
                      "valid: the CA's certificate; cached: the same, and the CA is away; "
                      "internal: one of the internal CA stands in.")
            .type();
    static const auto type =
        Object<Readiness>("Readiness", "Whether requests will be answered.")
            .required("service", &Readiness::service, api::text(), "Which service this is.")
            .required("status", &Readiness::status, api::text(), "ready or not_ready.")
            .required("checks", &Readiness::checks, api::map_of(check), "By name.")
            .type();
    return type;
}

struct Info {
    std::string service{service_name};
    std::string version;
    std::string environment;
    std::string release;
    std::int64_t uptime_seconds = 0;
};

const api::Type<Info>& info_type() {
    static const auto words = api::text({.length_min = 0});
    static const auto type =
        Object<Info>("SystemInfo", "What runs here.")
            .required("service", &Info::service, words, "Which service this is.")
            .required("version", &Info::version, words, "Of Gatehouse.")
            .required("environment", &Info::environment, words, "As configured; may be empty.")
            .required("release", &Info::release, words, "As configured; may be empty.")
            .required("uptime_seconds", &Info::uptime_seconds,
                      api::integer_64(0, std::numeric_limits<std::int64_t>::max()),
                      "Since the start.")
            .type();
    return type;
}

Task<Result<api::Reply>> alive(api::Call) {
    co_return api::reply(200, health_type(), Health{.status = "alive"});
}

Task<Result<api::Reply>> healthy(api::Call) {
    co_return api::reply(200, health_type(), Health{.status = "healthy"});
}

/// One upstream's state in words: no address, no error text; who may know more looks at the metrics.
Check check_of(gateway::proxy::Upstream& upstream, bool& ready) {
    const auto now = std::chrono::steady_clock::now();
    const auto circuit = upstream.breaker().state();
    const auto well = upstream.balancer().healthy_count(now);
    const auto all = upstream.balancer().endpoints().size();
    const bool usable = well > 0 && !upstream.breaker().resting(now);
    if (!usable) ready = false;
    const bool whole = well == all && circuit == balance::BreakerState::closed;
    return {.status = !usable ? "unhealthy"
                      : whole ? "healthy"
                              : "degraded",
            .circuit = std::string(balance::name_of(circuit)),
            .backlog = {},
            .backlog_age_seconds = {},
            .served = {}};
}

/// Without its database a node still serves what it knows: it is degraded, and a balancer that took it out would take out
/// all of them at once.
Check check_of(const StorageState& storage) {
    const bool well = storage.answers && storage.backlog == 0 && !storage.damaged;
    return {.status = well ? "healthy" : "degraded",
            .circuit = {},
            .backlog = static_cast<std::int64_t>(storage.backlog),
            .backlog_age_seconds = storage.oldest.count(),
            .served = {}};
}

/// Whatever is served, nothing goes without encryption for want of a certificate.
Check check_of(pki::acme_client::ServedState state) {
    const bool well = state == pki::acme_client::ServedState::valid;
    return {.status = well ? "healthy" : "degraded",
            .circuit = {},
            .backlog = {},
            .backlog_age_seconds = {},
            .served = std::string(name_of(state))};
}

Task<Result<api::Reply>> readiness(const OwnFacts& facts, api::Call) {
    bool ready = true;
    Readiness found;
    for (const auto& upstream : facts.upstreams())
        found.checks.emplace("upstream:" + upstream->config().name, check_of(*upstream, ready));
    if (const auto storage = facts.storage ? facts.storage() : std::nullopt)
        found.checks.emplace("database", check_of(*storage));
    if (const auto served = facts.acme ? facts.acme() : std::nullopt)
        found.checks.emplace("certificate", check_of(*served));
    found.status = ready ? "ready" : "not_ready";
    co_return api::reply(ready ? 200 : 503, readiness_type(), found);
}

Task<Result<api::Reply>> system_info(const OwnFacts& facts, api::Call) {
    const auto up =
        std::chrono::duration_cast<seconds>(std::chrono::system_clock::now() - facts.started);
    const Info info{.version = std::string(version()),
                    .environment = facts.environment,
                    .release = facts.release,
                    .uptime_seconds = up.count()};
    co_return api::reply(200, info_type(), info);
}

Task<Result<api::Reply>> metrics_page(const OwnFacts& facts, api::Call) {
    api::Reply reply;
    reply.content_type = exporting::scrape_content_type;
    reply.body = exporting::scrape(facts.registry);
    co_return reply;
}

/// The document and its tag, made once for all who ask.
struct Document {
    std::string text;
    std::string etag;
};

Task<Result<api::Reply>> openapi(std::shared_ptr<const Document> document, api::Call call) {
    if (auto answer = api::judge_preconditions(call, document->etag)) co_return *std::move(answer);
    api::Reply reply;
    reply.body = document->text;
    reply.fields = {{"ETag", document->etag}, {"Cache-Control", "no-cache"}};
    co_return reply;
}

std::vector<api::Route> health_routes(const OwnFacts& facts) {
    const auto well = api::answers(200, "It is there.", health_type());
    return {
        {.method = "GET",
         .path = "/health",
         .access = Access::anyone(),
         .handle = healthy,
         .summary = "Is Gatehouse well?",
         .answers = {well},
         .counted = false},
        {.method = "GET",
         .path = "/health/live",
         .access = Access::anyone(),
         .handle = alive,
         .summary = "Does the process run?",
         .answers = {well},
         .counted = false},
        {.method = "GET",
         .path = "/health/ready",
         .access = Access::anyone(),
         .handle = api::with(facts, readiness),
         .summary = "Will requests be answered?",
         .answers = {api::answers(200, "They will.", readiness_type()),
                     api::answers(503, "Some will not; checks says why.", readiness_type())},
         .counted = false},
        {.method = "GET",
         .path = "/api/system/health",
         .access = Access::anyone(),
         .handle = healthy,
         .summary = "The same as /health.",
         .answers = {well},
         .counted = false},
        {.method = "GET",
         .path = "/system/info",
         .access = Access::role("user"),
         .handle = api::with(facts, system_info),
         .summary = "What runs here, and since when.",
         .answers = {api::answers(200, "What runs here.", info_type())}},
    };
}

api::Route metrics_route(const OwnFacts& facts, Access access) {
    return {.method = "GET",
            .path = "/metrics",
            .access = std::move(access),
            .handle = api::with(facts, metrics_page),
            .summary = "Metrics in the Prometheus text format.",
            .answers = {{200, "The metrics.", "text/plain", nullptr}},
            .counted = false};
}

std::vector<api::Route> api_routes(const OwnFacts& facts) {
    auto routes = health_routes(facts);
    routes.push_back(metrics_route(facts, Access::permission(access::Permission::metrics_read)));
    routes.insert(routes.end(), facts.rooms.begin(), facts.rooms.end());
    const auto document = std::make_shared<Document>();
    const std::shared_ptr<const Document> shown = document;
    routes.push_back({.method = "GET",
                      .path = "/api/v1/openapi.json",
                      .access = Access::anyone(),
                      .handle = [shown](const api::Call& call) { return openapi(shown, call); },
                      .summary = "This document.",
                      .answers = {{200, "An OpenAPI 3.1 document.", "application/json", nullptr}}});
    document->text = api::openapi_document(routes, version());
    document->etag = api::etag_of_text(document->text);
    return routes;
}

}  // namespace

std::vector<api::Route> own_routes(net::Service service, const OwnFacts& facts) {
    switch (service) {
        case net::Service::gateway: return {};
        case net::Service::health: return health_routes(facts);
        case net::Service::metrics: return {metrics_route(facts, Access::anyone())};
        case net::Service::api: return api_routes(facts);
    }
    return {};
}

}  // namespace gh::app

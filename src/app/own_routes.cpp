#include "app/own_routes.hpp"

#include <limits>
#include <memory>
#include <string>

#include "api/object.hpp"
#include "api/openapi.hpp"
#include "api/precondition.hpp"
#include "api/types.hpp"
#include "app/readiness.hpp"
#include "app/version.hpp"
#include "base/try.hpp"
#include "export/scrape.hpp"

namespace gh::app {
namespace {

using access::Access;
using api::Object;

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

Task<Result<api::Reply>> system_info(const OwnFacts& facts, api::Call) {
    const auto up =
        std::chrono::duration_cast<seconds>(std::chrono::system_clock::now() - facts.started);
    const Info info{.version = std::string(version()),
                    .environment = facts.environment,
                    .release = facts.release,
                    .uptime_seconds = up.count()};
    co_return api::reply(200, info_type(), info);
}

/// Written beside the workers: ten thousand series take some milliseconds.
Task<Result<api::Reply>> metrics_page(const OwnFacts& facts, api::Call call) {
    api::Reply reply;
    const auto format = exporting::wanted_format(call.head.fields.value(http::FieldId::accept));
    auto write = [&registry = facts.registry, format]() -> Result<std::string> {
        return exporting::scrape(registry, format);
    };
    GH_CO_TRY(reply.body, co_await facts.pages->run(std::move(write)));
    reply.content_type = exporting::content_type_of(format);
    reply.fields.emplace_back("Vary", "Accept");
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
        readiness_route(facts.health),
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
            .summary = "Metrics in the text format of Prometheus, or OpenMetrics.",
            .answers = {{200, "The metrics.", "text/plain", nullptr}},
            .counted = false};
}

std::vector<api::Route> api_routes(const OwnFacts& facts) {
    auto routes = health_routes(facts);
    routes.push_back(metrics_route(facts, Access::permission(access::Permission::metrics_read)));
    routes.push_back(health_details_route(facts.health));
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

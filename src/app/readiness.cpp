#include "app/readiness.hpp"

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"

namespace gh::app {
namespace {

using access::Access;
using api::Object;

struct Check {
    std::string status;
    std::optional<std::string> circuit, served;
    std::optional<std::int64_t> backlog, backlog_age_seconds;
    // For who may know why.
    std::optional<bool> required;
    std::optional<std::string> detail;
    std::optional<SystemTime> since, checked_at;
    std::optional<std::int64_t> took_ms;
};

struct Readiness {
    std::string service{service_name};
    std::string status;
    std::map<std::string, Check> checks;
};

const api::Type<Check>& check_type() {
    static const auto count =
        api::maybe(api::integer_64(0, std::numeric_limits<std::int64_t>::max()));
    static const auto words = api::maybe(api::text());
    static const auto time = api::maybe(api::time());
    static const auto type =
        Object<Check>("Check", "How something that Gatehouse needs is.")
            .required("status", &Check::status, api::text(), "healthy, degraded or unhealthy.")
            .optional("circuit", &Check::circuit, words, "Of an upstream's circuit breaker.")
            .optional("backlog", &Check::backlog, count, "Writes that wait for the database.")
            .optional("backlog_age_seconds", &Check::backlog_age_seconds, count,
                      "How long the first of them has waited.")
            .optional("served", &Check::served, words,
                      "valid: the CA's certificate; cached: the same, and the CA is away; "
                      "internal: one of the internal CA stands in.")
            .optional("required", &Check::required, api::maybe(api::boolean()),
                      "Unhealthy, nothing is ready.")
            .optional("detail", &Check::detail, words, "Why it is not healthy.")
            .optional("since", &Check::since, time, "When it came to be so.")
            .optional("checked_at", &Check::checked_at, time,
                      "When it was asked; left out: it is known without asking.")
            .optional("took_ms", &Check::took_ms, count, "How long it took to answer.")
            .type();
    return type;
}

const api::Type<Readiness>& readiness_type() {
    static const auto type =
        Object<Readiness>("Readiness", "Whether requests will be answered.")
            .required("service", &Readiness::service, api::text(), "Which service this is.")
            .required("status", &Readiness::status, api::text(), "ready or not_ready.")
            .required("checks", &Readiness::checks, api::map_of(check_type()), "By name.")
            .type();
    return type;
}

Check shown_to_all(const CheckState& state) {
    Check check;
    check.status = name_of(state.status);
    check.circuit = state.circuit;
    check.served = state.served;
    check.backlog = state.backlog;
    check.backlog_age_seconds = state.backlog_age_seconds;
    return check;
}

Check shown_to_operators(const CheckState& state) {
    auto check = shown_to_all(state);
    check.required = state.required;
    if (!state.why.empty()) check.detail = state.why;
    check.since = state.since;
    check.checked_at = state.checked;
    if (state.checked) check.took_ms = state.took.count();
    return check;
}

api::Reply answer(const HealthReport& report, unsigned unready, Check (*show)(const CheckState&)) {
    const bool ready = report.ready();
    Readiness found;
    for (const auto& [name, state] : report.checks) found.checks.emplace(name, show(state));
    found.status = ready ? "ready" : "not_ready";
    return api::reply(ready ? 200 : unready, readiness_type(), found);
}

Task<Result<api::Reply>> readiness(std::function<HealthReport()> health, api::Call) {
    co_return answer(health(), 503, shown_to_all);
}

/// 200 all the same: the question was answered.
Task<Result<api::Reply>> details(std::function<HealthReport()> health, api::Call) {
    co_return answer(health(), 200, shown_to_operators);
}

}  // namespace

api::Route readiness_route(std::function<HealthReport()> health) {
    return {.method = "GET",
            .path = "/health/ready",
            .access = Access::anyone(),
            .handle = [health = std::move(health)](
                          api::Call call) { return readiness(health, std::move(call)); },
            .summary = "Will requests be answered?",
            .answers = {api::answers(200, "They will.", readiness_type()),
                        api::answers(503, "Some will not; checks says why.", readiness_type())},
            .counted = false};
}

api::Route health_details_route(std::function<HealthReport()> health) {
    return {.method = "GET",
            .path = "/api/v1/health",
            .access = Access::permission(access::Permission::health_read),
            .handle = [health = std::move(health)](
                          api::Call call) { return details(health, std::move(call)); },
            .summary = "How what Gatehouse needs is, and why.",
            .answers = {api::answers(200, "How it is.", readiness_type())}};
}

}  // namespace gh::app

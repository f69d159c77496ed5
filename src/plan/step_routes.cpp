#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "plan/plan_rows.hpp"
#include "plan/room.hpp"
#include "plan/route_types.hpp"
#include "plan/route_words.hpp"

namespace gh::plan {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct ShownAttempt {
    std::int64_t number = 0;
    std::string agent_id, state;
    SystemTime started_at;
    std::optional<SystemTime> ended_at;
    std::optional<std::int64_t> duration_ms;
    std::optional<std::string> error;
};

const api::Type<ShownAttempt>& attempt_type() {
    using A = ShownAttempt;
    static const auto type =
        Object<A>("PlanAttempt", "One agent's work on a step.")
            .required("number", &A::number, count_type(), "From 1.")
            .required("agent_id", &A::agent_id, api::text(), "Whose.")
            .required("state", &A::state, api::text(),
                      "running, completed, failed, lost, timed_out or cancelled.")
            .required("started_at", &A::started_at, api::time(), "When.")
            .optional("ended_at", &A::ended_at, api::maybe(api::time()), "When.")
            .optional("duration_ms", &A::duration_ms, maybe_count(), "As it was measured.")
            .optional("error", &A::error,
                      api::maybe(api::text({.length_max = error_characters_max, .lines = true})),
                      "What went wrong.")
            .type();
    return type;
}

struct ShownStep {
    std::string plan_id, id, type, name, metadata, condition;
    StepState state = StepState::pending;
    std::vector<std::string> capabilities;
    Join join = Join::all;
    bool approval = false;
    milliseconds timeout{0};
    std::int64_t max_attempts = 0, attempts = 0;
    std::optional<std::string> agent_id, result, reference, error, approved_by, parent;
    std::optional<double> confidence, quality;
    std::optional<SystemTime> started_at, ended_at;
    std::optional<std::int64_t> duration_ms;
    std::optional<std::vector<std::string>> depends_on;
    std::optional<std::vector<ShownAttempt>> history;
};

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::int64_t> count_of(const std::optional<milliseconds>& length) {
    return length ? std::optional<std::int64_t>(length->count()) : std::nullopt;
}

std::string path_of_result(const std::string& plan_id, const std::string& step_id) {
    return "/api/v1/plans/" + plan_id + "/steps/" + step_id + "/result";
}

ShownStep shown_step(const Step& step) {
    ShownStep one;
    one.plan_id = step.plan_id;
    one.id = step.id;
    one.type = step.type;
    one.name = step.name;
    one.metadata = step.metadata;
    one.condition = step.condition;
    one.state = step.state;
    one.capabilities = words_of(step.needs);
    one.join = step.join;
    one.approval = step.approval;
    one.timeout = step.timeout;
    one.max_attempts = step.max_attempts;
    one.attempts = step.attempts;
    one.agent_id = unless_empty(step.agent_id);
    if (step.has_result) one.result = path_of_result(step.plan_id, step.id);
    one.reference = step.reference;
    one.error = unless_empty(step.error);
    one.approved_by = unless_empty(step.approved_by);
    one.parent = unless_empty(step.parent);
    one.confidence = step.confidence;
    one.quality = step.quality;
    one.started_at = step.started_at;
    one.ended_at = step.ended_at;
    one.duration_ms = count_of(step.duration);
    return one;
}

Object<ShownStep> step_table() {
    using S = ShownStep;
    static const auto words = api::maybe(api::text({.length_max = 512}));
    static const auto part = api::maybe(api::fraction());
    static const auto moment = api::maybe(api::time());
    return Object<S>("PlanStep", "A step of a plan.")
        .required("plan_id", &S::plan_id, id_type(), "Of which plan.")
        .required("id", &S::id, step_id_type(), "Unique in its plan.")
        .required("type", &S::type, id_type(), "What kind of work it is.")
        .required("name", &S::name, api::text({.length_max = name_characters_max}), "For people.")
        .required("state", &S::state, step_state_type(), "Where it stands.")
        .required("metadata", &S::metadata, json_text(metadata_bytes_max, true), "As it came.")
        .required("capabilities", &S::capabilities, capabilities_type(), "That it wants.")
        .required("join", &S::join, join_type(), "all or any.")
        .required("approval", &S::approval, api::boolean(), "Does it wait for a person?")
        .optional("condition", &S::condition, condition_type(), "Under which it runs.")
        .required("max_attempts", &S::max_attempts, count_type(), "How often it is tried.")
        .required("timeout_ms", &S::timeout, timeout_type(), "Of an attempt; 0: none.")
        .required("attempts", &S::attempts, count_type(), "How often it was begun.")
        .optional("agent_id", &S::agent_id, words, "Who works on it, or did last.")
        .optional("confidence", &S::confidence, part, "As its agent said.")
        .optional("quality", &S::quality, part, "As its agent said.")
        .optional("result", &S::result, words, "Where its result is.")
        .optional("reference", &S::reference,
                  api::maybe(api::text({.length_max = reference_bytes_max})),
                  "Where its agent has left more.")
        .optional("error", &S::error,
                  api::maybe(api::text({.length_max = error_characters_max, .lines = true})),
                  "What went wrong last, or why it was skipped.")
        .optional("approved_by", &S::approved_by, words, "Who let it begin.")
        .optional("parent", &S::parent, words, "The step that became this one among others.")
        .optional("started_at", &S::started_at, moment, "When its last attempt began.")
        .optional("ended_at", &S::ended_at, moment, "When it ended.")
        .optional("duration_ms", &S::duration_ms, maybe_count(), "Of that attempt, as measured.");
}

const api::Type<ShownStep>& step_type() {
    using S = ShownStep;
    static const auto type =
        step_table()
            .optional("depends_on", &S::depends_on,
                      api::maybe(api::list_of(step_id_type(), {.items_max = 100'000})),
                      "Where one step is asked for.")
            .optional("history", &S::history,
                      api::maybe(api::list_of(attempt_type(), {.items_max = 1'000})),
                      "Its attempts, where one step is asked for.")
            .type();
    return type;
}

const api::Type<api::Items<ShownStep>>& step_page_type() {
    static const auto type = api::page_of("PlanStepPage", step_type());
    return type;
}

Result<std::int64_t> position_of(const std::string& key) {
    GH_TRY(const auto time, api::time_of_key(key));
    return storage::microseconds_of(time);
}

Task<Result<api::Reply>> list(Room& room, api::Call call, api::Page query) {
    std::string plan_id(call.param("plan"));
    GH_CO_TRY_VOID(co_await room.plans.find(plan_id));
    std::int64_t after = static_cast<std::int64_t>(query.offset);
    if (query.after) {
        GH_CO_TRY(after, position_of((*query.after)[0]));
    }
    GH_CO_TRY(auto found, co_await room.plans.steps(std::move(plan_id), after, query.limit + 1U));
    api::Items<ShownStep> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        items.next_cursor =
            api::encode_cursor("plan_steps", {std::to_string(found.back().position)});
    }
    for (const auto& step : found) items.items.push_back(shown_step(step));
    co_return api::reply(200, step_page_type(), items);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    std::string plan_id(call.param("plan")), step_id(call.param("step"));
    GH_CO_TRY(const auto step, co_await room.plans.find_step(plan_id, step_id));
    auto one = shown_step(step);
    GH_CO_TRY(one.depends_on, co_await room.plans.dependencies(plan_id, step_id));
    GH_CO_TRY(const auto attempts, co_await room.plans.attempts(plan_id, step_id));
    one.history.emplace();
    for (const auto& attempt : attempts) {
        one.history->push_back({.number = attempt.number,
                                .agent_id = attempt.agent_id,
                                .state = std::string(name_of(attempt.state)),
                                .started_at = attempt.started_at,
                                .ended_at = attempt.ended_at,
                                .duration_ms = count_of(attempt.duration),
                                .error = unless_empty(attempt.error)});
    }
    co_return api::reply(200, step_type(), one);
}

struct ShownResult {
    std::string plan_id, step_id;
    StepState state = StepState::completed;
    std::optional<std::string> result, reference;
    std::optional<double> confidence, quality;
};

const api::Type<ShownResult>& result_type() {
    using R = ShownResult;
    static const auto part = api::maybe(api::fraction());
    static const auto type =
        Object<R>("PlanStepResult", "What a step has found.")
            .required("plan_id", &R::plan_id, id_type(), "Of which plan.")
            .required("step_id", &R::step_id, step_id_type(), "Of which step.")
            .required("state", &R::state, step_state_type(), "Where it stands.")
            .optional("result", &R::result, api::maybe(json_text(result_bytes_max, false)),
                      "As its agent gave it.")
            .optional("reference", &R::reference,
                      api::maybe(api::text({.length_max = reference_bytes_max})),
                      "Where its agent has left more.")
            .optional("confidence", &R::confidence, part, "As its agent said.")
            .optional("quality", &R::quality, part, "As its agent said.")
            .type();
    return type;
}

/// An agent sees the results of what its own steps depend on.
Task<Result<api::Reply>> result(Room& room, api::Call call) {
    std::string plan_id(call.param("plan")), step_id(call.param("step"));
    if (call.principal.type == access::PrincipalType::agent) {
        GH_CO_TRY(const auto may,
                  co_await room.work.may_read(call.principal.subject, plan_id, step_id));
        if (!may)
            co_return api::refusal(call, 403, "plan.not_an_input",
                                   "An agent reads the results that its own steps depend on.");
    }
    GH_CO_TRY(auto step, co_await room.plans.find_step(std::move(plan_id), std::move(step_id)));
    co_return api::reply(200, result_type(),
                         ShownResult{.plan_id = std::move(step.plan_id),
                                     .step_id = std::move(step.id),
                                     .state = step.state,
                                     .result = std::move(step.result),
                                     .reference = std::move(step.reference),
                                     .confidence = step.confidence,
                                     .quality = step.quality});
}

storage::Also<Acted> recorded(const api::Call& call, std::string action) {
    auto record = audit::act_of(call, std::move(action), "plan");
    record.details.push_back({"step", std::string(call.param("step"))});
    return audit::also<Acted>(std::move(record), [](audit::Record& told, const Acted& acted) {
        told.object_id = acted.plan.id;
        told.details.push_back({"state", std::string(name_of(acted.plan.state))});
    });
}

Task<Result<api::Reply>> answer(Room& room, api::Call call, Result<Acted> done) {
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.heed(done->stir);
    GH_CO_TRY(const auto step, co_await room.plans.find_step(std::string(call.param("plan")),
                                                             std::string(call.param("step"))));
    co_return api::reply(200, step_type(), shown_step(step));
}

Task<Result<api::Reply>> cancel(Room& room, api::Call call) {
    auto also = recorded(call, "plan.cancel_step");
    auto done = co_await room.plans.cancel_step(std::string(call.param("plan")),
                                                std::string(call.param("step")), who(call),
                                                room.now(), std::move(also));
    co_return co_await answer(room, call, std::move(done));
}

struct Said {
    std::string reason;
};

const api::Type<Said>& said_type() {
    static const auto type =
        Object<Said>("PlanDecision", "A person's word.")
            .optional("reason", &Said::reason, api::text({.length_max = 500}), "Why.")
            .type();
    return type;
}

Task<Result<api::Reply>> decide(Room& room, api::Call call, bool approved, std::string reason) {
    auto also = recorded(call, approved ? "plan.approve" : "plan.reject");
    auto done = co_await room.plans.decide(std::string(call.param("plan")),
                                           std::string(call.param("step")), approved, who(call),
                                           std::move(reason), room.now(), std::move(also));
    co_return co_await answer(room, call, std::move(done));
}

Task<Result<api::Reply>> approve(Room& room, api::Call call, Said said) {
    return decide(room, call, true, std::move(said.reason));
}

Task<Result<api::Reply>> reject(Room& room, api::Call call, Said said) {
    return decide(room, call, false, std::move(said.reason));
}

}  // namespace

std::vector<api::Route> step_routes(Room& room) {
    const auto whole = api::answers(200, "The step.", step_type());
    return {{.method = "GET",
             .path = "/api/v1/plans/{plan}/steps",
             .access = Access::permission(Permission::plans_read),
             .handle = api::with(room, list, api::query(api::page_query("plan_steps", 1))),
             .summary = "Its steps, as they were wanted.",
             .answers = {api::answers(200, "A page of them.", step_page_type())}},
            {.method = "GET",
             .path = "/api/v1/plans/{plan}/steps/{step}",
             .access = Access::permission(Permission::plans_read),
             .handle = api::with(room, show),
             .summary = "One step, what it depends on, and its attempts.",
             .answers = {whole}},
            {.method = "GET",
             .path = "/api/v1/plans/{plan}/steps/{step}/result",
             .access = Access::agent_or(Permission::plans_read),
             .handle = api::with(room, result),
             .summary = "What a step has found; also for agents whose steps depend on it.",
             .answers = {api::answers(200, "It.", result_type())}},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/cancel",
             .access = Access::permission(Permission::plans_write),
             .handle = api::with(room, cancel),
             .summary = "Cancels it; what depends on it is skipped.",
             .answers = {whole}},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/approve",
             .access = Access::permission(Permission::plans_approve),
             .handle = api::with(room, approve, api::json_body(said_type())),
             .summary = "Lets a step begin that waits for a person.",
             .answers = {whole},
             .body_bytes_max = 4 * 1024},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/reject",
             .access = Access::permission(Permission::plans_approve),
             .handle = api::with(room, reject, api::json_body(said_type())),
             .summary = "It fails; what depends on it is skipped.",
             .answers = {whole},
             .body_bytes_max = 4 * 1024}};
}

}  // namespace gh::plan

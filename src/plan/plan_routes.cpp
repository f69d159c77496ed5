#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "plan/new_plan.hpp"
#include "plan/room.hpp"
#include "plan/route_words.hpp"

namespace gh::plan {
namespace {

using access::Access;
using access::Permission;
using api::Object;

constexpr std::size_t body_bytes_max = std::size_t{8} << 20;

api::Reply one(std::uint16_t status, const Plan& plan) {
    return api::reply(status, plan_type(), shown(plan));
}

void tell_plan(audit::Record& record, const Plan& plan) {
    record.object_id = plan.id;
    record.details.push_back({"state", std::string(name_of(plan.state))});
    record.details.push_back({"steps", std::to_string(plan.tally.steps)});
}

Task<Result<void>> record_new(storage::Session& session, audit::Record record, Created created) {
    if (!created.is_new) co_return Result<void>{};
    tell_plan(record, created.plan);
    co_return co_await audit::Log::append(session, std::move(record));
}

Task<Result<api::Reply>> create(Room& room, api::Call call, SaidPlan said) {
    const GraphLimits limits{.steps_max = room.config.steps_max};
    if (auto refusal = refuse_steps(call, said.steps, limits)) co_return *std::move(refusal);
    const auto now = room.now();
    const auto* trace = call.head.fields.find("traceparent");
    auto wanted = new_plan(std::move(said), call.body, who(call),
                           trace ? std::string_view(trace->value) : std::string_view(), now);
    auto record = audit::act_of(call, "plan.create", "plan");
    storage::Also<Created> also{
        .before = audit::Log::lock,
        .after = [record = std::move(record)](storage::Session& session, const Created& created) {
            return record_new(session, record, created);
        }};
    auto made = co_await room.plans.add(std::move(wanted), now, std::move(also));
    if (!made) co_return refused_by_rules(call, std::move(made).error());
    room.heed(made->stir);
    if (!made->is_new) co_return one(200, made->plan);
    co_return api::created("/api/v1/plans/" + made->plan.id, plan_type(), shown(made->plan));
}

struct PlanQuery : api::Page {
    std::optional<PlanState> state;
};

constexpr std::array<std::string_view, 2> orders{"-created_at", "created_at"};

const Object<PlanQuery>& plan_query() {
    static const auto table = [] {
        Object<PlanQuery> query("PlanQuery", "Which plans.");
        api::add_page(query, "plans", 3);
        api::add_sort(query, {orders.begin(), orders.end()});
        query.optional("state", &PlanQuery::state, api::maybe(plan_state_type()), "Only these.");
        return query;
    }();
    return table;
}

const api::Type<api::Items<ShownPlan>>& plan_page_type() {
    static const auto type = api::page_of("PlanPage", plan_type());
    return type;
}

Task<Result<api::Reply>> list(Room& room, api::Call /*call*/, PlanQuery query) {
    PlanPage page{.oldest_first = query.order == 1,
                  .limit = query.limit + std::size_t{1},
                  .offset = static_cast<std::size_t>(query.offset),
                  .after = {},
                  .state = query.state};
    if (query.after) {
        GH_CO_TRY(const auto time, api::time_of_key((*query.after)[1]));
        page.after = {time, (*query.after)[2]};
    }
    GH_CO_TRY(auto found, co_await room.plans.list(std::move(page)));
    api::Items<ShownPlan> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        items.next_cursor = api::encode_cursor(
            "plans", {std::string(orders[query.order]), api::key_of_time(found.back().created_at),
                      found.back().id});
    }
    for (const auto& plan : found) items.items.push_back(shown(plan));
    co_return api::reply(200, plan_page_type(), items);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    GH_CO_TRY(const auto plan, co_await room.plans.find(std::string(call.param("plan"))));
    co_return one(200, plan);
}

using Act = Task<Result<Acted>> (PlanRepository::*)(std::string, std::string, SystemTime,
                                                    storage::Also<Acted>);

template <Act act>
Task<Result<api::Reply>> steer(Room& room, api::Call call, std::string action) {
    auto also = audit::also<Acted>(
        audit::act_of(call, std::move(action), "plan"),
        [](audit::Record& record, const Acted& acted) { tell_plan(record, acted.plan); });
    const auto now = room.now();
    std::string id(call.param("plan"));
    auto done = co_await (room.plans.*act)(std::move(id), who(call), now, std::move(also));
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.heed(done->stir);
    co_return one(200, done->plan);
}

Task<Result<api::Reply>> cancel(Room& room, api::Call call) {
    return steer<&PlanRepository::cancel>(room, call, "plan.cancel");
}
Task<Result<api::Reply>> pause(Room& room, api::Call call) {
    return steer<&PlanRepository::pause>(room, call, "plan.pause");
}
Task<Result<api::Reply>> resume(Room& room, api::Call call) {
    return steer<&PlanRepository::resume>(room, call, "plan.resume");
}

struct ShownStatistics {
    std::string storage_backend;
    std::int64_t plans = 0, steps = 0;
    std::map<std::string, std::int64_t> plans_by_state, steps_by_state;
};

const api::Type<ShownStatistics>& statistics_type() {
    using S = ShownStatistics;
    static const auto by_state = api::map_of(count_type());
    static const auto type =
        Object<S>("PlanStatistics", "How many there are, as the database counts them.")
            .required("storage_backend", &S::storage_backend, api::text(), "SQLite or PostgreSQL.")
            .required("plans", &S::plans, count_type(), "All of them.")
            .required("steps", &S::steps, count_type(), "Of all plans.")
            .required("plans_by_state", &S::plans_by_state, by_state, "Of each.")
            .required("steps_by_state", &S::steps_by_state, by_state, "Of each.")
            .type();
    return type;
}

Task<Result<api::Reply>> statistics(Room& room, api::Call /*call*/) {
    GH_CO_TRY(const auto counted, co_await room.plans.count());
    ShownStatistics all;
    all.storage_backend = room.database.engine();
    for (const auto state : plan_states) {
        const auto count = counted.plans[static_cast<std::size_t>(state)];
        all.plans_by_state[std::string(name_of(state))] = count;
        all.plans += count;
    }
    for (const auto state : step_states) {
        const auto count = counted.steps[static_cast<std::size_t>(state)];
        all.steps_by_state[std::string(name_of(state))] = count;
        all.steps += count;
    }
    co_return api::reply(200, statistics_type(), all);
}

std::vector<api::Route> routes_of_one(Room& room) {
    const auto answer = api::answers(200, "The plan.", plan_type());
    return {{.method = "GET",
             .path = "/api/v1/plans/{plan}",
             .access = Access::permission(Permission::plans_read),
             .handle = api::with(room, show),
             .summary = "One plan, and how far it is.",
             .answers = {answer}},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/cancel",
             .access = Access::permission(Permission::plans_write),
             .handle = api::with(room, cancel),
             .summary = "Cancels what has not ended of it; agents lose their leases.",
             .answers = {answer}},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/pause",
             .access = Access::permission(Permission::plans_write),
             .handle = api::with(room, pause),
             .summary = "Hands out nothing of it; what is worked on may be finished.",
             .answers = {answer}},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/resume",
             .access = Access::permission(Permission::plans_write),
             .handle = api::with(room, resume),
             .summary = "Goes on where it was paused.",
             .answers = {answer}}};
}

}  // namespace

std::vector<api::Route> plan_routes(Room& room) {
    auto routes = routes_of_one(room);
    routes.push_back({.method = "POST",
                      .path = "/api/v1/plans",
                      .access = Access::permission(Permission::plans_write),
                      .handle = api::with(room, create, api::json_body(said_plan_type())),
                      .summary = "Makes a plan; the same body by the same id again is no other.",
                      .answers = {api::answers(201, "It is there.", plan_type()),
                                  api::answers(200, "It was there.", plan_type())},
                      .body_bytes_max = body_bytes_max});
    routes.push_back({.method = "GET",
                      .path = "/api/v1/plans",
                      .access = Access::permission(Permission::plans_read),
                      .handle = api::with(room, list, api::query(plan_query())),
                      .summary = "Plans, the newest first.",
                      .answers = {api::answers(200, "A page of them.", plan_page_type())}});
    routes.push_back({.method = "GET",
                      .path = "/api/v1/plans/statistics",
                      .access = Access::permission(Permission::plans_read),
                      .handle = api::with(room, statistics),
                      .summary = "How many plans and steps there are, and where they are kept.",
                      .answers = {api::answers(200, "Counts.", statistics_type())}});
    return routes;
}

}  // namespace gh::plan

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "plan/room.hpp"
#include "plan/route_types.hpp"
#include "plan/route_words.hpp"
#include "telemetry/trace.hpp"

// How agents come to work: at once, or by waiting for it.

namespace gh::plan {
namespace {

using access::Access;
using api::Object;

constexpr std::int64_t wait_most = 30'000;  // milliseconds
constexpr seconds look_again{1};            // nobody rings for steps that other nodes made ready
constexpr milliseconds queue_again{20};     // others of this node are claiming

struct Ask {
    std::int64_t max = 1, wait_ms = 0;
};

const api::Type<Ask>& ask_type() {
    static const auto type =
        Object<Ask>("PlanClaim", "How much work an agent wants.")
            .optional("max", &Ask::max, api::integer_64(1, claim_max), "Steps at most; 1.")
            .optional("wait_ms", &Ask::wait_ms, api::integer_64(0, wait_most),
                      "How long to wait for the first; 0, where left out: not at all.")
            .type();
    return type;
}

struct ShownInput {
    std::string step_id;
    StepState state = StepState::completed;
    std::optional<std::string> result, reference;
    std::optional<double> confidence, quality;
};

const api::Type<ShownInput>& input_type() {
    using I = ShownInput;
    static const auto part = api::maybe(api::fraction());
    static const auto type =
        Object<I>("PlanInput", "What a step depends on.")
            .required("step_id", &I::step_id, step_id_type(), "Which.")
            .required("state", &I::state, step_state_type(), "completed, or how else it ended.")
            .optional("result", &I::result, api::maybe(api::text({.length_max = 512})),
                      "Where to read its result.")
            .optional("reference", &I::reference,
                      api::maybe(api::text({.length_max = reference_bytes_max})),
                      "Where its agent has left more.")
            .optional("confidence", &I::confidence, part, "As its agent said.")
            .optional("quality", &I::quality, part, "As its agent said.")
            .type();
    return type;
}

struct ShownClaim {
    std::string plan_id, step_id, type, name, metadata, lease;
    std::int64_t attempt = 0, lease_ms = 0;
    std::optional<std::int64_t> timeout_ms;
    std::vector<ShownInput> inputs;
    std::string trace;
};

const api::Type<ShownClaim>& claim_type() {
    using C = ShownClaim;
    static const auto type =
        Object<C>("ClaimedStep", "A step, and the lease of it.")
            .required("plan_id", &C::plan_id, id_type(), "Of which plan.")
            .required("step_id", &C::step_id, step_id_type(), "Which step.")
            .required("type", &C::type, id_type(), "What kind of work it is.")
            .required("name", &C::name, api::text({.length_max = name_characters_max}),
                      "For people.")
            .required("metadata", &C::metadata, json_text(metadata_bytes_max, true), "As it came.")
            .required("attempt", &C::attempt, count_type(), "From 1.")
            .required("lease", &C::lease, api::text(), "What to report it by.")
            .required("lease_ms", &C::lease_ms, count_type(),
                      "Silent for so long, the agent loses it.")
            .optional("timeout_ms", &C::timeout_ms, maybe_count(), "How long it may take.")
            .required("inputs", &C::inputs, api::list_of(input_type(), {.items_max = 100'000}),
                      "What it depends on.")
            .required("_trace_context", &C::trace, json_text(512, true),
                      "Of the request that made the plan: its work belongs to that trace.")
            .type();
    return type;
}

struct ShownClaims {
    std::vector<ShownClaim> steps;
};

const api::Type<ShownClaims>& claims_type() {
    static const auto type =
        Object<ShownClaims>("ClaimedSteps", "What there is to do.")
            .required("steps", &ShownClaims::steps,
                      api::list_of(claim_type(), {.items_max = claim_max}), "None: nothing yet.")
            .type();
    return type;
}

ShownClaim shown(const Claimed& claimed, milliseconds lease) {
    const auto& step = claimed.step;
    ShownClaim one{.plan_id = step.plan_id,
                   .step_id = step.id,
                   .type = step.type,
                   .name = step.name,
                   .metadata = step.metadata,
                   .lease = step.lease,
                   .attempt = step.attempts,
                   .lease_ms = lease.count(),
                   .timeout_ms = {},
                   .inputs = {},
                   .trace = claimed.plan_trace.empty() ? "{}" : claimed.plan_trace};
    if (step.timeout > milliseconds(0)) one.timeout_ms = step.timeout.count();
    for (const auto& input : claimed.inputs) {
        ShownInput shown_input{.step_id = input.step_id,
                               .state = input.state,
                               .result = {},
                               .reference = input.reference,
                               .confidence = input.confidence,
                               .quality = input.quality};
        if (input.has_result)
            shown_input.result =
                "/api/v1/plans/" + step.plan_id + "/steps/" + input.step_id + "/result";
        one.inputs.push_back(std::move(shown_input));
    }
    return one;
}

void remember(Room& room, const Claimed& claimed, const std::vector<std::string>& capabilities,
              SteadyTime since) {
    const auto& step = claimed.step;
    room.leases.add(step.lease, {.agent_id = step.agent_id,
                                 .plan_id = step.plan_id,
                                 .step_id = step.id,
                                 .attempt = step.attempts,
                                 .since = since,
                                 .heard = since,
                                 .timeout = step.timeout,
                                 .capabilities = capabilities,
                                 .completed = {},
                                 .took = {}});
}

/// Is there something for who can do this, as somebody of this node has seen it lately?
Task<Result<bool>> has_work(Room& room, const std::vector<std::string>& capabilities) {
    auto& loop = *net::Loop::current();
    if (room.board.begin_look(loop.now())) {
        auto found = co_await room.work.wanted(room.now());
        auto failed = found ? std::optional<Error>() : std::optional(found.error());
        const bool missed = room.board.end_look(std::move(found), loop.now());
        if (missed) room.bell.ring(ready_bell);
        if (failed) co_return std::unexpected(*std::move(failed));
    }
    co_return room.board.has_work(capabilities);
}

Task<Result<Claims>> claim_now(Room& room, Claim claim) {
    const telemetry::Span span("plan.claim");
    auto& loop = *net::Loop::current();
    const auto capabilities = claim.capabilities;
    GH_CO_TRY(auto claims, co_await room.work.claim(std::move(claim), room.now()));
    // What others were quicker to take is not to be seen again.
    if (claims.steps.empty()) room.board.stale();
    for (const auto& claimed : claims.steps) remember(room, claimed, capabilities, loop.now());
    room.heed(claims.stirs);
    co_return claims;
}

/// At once. Nobody writes who finds nothing.
Task<Result<Claims>> claim_at_once(Room& room, Claim claim) {
    const auto now = room.now();
    GH_CO_TRY(const auto kinds, co_await room.work.wanted(now));
    const bool are_all = kinds.size() < WorkRepository::kinds_max;
    if (are_all && !is_wanted(kinds, claim.capabilities)) co_return Claims{};
    co_return co_await claim_now(room, std::move(claim));
}

/// Until there is something, the time is over, or nobody waits any more. Of all who are rung for, a few at a time claim.
Task<Result<Claims>> claim_in_time(Room& room, api::Call call, Claim claim, SteadyTime deadline) {
    auto& loop = *net::Loop::current();
    auto& client = *call.client;
    const net::Doorbell::Visitor visit(room.bell, std::string(ready_bell), client.wakeup());
    while (true) {
        std::chrono::nanoseconds pause = look_again;
        GH_CO_TRY(const auto some, co_await has_work(room, claim.capabilities));
        if (some) {
            const Board::Turn turn(room.board);
            pause = queue_again;
            if (turn.admitted()) {
                auto mine = claim;
                GH_CO_TRY(auto claims, co_await claim_now(room, std::move(mine)));
                if (!claims.steps.empty()) co_return claims;
                pause = look_again;
            }
        }
        if (loop.now() >= deadline || client.gone()) co_return Claims{};
        co_await client.wait(std::min(deadline, loop.now() + pause));
    }
}

/// Nobody hears what was claimed: others get it at once. Where that cannot be written, the leases end by themselves.
Task<> put_back(Room& room, Claims claims) {
    for (const auto& claimed : claims.steps) room.leases.remove(claimed.step.lease);
    if (claims.steps.empty()) co_return;
    const auto stirs = co_await room.work.put_back(std::move(claims.steps), room.now());
    if (stirs) room.heed(*stirs);
}

Task<Result<api::Reply>> claim(Room& room, api::Call call, Ask ask) {
    if (!is_agent(call))
        co_return api::refusal(call, 403, "plan.not_an_agent", "Agents work on plans.");
    Claim wanted{.agent_id = call.principal.subject,
                 .capabilities = {},
                 .max = static_cast<std::size_t>(ask.max),
                 .admit = room.admit};
    GH_CO_TRY(wanted.capabilities, co_await room.directory.capabilities(wanted.agent_id));
    std::ranges::sort(wanted.capabilities);
    const auto deadline = net::Loop::current()->now() + milliseconds(ask.wait_ms);
    const bool waits = ask.wait_ms > 0 && call.client != nullptr;
    auto work = waits ? claim_in_time(room, call, std::move(wanted), deadline)
                      : claim_at_once(room, std::move(wanted));
    auto done = co_await std::move(work);
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    auto claims = *std::move(done);
    if (call.client != nullptr && call.client->gone()) {
        co_await put_back(room, std::move(claims));
        co_return api::reply(200, claims_type(), ShownClaims{});
    }
    ShownClaims answer;
    for (const auto& claimed : claims.steps)
        answer.steps.push_back(shown(claimed, room.config.lease));
    co_return api::reply(200, claims_type(), answer);
}

}  // namespace

std::vector<api::Route> claim_routes(Room& room) {
    return {{.method = "POST",
             .path = "/api/v1/plans/claim",
             .access = Access::agent(),
             .handle = api::with(room, claim, api::json_body(ask_type())),
             .summary = "Steps for the agent that asks, each with a lease.",
             .answers = {api::answers(200, "They.", claims_type())},
             .body_bytes_max = 4 * 1024}};
}

}  // namespace gh::plan

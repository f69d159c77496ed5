#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "base/try.hpp"
#include "codec/json_raw.hpp"
#include "net/loop.hpp"
#include "plan/new_plan.hpp"
#include "plan/room.hpp"
#include "plan/route_types.hpp"
#include "plan/route_words.hpp"
#include "telemetry/trace.hpp"

namespace gh::plan {
namespace {

using access::Access;
using api::Object;

constexpr std::size_t report_bytes_max = 192 * 1024;  // the journal takes it, however it is escaped

struct Beat {
    std::string lease;
};

const api::Type<Beat>& beat_type() {
    static const auto type =
        Object<Beat>("PlanBeat", "An agent still works on it.")
            .required("lease", &Beat::lease, api::text({.length_max = 64}), "As it was given.")
            .type();
    return type;
}

struct Heard {
    std::int64_t lease_ms = 0;
};

const api::Type<Heard>& heard_type() {
    static const auto type =
        Object<Heard>("PlanBeatHeard", "The lease goes on.")
            .required("lease_ms", &Heard::lease_ms, count_type(), "For so long from now, at most.")
            .type();
    return type;
}

LeaseNamed named_by(const api::Call& call, std::string lease) {
    return {.lease = std::move(lease),
            .agent_id = call.principal.subject,
            .plan_id = std::string(call.param("plan")),
            .step_id = std::string(call.param("step"))};
}

Task<Result<api::Reply>> beat(Room& room, api::Call call, Beat said) {
    const auto steady = net::Loop::current()->now();
    const auto now = room.clock.now(steady);
    LeaseNamed named = named_by(call, std::move(said.lease));
    auto renewed = co_await room.desk.renew(std::move(named), now, steady);
    if (!renewed) co_return refused_by_rules(call, std::move(renewed).error());
    const auto left = std::chrono::floor<milliseconds>(renewed->expires_at - now);
    co_return api::reply(200, heard_type(), Heard{.lease_ms = left.count()});
}

struct SaidFinish {
    std::string lease;
    std::optional<std::string> result, reference;
    std::optional<double> confidence, quality;
    std::vector<NewStep> expand;
};

const api::Type<SaidFinish>& completion_type() {
    using S = SaidFinish;
    static const auto part = api::maybe(api::fraction());
    static const auto type =
        Object<S>("PlanCompletion", "A step is done.")
            .required("lease", &S::lease, api::text({.length_max = 64}), "As it was given.")
            .optional("result", &S::result, api::maybe(json_text(result_bytes_max, false)),
                      "Any JSON; larger things by reference.")
            .optional("reference", &S::reference,
                      api::maybe(api::text({.length_max = reference_bytes_max})),
                      "Where the agent has left more: a URL, a key.")
            .optional("confidence", &S::confidence, part, "How sure the agent is, 0 to 1.")
            .optional("quality", &S::quality, part, "How good it is, 0 to 1.")
            .optional("expand", &S::expand,
                      api::list_of(new_step_type(), {.items_max = expand_max}),
                      "Steps that it becomes: they depend on it, and what depends on it waits for "
                      "them.")
            .type();
    return type;
}

struct SaidFailure {
    std::string lease, error;
    bool retryable = true;
};

const api::Type<SaidFailure>& failure_type() {
    using S = SaidFailure;
    static const auto type =
        Object<S>("PlanFailure", "A step went wrong.")
            .required("lease", &S::lease, api::text({.length_max = 64}), "As it was given.")
            .required("error", &S::error,
                      api::text({.length_max = error_characters_max, .lines = true}), "What.")
            .optional("retryable", &S::retryable, api::boolean(),
                      "true, where left out: another attempt may go well.")
            .type();
    return type;
}

struct ShownFinish {
    std::string plan_id, step_id, outcome;
    std::int64_t attempt = 0, duration_ms = 0;
};

const api::Type<ShownFinish>& finish_type() {
    using S = ShownFinish;
    static const auto type =
        Object<S>("PlanReport", "What was reported; the same again is answered the same.")
            .required("plan_id", &S::plan_id, id_type(), "Of which plan.")
            .required("step_id", &S::step_id, step_id_type(), "Of which step.")
            .required("attempt", &S::attempt, count_type(), "Which of them.")
            .required("outcome", &S::outcome, api::text(), "completed or failed.")
            .required("duration_ms", &S::duration_ms, count_type(), "As the house measured it.")
            .type();
    return type;
}

Task<Result<api::Reply>> report(Room& room, api::Call call, Finish finish) {
    const telemetry::Span span(finish.completed ? "plan.complete" : "plan.fail");
    auto& loop = *net::Loop::current();
    const std::string outcome(finish.completed ? "completed" : "failed");
    const auto steady = loop.now();
    auto done = co_await room.desk.finish(std::move(finish), room.clock.now(steady), steady);
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.heed(done->stir);
    const auto took = done->took.value_or(milliseconds(0));
    if (!done->again) room.step_duration.with({outcome}).observe(took);
    co_return api::reply(done->kept ? 202 : 200, finish_type(),
                         ShownFinish{.plan_id = std::move(done->plan_id),
                                     .step_id = std::move(done->step_id),
                                     .outcome = outcome,
                                     .attempt = done->attempt,
                                     .duration_ms = took.count()});
}

/// Steps that a step becomes are for agents that can do no more than this one.
Task<Result<std::optional<api::Reply>>> refuse_children(Room& room, const api::Call& call,
                                                        const SaidFinish& said) {
    const std::string parent(call.param("step"));
    if (auto refusal = refuse_steps(call, said.expand, {.steps_max = expand_max}, parent))
        co_return std::move(refusal);
    std::vector<std::string> able;
    if (const auto held = room.leases.find(said.lease)) {
        able = held->capabilities;
    } else {
        GH_CO_TRY(able, co_await room.directory.capabilities(call.principal.subject));
        std::ranges::sort(able);
    }
    for (const auto& child : said.expand) {
        if (child.id.size() + parent.size() + 1 > step_id_bytes_max)
            co_return api::refusal(call, 422, "plan.too_deep",
                                   "The id of a step that this becomes would be too long.");
        for (const auto& word : child.capabilities) {
            if (std::ranges::binary_search(able, word)) continue;
            co_return api::refusal(
                call, 403, "plan.capability",
                "A step becomes steps for what its agent can do, which " + word + " is not.");
        }
    }
    co_return std::nullopt;
}

Task<Result<api::Reply>> complete(Room& room, api::Call call, SaidFinish said) {
    if (!said.expand.empty()) {
        GH_CO_TRY(auto refusal, co_await refuse_children(room, call, said));
        if (refusal) co_return *std::move(refusal);
    }
    if (const auto raw = codec::json::raw_member(call.body, "result");
        raw && said.result && raw->size() <= result_bytes_max)
        said.result = *raw;
    if (const auto children = codec::json::raw_member(call.body, "expand"))
        keep_spelling(*children, said.expand);
    Finish finish(named_by(call, std::move(said.lease)));
    finish.confidence = said.confidence;
    finish.quality = said.quality;
    finish.result = std::move(said.result);
    finish.reference = std::move(said.reference);
    finish.expand = std::move(said.expand);
    for (auto& child : finish.expand)
        if (child.name.empty()) child.name = child.id;
    co_return co_await report(room, call, std::move(finish));
}

Task<Result<api::Reply>> fail_it(Room& room, api::Call call, SaidFailure said) {
    Finish finish(named_by(call, std::move(said.lease)));
    finish.completed = false;
    finish.error = std::move(said.error);
    finish.retryable = said.retryable;
    co_return co_await report(room, call, std::move(finish));
}

}  // namespace

std::vector<api::Route> work_routes(Room& room) {
    const auto reported = api::answers(200, "It counts.", finish_type());
    const auto kept = api::answers(202,
                                   "The database is away. It is on disk here and will count, "
                                   "unless the step has another end by then.",
                                   finish_type());
    return {{.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/heartbeat",
             .access = Access::agent(),
             .handle = api::with(room, beat, api::json_body(beat_type())),
             .summary = "Renews a lease.",
             .answers = {api::answers(200, "Heard.", heard_type())},
             .body_bytes_max = 4 * 1024},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/complete",
             .access = Access::agent(),
             .handle = api::with(room, complete, api::json_body(completion_type())),
             .summary = "The step is done, says the agent that has leased it.",
             .answers = {reported, kept},
             .body_bytes_max = report_bytes_max},
            {.method = "POST",
             .path = "/api/v1/plans/{plan}/steps/{step}/fail",
             .access = Access::agent(),
             .handle = api::with(room, fail_it, api::json_body(failure_type())),
             .summary = "It went wrong, says the agent that has leased it.",
             .answers = {reported, kept},
             .body_bytes_max = 32 * 1024}};
}

}  // namespace gh::plan

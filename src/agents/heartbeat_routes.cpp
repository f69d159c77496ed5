#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/activity.hpp"
#include "agents/room.hpp"
#include "agents/route_words.hpp"
#include "api/object.hpp"
#include "net/loop.hpp"

namespace gh::agents {
namespace {

using access::Access;
using api::Object;

struct SaidBeat {
    Status status = Status::online;
    std::optional<Processing> state;
    std::vector<Invocation> invocations;
    std::vector<LlmCall> llm_calls;
};

api::Type<std::chrono::milliseconds> duration_type() {
    using std::chrono::milliseconds;
    return api::mapped<std::int64_t, milliseconds>(
        api::integer_64(0, milliseconds(Activity::duration_max).count()),
        [](const std::int64_t& count) -> Result<milliseconds> { return milliseconds(count); },
        [](const milliseconds& duration) { return duration.count(); }, {});
}

const api::Type<Invocation>& invocation_type() {
    static const auto status = api::choice<bool>({{"success", true}, {"error", false}});
    static const auto type =
        Object<Invocation>("Invocation", "One run of the agent.")
            .required("status", &Invocation::succeeded, status, "How it ended.")
            .required("duration_ms", &Invocation::duration, duration_type(), "How long it took.")
            .type();
    return type;
}

const api::Type<LlmCall>& llm_call_type() {
    static const auto tokens = api::integer<std::uint32_t>(0, Activity::tokens_max);
    static const auto type =
        Object<LlmCall>("LlmCall", "One call of a language model.")
            .required("model", &LlmCall::model, api::text({.length_max = 64}), "Its name.")
            .required("duration_ms", &LlmCall::duration, duration_type(), "How long it took.")
            .optional("input_tokens", &LlmCall::input_tokens, tokens, "That it read.")
            .optional("output_tokens", &LlmCall::output_tokens, tokens, "That it wrote.")
            .type();
    return type;
}

const api::Type<SaidBeat>& said_beat_type() {
    static const auto well =
        api::choice<Status>({{"online", Status::online}, {"degraded", Status::degraded}});
    static const auto state = [] {
        std::vector<std::pair<std::string, Processing>> words;
        for (const auto each : processings) words.emplace_back(name_of(each), each);
        return api::maybe(api::choice(std::move(words)));
    }();
    static const auto type =
        Object<SaidBeat>("Heartbeat", "How an agent is, and what it did since the one before.")
            .optional("status", &SaidBeat::status, well, "online, where left out.")
            .optional("state", &SaidBeat::state, state, "What it is at.")
            .optional("invocations", &SaidBeat::invocations,
                      api::list_of(invocation_type(), {.items_max = Activity::items_max}),
                      "Runs that have ended since.")
            .optional("llm_calls", &SaidBeat::llm_calls,
                      api::list_of(llm_call_type(), {.items_max = Activity::items_max}),
                      "Calls of language models that have ended since.")
            .type();
    return type;
}

struct Heard {
    std::int64_t interval_ms = 0, offline_after_ms = 0, durable_within_ms = 0;
};

const api::Type<Heard>& heard_type() {
    using H = Heard;
    static const auto type =
        Object<H>("HeartbeatHeard", "What is expected of it.")
            .required("interval_ms", &H::interval_ms, count_type(), "Until its next heartbeat.")
            .required("offline_after_ms", &H::offline_after_ms, count_type(),
                      "Silent for so long, it is offline.")
            .required("durable_within_ms", &H::durable_within_ms, count_type(),
                      "Until this heartbeat is in the database.")
            .type();
    return type;
}

/// Nothing here waits for the database.
Task<Result<api::Reply>> beat(Room& room, api::Call call, SaidBeat said) {
    const auto id = call.param("agent");
    if (!is_itself(call, id)) co_return not_itself(call);
    const auto& origins = call.principal.origins;
    const std::string_view family = origins.empty() ? std::string_view() : origins.front();
    const auto now = net::Loop::current()->system_now();
    if (!room.heartbeats.note(id, family, said.status == Status::online, now))
        co_return fail(ErrorKind::unavailable, "agents.busy");
    const Activity activity{.state = said.state,
                            .invocations = std::move(said.invocations),
                            .llm_calls = std::move(said.llm_calls)};
    room.meter.count(id, room.watch.hostname_of(id), activity, net::Loop::current()->now());
    const Heard heard{.interval_ms = room.config.heartbeat_interval.count(),
                      .offline_after_ms = room.config.offline_after.count(),
                      .durable_within_ms = room.config.heartbeat_flush.count()};
    co_return api::reply(200, heard_type(), heard);
}

}  // namespace

std::vector<api::Route> heartbeat_routes(Room& room) {
    return {{.method = "POST",
             .path = "/api/v1/agents/{agent}/heartbeat",
             .access = Access::agent(),
             .handle = api::with(room, beat, api::json_body(said_beat_type())),
             .summary = "It is there, says the agent itself.",
             .answers = {api::answers(200, "Heard.", heard_type())},
             .body_bytes_max = 64 * 1024}};
}

}  // namespace gh::agents

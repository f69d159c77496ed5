#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/types.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "plan/room.hpp"
#include "plan/route_words.hpp"

// What happens to a plan: page by page, or told as it comes (server-sent events, WHATWG HTML §9.2).

namespace gh::plan {
namespace {

using access::Access;
using access::Permission;
using api::Object;

constexpr std::size_t told_at_once = 200;
constexpr seconds look_again{1};     // nobody rings for what other nodes do
constexpr seconds silence_most{15};  // then a comment, so that nobody on the way gives up

struct ShownEvent {
    std::int64_t sequence = 0;
    SystemTime at;
    std::string type;
    std::optional<std::string> step_id, agent_id, detail;
    std::optional<std::int64_t> attempt;
};

const api::Type<ShownEvent>& event_type() {
    using E = ShownEvent;
    static const auto words = api::maybe(api::text({.length_max = 512}));
    static const auto type =
        Object<E>("PlanEvent", "Something happened to a plan.")
            .required("sequence", &E::sequence, count_type(), "In its plan, from 1.")
            .required("at", &E::at, api::time(), "When.")
            .required("type", &E::type, api::text(), "plan.STATE or step.STATE.")
            .optional("step_id", &E::step_id, words, "To which step.")
            .optional("agent_id", &E::agent_id, words, "By which agent.")
            .optional("attempt", &E::attempt, maybe_count(), "In which attempt.")
            .optional(
                "detail", &E::detail,
                api::maybe(api::text({.length_max = 2 * error_characters_max, .lines = true})),
                "By whom, or why.")
            .type();
    return type;
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

ShownEvent shown(const Event& event) {
    ShownEvent one{.sequence = event.sequence,
                   .at = event.at,
                   .type = event.type,
                   .step_id = unless_empty(event.step_id),
                   .agent_id = unless_empty(event.agent_id),
                   .detail = unless_empty(event.detail),
                   .attempt = {}};
    if (event.attempt > 0) one.attempt = event.attempt;
    return one;
}

struct ShownEvents {
    std::vector<ShownEvent> items;
    std::int64_t next_after = 0;
};

const api::Type<ShownEvents>& events_type() {
    static const auto type =
        Object<ShownEvents>("PlanEvents", "What happened, in its order.")
            .required("items", &ShownEvents::items,
                      api::list_of(event_type(), {.items_max = told_at_once}), "At most 200.")
            .required("next_after", &ShownEvents::next_after, count_type(),
                      "Where the next page begins.")
            .type();
    return type;
}

struct EventQuery {
    std::optional<std::int64_t> after;
};

const Object<EventQuery>& event_query() {
    static const auto table = Object<EventQuery>("PlanEventQuery", "Which events.")
                                  .optional("after", &EventQuery::after, maybe_count(),
                                            "Only those behind the one of this sequence.");
    return table;
}

bool is_over(const Event& event) {
    return event.type == "plan.completed" || event.type == "plan.failed" ||
           event.type == "plan.cancelled";
}

std::string block_of(const Event& event) {
    return "id: " + std::to_string(event.sequence) + "\nevent: " + event.type +
           "\ndata: " + event_type().json(shown(event)) + "\n\n";
}

/// What is behind `after` now. @return is it the end? Nothing: nobody reads any more
Task<std::optional<bool>> tell_some(Room& room, api::Stream& stream, const std::string& plan_id,
                                    std::int64_t& after) {
    while (true) {
        const auto events = co_await room.plans.events(plan_id, after, told_at_once);
        if (!events) co_return std::nullopt;  // the client comes back, and says what it has
        std::string text;
        bool over = false;
        for (const auto& event : *events) {
            text += block_of(event);
            after = event.sequence;
            over = over || is_over(event);
        }
        const bool goes_on = co_await stream.write(text);
        if (!goes_on) co_return std::nullopt;
        if (events->size() < told_at_once) co_return over;
    }
}

/// Until the plan has ended, and all of it was told.
Task<> tell_events(Room& room, std::string plan_id, std::int64_t after, api::Stream& stream) {
    const net::Doorbell::Visitor visit(room.bell, bell_of(plan_id), stream.wakeup());
    auto& loop = *net::Loop::current();
    auto told = loop.now();
    while (!stream.gone()) {
        const auto before = after;
        const auto over = co_await tell_some(room, stream, plan_id, after);
        if (!over || *over) co_return;
        if (after != before) told = loop.now();
        if (loop.now() >= told + silence_most) {
            const bool goes_on = co_await stream.write(":\n\n");
            if (!goes_on) co_return;
            told = loop.now();
        }
        co_await stream.wait(loop.now() + look_again);
    }
}

std::int64_t last_event_id(const api::Call& call) {
    const auto* field = call.head.fields.find("Last-Event-ID");
    std::int64_t number = 0;
    if (field == nullptr) return 0;
    const std::string_view text(field->value);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = error == std::errc() && end == text.data() + text.size() && number > 0;
    return good ? number : 0;
}

Task<Result<api::Reply>> page(Room& room, std::string plan_id, std::int64_t after) {
    GH_CO_TRY(const auto events,
              co_await room.plans.events(std::move(plan_id), after, told_at_once));
    ShownEvents all{.items = {}, .next_after = after};
    for (const auto& event : events) {
        all.items.push_back(shown(event));
        all.next_after = event.sequence;
    }
    co_return api::reply(200, events_type(), all);
}

Task<Result<api::Reply>> events(Room& room, api::Call call, EventQuery query) {
    std::string plan_id(call.param("plan"));
    GH_CO_TRY(const auto plan, co_await room.plans.find(plan_id));
    // Who comes back asks by the same URL: what it has heard since counts. There is nothing behind the last one.
    const auto after =
        std::min(std::max(query.after.value_or(0), last_event_id(call)), plan.next_event - 1);
    const auto accept = call.head.fields.value(http::FieldId::accept);
    if (!accept.contains("text/event-stream"))
        co_return co_await page(room, std::move(plan_id), after);
    // One that has all of a plan that is over does not come again (§9.2.3).
    if (is_end(plan.state) && after >= plan.next_event - 1) co_return api::no_content();
    api::Reply reply;
    reply.content_type = "text/event-stream";
    reply.fields.emplace_back("Cache-Control", "no-store");
    reply.tell = [&room, plan_id, after](api::Stream& stream) {
        return tell_events(room, plan_id, after, stream);
    };
    co_return reply;
}

}  // namespace

std::vector<api::Route> event_routes(Room& room) {
    auto page = api::answers(200, "A page of them.", events_type());
    return {{.method = "GET",
             .path = "/api/v1/plans/{plan}/events",
             .access = Access::permission(Permission::plans_read),
             .handle = api::with(room, events, api::query(event_query())),
             .summary = "What happens to it; as text/event-stream, where that is accepted.",
             .answers = {std::move(page)}}};
}

}  // namespace gh::plan

#include "plan/route_words.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "access/principal.hpp"
#include "api/object.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "plan/condition.hpp"
#include "plan/new_plan.hpp"
#include "plan/route_types.hpp"
#include "telemetry/message_context.hpp"

namespace gh::plan {
namespace {

constexpr std::size_t capabilities_max = 64;
constexpr std::size_t dependencies_max = 10'000;  // of one step

/// JSON, as text.
class JsonRules final : public api::Type<std::string>::Rules {
 public:
    JsonRules(std::size_t bytes_max, bool object) : bytes_max_(bytes_max), object_(object) {}
    bool read(const codec::json::Value& in, api::Reader& reader, std::string& out) const override {
        if (object_ && in.object() == nullptr) {
            reader.refuse("type", "Must be an object.");
            return false;
        }
        out.clear();
        codec::json::Writer(out).value(in);
        if (out.size() <= bytes_max_) return true;
        reader.refuse("length", "Must be at most " + std::to_string(bytes_max_) + " bytes.");
        return false;
    }
    void write(codec::json::Writer& out, const std::string& value) const override {
        out.raw(value);
    }
    void describe(codec::json::Writer& out, api::Schemas& /*schemas*/) const override {
        out.begin_object().name("type");
        if (object_) {
            out.string("object");
        } else {
            out.begin_array().string("object").string("array").string("string");
            out.string("number").string("boolean").string("null").end_array();
        }
        out.end_object();
    }

 private:
    std::size_t bytes_max_;
    bool object_;
};

/// A condition, as the text that is kept of it; empty where there is none.
class ConditionRules final : public api::Type<std::string>::Rules {
 public:
    bool read(const codec::json::Value& in, api::Reader& reader, std::string& out) const override {
        const auto condition = read_condition(in);
        if (!condition) {
            reader.refuse("invalid", "Is no condition: " + condition.error().detail + ".");
            return false;
        }
        out.clear();
        codec::json::Writer(out).value(in);
        if (out.size() <= condition_bytes_max) return true;
        reader.refuse("length", "Is too long.");
        return false;
    }
    void write(codec::json::Writer& out, const std::string& value) const override {
        out.raw(value);
    }
    [[nodiscard]] bool is_set(const std::string& value) const override { return !value.empty(); }
    void describe(codec::json::Writer& out, api::Schemas& /*schemas*/) const override {
        out.begin_object().name("type").string("object").end_object();
    }
};

template <class State, class States>
api::Type<State> states_type(const States& states) {
    std::vector<std::pair<std::string, State>> words;
    for (const auto state : states) words.emplace_back(name_of(state), state);
    return api::choice<State>(std::move(words));
}

bool valid_step_id(std::string_view text) {
    while (!text.empty()) {
        const auto colon = std::min(text.find(':'), text.size());
        if (!valid_id(text.substr(0, colon))) return false;
        if (colon == text.size()) return true;
        text.remove_prefix(colon + 1);
    }
    return false;
}

}  // namespace

api::Type<std::string> json_text(std::size_t bytes_max, bool object) {
    return api::Type<std::string>(std::make_shared<JsonRules>(bytes_max, object));
}

const api::Type<std::string>& id_type() {
    static const auto type =
        api::text({.length_max = id_bytes_max,
                   .form = {.holds = valid_id,
                            .said = "letters, digits and _-., beginning with a letter or digit",
                            .pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
                            .format = {}}});
    return type;
}

const api::Type<std::string>& step_id_type() {
    static const auto type =
        api::text({.length_max = step_id_bytes_max,
                   .form = {.holds = valid_step_id,
                            .said = "letters, digits and _-., or such ids apart by ':'",
                            .pattern = "^[A-Za-z0-9][A-Za-z0-9_.:-]*$",
                            .format = {}}});
    return type;
}

const api::Type<PlanState>& plan_state_type() {
    static const auto type = states_type<PlanState>(plan_states);
    return type;
}

const api::Type<StepState>& step_state_type() {
    static const auto type = states_type<StepState>(step_states);
    return type;
}

const api::Type<Join>& join_type() {
    static const auto type = api::choice<Join>({{"all", Join::all}, {"any", Join::any}});
    return type;
}

const api::Type<milliseconds>& timeout_type() {
    static const auto type = api::mapped<std::int64_t, milliseconds>(
        api::integer_64(0, milliseconds(std::chrono::days(7)).count()),
        [](const std::int64_t& count) -> Result<milliseconds> { return milliseconds(count); },
        [](const milliseconds& length) -> std::int64_t { return length.count(); }, {});
    return type;
}

const api::Type<std::vector<std::string>>& capabilities_type() {
    static const auto word =
        api::text({.length_max = 64,
                   .form = {.holds =
                                [](std::string_view text) {
                                    return std::ranges::all_of(text, [](char c) {
                                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                               c == '_' || c == '-' || c == '.' || c == '/';
                                    });
                                },
                            .said = "a-z, 0-9 and _-./",
                            .pattern = "^[a-z0-9_./-]+$",
                            .format = {}}});
    static const auto type = api::list_of(word, {.items_max = capabilities_max, .distinct = true});
    return type;
}

const api::Type<std::string>& condition_type() {
    static const api::Type<std::string> type(std::make_shared<ConditionRules>());
    return type;
}

const api::Type<NewStep>& new_step_type() {
    using N = NewStep;
    static const auto type =
        api::Object<N>("NewStep", "A step of a plan.")
            .required("id", &N::id, id_type(), "Unique in its plan.")
            .required("type", &N::type, id_type(), "What kind of work it is: data_retrieval.")
            .optional("name", &N::name, api::text({.length_max = name_characters_max}),
                      "For people; the id, where left out.")
            .optional("depends_on", &N::depends_on,
                      api::list_of(id_type(), {.items_max = dependencies_max}),
                      "Ids of steps that come before it.")
            .optional("metadata", &N::metadata, json_text(metadata_bytes_max, true),
                      "Whatever its agent should know.")
            .optional("capabilities", &N::capabilities, capabilities_type(),
                      "What an agent must be able to do, all of it.")
            .optional("join", &N::join, join_type(),
                      "all, where left out: it begins when all it depends on is completed; any: "
                      "with the first.")
            .optional("approval", &N::approval, api::boolean(),
                      "true: it waits for a person who approves it.")
            .optional("condition", &N::condition, condition_type(),
                      "On results of steps that it depends on; where it does not hold, the step "
                      "is skipped.")
            .optional("max_attempts", &N::max_attempts, api::integer_64(1, 100),
                      "3, where left out.")
            .optional("timeout_ms", &N::timeout, timeout_type(),
                      "How long an attempt may take; 0, where left out: as long as it beats.")
            .type();
    return type;
}

std::string who(const api::Call& call) {
    return std::string(access::name_of(call.principal.type)) + ":" + call.principal.subject;
}

bool is_agent(const api::Call& call) {
    return call.principal.type == access::PrincipalType::agent &&
           call.principal.revoked_by == access::RevokedBy::token_list;
}

std::optional<api::Reply> refuse_steps(const api::Call& call, const std::vector<NewStep>& steps,
                                       const GraphLimits& limits, std::string_view parent) {
    const auto fault = check_steps(steps, limits, parent);
    if (!fault) return {};
    return api::refusal(call, 422, fault->code, fault->detail);
}

Result<api::Reply> refused_by_rules(const api::Call& call, Error error) {
    struct Row {
        std::string_view reason;
        std::uint16_t status;
        std::string_view detail;
    };
    static constexpr std::array rows{
        Row{"plan.exists", 409, "There is a plan of that id, made by another body."},
        Row{"storage.unique", 409, "There is a plan of that id."},
        Row{"plan.illegal_move", 409, "There is no way from the state it is in to that one."},
        Row{"agent.shut_out", 403, "The agent is shut out."},
        Row{"plan.lease_lost", 409,
            "The lease has ended: the step may be another's, or was taken away."},
        Row{"plan.lease_of_another", 403, "An agent finishes what it has leased."},
        Row{"plan.lease_of_other_step", 409, "The lease is of another step than the path names."},
        Row{"plan.too_many_steps", 409, "The plan would have too many steps."},
        Row{"plan.too_many_dependencies", 409, "The plan would have too many dependencies."},
    };
    const auto* row = std::ranges::find(rows, error.reason, &Row::reason);
    if (row == rows.end()) return std::unexpected(std::move(error));
    return api::refusal(call, row->status, row->reason, row->detail);
}

ShownPlan shown(const Plan& plan) {
    ShownPlan one;
    one.progress = progress_of(plan.tally);
    if (plan.duration) one.duration_ms = plan.duration->count();
    if (const auto context = telemetry::parse_message_context(plan.trace))
        one.trace_id = std::string(telemetry::to_traceparent(*context).trace_id());
    one.id = plan.id;
    one.name = plan.name;
    one.metadata = plan.metadata;
    one.created_by = plan.created_by;
    one.state = plan.state;
    one.steps = plan.tally.steps;
    one.completed = plan.tally.completed;
    one.failed = plan.tally.failed;
    one.cancelled = plan.tally.cancelled;
    one.skipped = plan.tally.skipped;
    one.created_at = plan.created_at;
    one.updated_at = plan.updated_at;
    one.started_at = plan.started_at;
    one.ended_at = plan.ended_at;
    return one;
}

const api::Type<ShownPlan>& plan_type() {
    using P = ShownPlan;
    static const auto moment = api::maybe(api::time());
    static const auto type =
        api::Object<P>("Plan", "Steps that depend on one another.")
            .required("id", &P::id, id_type(), "As its maker chose it, or as it was made.")
            .required("name", &P::name, api::text({.length_max = name_characters_max}),
                      "For people.")
            .required("state", &P::state, plan_state_type(), "Where it stands.")
            .required("progress", &P::progress, percentage_type(),
                      "100 * ended / all of its steps.")
            .required("steps", &P::steps, count_type(), "How many it has.")
            .required("completed", &P::completed, count_type(), "Of these.")
            .required("failed", &P::failed, count_type(), "Of these.")
            .required("cancelled", &P::cancelled, count_type(), "Of these.")
            .required("skipped", &P::skipped, count_type(), "Of these.")
            .required("metadata", &P::metadata, json_text(metadata_bytes_max, true), "As it came.")
            .required("created_by", &P::created_by, api::text({.length_max = 512}), "Its maker.")
            .required("created_at", &P::created_at, api::time(), "When.")
            .required("updated_at", &P::updated_at, api::time(), "When it last moved.")
            .optional("started_at", &P::started_at, moment, "When its first step was begun.")
            .optional("ended_at", &P::ended_at, moment, "When its last step had ended.")
            .optional("duration_ms", &P::duration_ms, maybe_count(), "Between these.")
            .optional("trace_id", &P::trace_id, api::maybe(api::text()),
                      "Of the request that made it.")
            .type();
    return type;
}

}  // namespace gh::plan

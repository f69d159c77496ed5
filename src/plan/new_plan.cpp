#include "plan/new_plan.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "api/object.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_raw.hpp"
#include "crypto/digest.hpp"
#include "plan/condition.hpp"
#include "plan/route_words.hpp"
#include "telemetry/message_context.hpp"
#include "telemetry/trace.hpp"

namespace gh::plan {
namespace {

constexpr std::size_t steps_listed_max = 100'000;  // the configuration may allow fewer

/// Names of routes beside those of plans.
bool is_taken_by_routes(std::string_view id) { return id == "claim" || id == "statistics"; }

/// plan_20251022_163846_7f3a91: when, and six digits of chance.
std::string made_id(SystemTime now) {
    const auto seconds_now = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    ::gmtime_r(&seconds_now, &parts);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "plan_%Y%m%d_%H%M%S_", &parts);
    return std::string(text.data(), length) + std::string(view(uuid_v4()).substr(0, 6));
}

/// The trace of the request that makes the plan: its steps belong to it.
std::string trace_of_request(std::string_view traceparent) {
    telemetry::TraceContext context;
    if (const auto* trace = telemetry::Trace::current(); trace && trace->recording()) {
        context = trace->context();
    } else if (const auto told = telemetry::parse_traceparent(traceparent)) {
        context = *told;
    } else {
        context.trace_id = telemetry::new_trace_id();
        context.span_id = telemetry::new_span_id();
    }
    return telemetry::to_message_context(context);
}

std::unexpected<Error> wrong(std::string detail) {
    return fail(ErrorKind::invalid_argument, "plan.file", std::move(detail));
}

}  // namespace

const api::Type<SaidPlan>& said_plan_type() {
    using S = SaidPlan;
    static const auto type =
        api::Object<S>("NewPlan", "Steps that depend on one another.")
            .optional("id", &S::id, api::maybe(id_type()),
                      "Unique in the house; made here, where left out.")
            .required("name", &S::name, api::text({.length_max = name_characters_max}),
                      "For people.")
            .optional("metadata", &S::metadata, json_text(metadata_bytes_max, true),
                      "Whatever belongs to it; comes back as it is.")
            .required(
                "steps", &S::steps,
                api::list_of(new_step_type(), {.items_min = 1, .items_max = steps_listed_max}),
                "In any order.")
            .check([](api::Reader& reader, const S& said) {
                if (!said.id || !is_taken_by_routes(*said.id)) return;
                const auto step = reader.enter("id");
                reader.refuse("invalid", "Must not be claim or statistics.");
            })
            .type();
    return type;
}

std::optional<StepsFault> check_steps(const std::vector<NewStep>& steps, const GraphLimits& limits,
                                      std::string_view parent) {
    std::vector<GraphNode> nodes;
    nodes.reserve(steps.size());
    for (const auto& step : steps) nodes.push_back({step.id, step.depends_on});
    if (const auto fault = check_graph(nodes, limits))
        return StepsFault{code_of(fault.kind), describe(fault)};
    for (const auto& step : steps) {
        if (step.condition.empty()) continue;
        const auto condition = parse_condition(step.condition);
        if (!condition) return StepsFault{"plan.condition", "A condition is none."};
        for (const auto& on : steps_of(*condition)) {
            if (on != parent && std::ranges::find(step.depends_on, on) == step.depends_on.end())
                return StepsFault{"plan.condition_step", "The condition of the step " + step.id +
                                                             " asks about " + on +
                                                             ", on which it does not depend."};
        }
    }
    return {};
}

void keep_spelling(std::string_view object, std::string& metadata) {
    const auto raw = codec::json::raw_member(object, "metadata");
    if (raw && raw->size() <= metadata_bytes_max) metadata = *raw;
}

void keep_spelling(std::string_view array, std::vector<NewStep>& steps) {
    const auto elements = codec::json::raw_elements(array);
    if (elements.size() != steps.size()) return;
    for (std::size_t i = 0; i < steps.size(); ++i) keep_spelling(elements[i], steps[i].metadata);
}

NewPlan new_plan(SaidPlan said, std::string_view body, std::string created_by,
                 std::string_view traceparent, SystemTime now) {
    keep_spelling(body, said.metadata);
    if (const auto steps = codec::json::raw_member(body, "steps"))
        keep_spelling(*steps, said.steps);
    NewPlan wanted{.id = said.id ? *std::move(said.id) : made_id(now),
                   .name = std::move(said.name),
                   .metadata = std::move(said.metadata),
                   .steps = std::move(said.steps),
                   .fingerprint = crypto::sha256_hex(body),
                   .created_by = std::move(created_by),
                   .trace = trace_of_request(traceparent)};
    for (auto& step : wanted.steps)
        if (step.name.empty()) step.name = step.id;
    return wanted;
}

Result<NewPlan> read_plan_text(std::string_view text, const GraphLimits& limits,
                               std::string created_by, SystemTime now) {
    const auto value = codec::json::parse(text, {.bytes_max = std::size_t{8} << 20});
    if (!value) return wrong("it is not JSON that can be read, " + value.error().detail);
    std::vector<api::FieldError> errors;
    api::Reader reader(api::FieldError::In::body, false, errors);
    SaidPlan said;
    if (!said_plan_type().read(*value, reader, said) || !errors.empty()) {
        const auto& first = errors.front();
        return wrong((first.where.empty() ? "the whole" : first.where) + ": " + first.detail);
    }
    if (auto fault = check_steps(said.steps, limits)) return wrong(std::move(fault->detail));
    return new_plan(std::move(said), text, std::move(created_by), {}, now);
}

}  // namespace gh::plan

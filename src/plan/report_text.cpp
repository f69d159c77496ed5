#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "plan/desk.hpp"

// A report as it lies in the journal.

namespace gh::plan {
namespace {

using codec::json::Value;

std::unexpected<Error> unreadable() {
    return fail(ErrorKind::invalid_argument, "plan.payload", "is no report of a step");
}

void write_step(codec::json::Writer& out, const NewStep& step) {
    out.begin_object().name("id").string(step.id).name("type").string(step.type);
    out.name("name").string(step.name).name("metadata").string(step.metadata);
    out.name("depends_on").begin_array();
    for (const auto& on : step.depends_on) out.string(on);
    out.end_array().name("capabilities").begin_array();
    for (const auto& word : step.capabilities) out.string(word);
    out.end_array().name("any").boolean(step.join == Join::any);
    out.name("approval").boolean(step.approval).name("condition").string(step.condition);
    out.name("max_attempts").integer(step.max_attempts);
    out.name("timeout_ms").integer(step.timeout.count()).end_object();
}

std::string text_in(const Value& value, std::string_view name) {
    const auto* text = value.find_string(name);
    return text ? *text : std::string();
}

bool flag_in(const Value& value, std::string_view name) {
    const auto* member = value.find(name);
    return member != nullptr && member->boolean().value_or(false);
}

std::int64_t number_in(const Value& value, std::string_view name, std::int64_t otherwise) {
    const auto* member = value.find(name);
    return member ? member->integer().value_or(otherwise) : otherwise;
}

/// A negative zero is zero, and is written so.
std::optional<double> share_in(const Value& value, std::string_view name) {
    const auto* member = value.find(name);
    auto number = member ? member->number() : std::nullopt;
    if (number) *number += 0.0;
    return number;
}

std::vector<std::string> texts_in(const Value& value, std::string_view name) {
    std::vector<std::string> texts;
    const auto* member = value.find(name);
    if (member == nullptr || member->array() == nullptr) return texts;
    for (const auto& each : *member->array())
        if (each.string()) texts.push_back(*each.string());
    return texts;
}

NewStep read_new_step(const Value& value) {
    NewStep step;
    step.id = text_in(value, "id");
    step.type = text_in(value, "type");
    step.name = text_in(value, "name");
    step.metadata = text_in(value, "metadata");
    step.depends_on = texts_in(value, "depends_on");
    step.capabilities = texts_in(value, "capabilities");
    step.join = flag_in(value, "any") ? Join::any : Join::all;
    step.approval = flag_in(value, "approval");
    step.condition = text_in(value, "condition");
    step.max_attempts = number_in(value, "max_attempts", 1);
    step.timeout = milliseconds(number_in(value, "timeout_ms", 0));
    return step;
}

}  // namespace

std::string text_of(const Finish& finish) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("lease").string(finish.lease).name("agent_id").string(finish.agent_id);
    out.name("completed").boolean(finish.completed);
    out.name("error").string(finish.error).name("retryable").boolean(finish.retryable);
    if (finish.took) out.name("took_ms").integer(finish.took->count());
    if (finish.confidence) {
        out.name("confidence").value(Value(Value::Storage(*finish.confidence)));
    }
    if (finish.quality) out.name("quality").value(Value(Value::Storage(*finish.quality)));
    if (finish.result) out.name("result").string(*finish.result);
    if (finish.reference) out.name("reference").string(*finish.reference);
    out.name("expand").begin_array();
    for (const auto& step : finish.expand) write_step(out, step);
    out.end_array().end_object();
    return text;
}

Result<Finish> finish_of_text(std::string_view text) {
    GH_TRY(const auto value,
           codec::json::parse(text, {.bytes_max = storage::journal_payload_bytes_max}));
    if (value.find_string("lease") == nullptr || value.find_string("agent_id") == nullptr)
        return unreadable();
    Finish finish;
    finish.lease = text_in(value, "lease");
    finish.agent_id = text_in(value, "agent_id");
    finish.completed = flag_in(value, "completed");
    finish.error = text_in(value, "error");
    finish.retryable = flag_in(value, "retryable");
    if (value.find("took_ms")) finish.took = milliseconds(number_in(value, "took_ms", 0));
    finish.confidence = share_in(value, "confidence");
    finish.quality = share_in(value, "quality");
    if (const auto* result = value.find_string("result")) finish.result = *result;
    if (const auto* reference = value.find_string("reference")) finish.reference = *reference;
    const auto* children = value.find("expand");
    if (children != nullptr && children->array() != nullptr) {
        for (const auto& child : *children->array()) finish.expand.push_back(read_new_step(child));
    }
    return finish;
}

}  // namespace gh::plan

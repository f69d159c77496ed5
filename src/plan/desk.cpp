#include "plan/desk.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::plan {
namespace {

using codec::json::Value;
using storage::Session;

constexpr std::string_view finish_kind = "plan.finish";
constexpr std::string_view renew_kind = "plan.renew";

std::unexpected<Error> unreadable() {
    return fail(ErrorKind::invalid_argument, "plan.payload", "is no report of a step");
}

/// What the database said, should it do so before we stop listening: its thread writes, ours reads.
template <class T>
class Slot {
 public:
    void put(T value) {
        const std::scoped_lock lock(mutex_);
        value_ = std::move(value);
    }
    [[nodiscard]] std::optional<T> take() {
        const std::scoped_lock lock(mutex_);
        return std::exchange(value_, {});
    }

 private:
    std::mutex mutex_;
    std::optional<T> value_;
};

template <class T>
Task<Result<void>> put_into(Task<Result<T>> task, std::shared_ptr<Slot<T>> slot) {
    GH_CO_TRY(auto value, co_await std::move(task));
    slot->put(std::move(value));
    co_return Result<void>{};
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

/// From the journal: it was acknowledged, so it counts as far as anything is left to count for.
Task<Result<void>> apply_finish(Session& session, WorkRules rules, storage::JournalRecord record) {
    GH_CO_TRY(auto finish, finish_of_text(record.payload));
    finish.late = true;
    GH_CO_TRY_VOID(
        co_await WorkRepository::put_finish(session, std::move(finish), rules, record.at));
    co_return Result<void>{};
}

std::string text_of_renewal(const std::string& lease, const std::string& agent_id) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("lease").string(lease).name("agent_id").string(agent_id).end_object();
    return text;
}

/// One that came too late to be renewed was told so by what happened to it.
Task<Result<void>> apply_renewal(Session& session, milliseconds length,
                                 storage::JournalRecord record) {
    GH_CO_TRY(const auto value, codec::json::parse(record.payload));
    const auto done = co_await WorkRepository::put_renewal(
        session, text_in(value, "lease"), text_in(value, "agent_id"), length, record.at);
    if (!done && storage::is_away(done.error())) co_return std::unexpected(done.error());
    co_return Result<void>{};
}

/// By what this node remembers.
Result<std::optional<Finished>> judge_held(const HeldLease& held, const Finish& finish) {
    if (held.agent_id != finish.agent_id)
        return fail(ErrorKind::permission_denied, "plan.lease_of_another");
    if (!held.completed) return std::optional<Finished>();
    if (*held.completed != finish.completed) return fail(ErrorKind::conflict, "plan.illegal_move");
    return std::optional(Finished{.plan_id = held.plan_id,
                                  .step_id = held.step_id,
                                  .attempt = held.attempt,
                                  .again = true,
                                  .state = {},
                                  .took = held.took,
                                  .stir = {}});
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
    if (const auto* number = value.find("confidence")) finish.confidence = number->number();
    if (const auto* number = value.find("quality")) finish.quality = number->number();
    if (const auto* result = value.find_string("result")) finish.result = *result;
    if (const auto* reference = value.find_string("reference")) finish.reference = *reference;
    const auto* children = value.find("expand");
    if (children != nullptr && children->array() != nullptr) {
        for (const auto& child : *children->array()) finish.expand.push_back(read_new_step(child));
    }
    return finish;
}

Desk::Desk(WorkRepository& work, storage::Fallback& fallback, Leases& leases)
    : work_(work), fallback_(fallback), leases_(leases) {
    using Again = storage::Fallback::Again;
    const auto rules = work.rules();
    fallback.on(
        std::string(finish_kind),
        [rules](Session& session, storage::JournalRecord record) {
            return apply_finish(session, rules, std::move(record));
        },
        {}, Again::is_harmless);
    fallback.on(
        std::string(renew_kind),
        [length = rules.lease](Session& session, storage::JournalRecord record) {
            return apply_renewal(session, length, std::move(record));
        },
        {}, Again::is_harmless);
}

Task<Result<Finished>> Desk::submit(Finish finish, HeldLease held, SystemTime now) {
    const auto slot = std::make_shared<Slot<Finished>>();
    const auto whole = std::make_shared<const Finish>(std::move(finish));
    storage::Fallback::Direct direct = [slot, whole, rules = work_.rules(), now](Session& session) {
        return put_into(WorkRepository::put_finish(session, *whole, rules, now), slot);
    };
    storage::Fallback::Payload payload = [whole] { return text_of(*whole); };
    auto done = co_await fallback_.submit(std::string(finish_kind), now, std::move(direct),
                                          std::move(payload));
    if (!done) {
        if (!storage::is_away(done.error())) leases_.remove(whole->lease);
        co_return std::unexpected(std::move(done).error());
    }
    if (auto known = slot->take()) {
        leases_.remove(whole->lease);
        co_return *std::move(known);
    }
    leases_.report(whole->lease, whole->completed, whole->took.value_or(milliseconds(0)));
    co_return Finished{.plan_id = held.plan_id,
                       .step_id = held.step_id,
                       .attempt = held.attempt,
                       .again = false,
                       .state = {},
                       .took = whole->took,
                       .stir = {}};
}

Task<Result<Finished>> Desk::finish(Finish finish, SystemTime now, SteadyTime steady) {
    auto held = leases_.find(finish.lease);
    if (!held) co_return co_await work_.finish(std::move(finish), now);
    GH_CO_TRY(auto known, judge_held(*held, finish));
    if (known) co_return *std::move(known);
    finish.took = std::chrono::floor<milliseconds>(steady - held->since);
    co_return co_await submit(std::move(finish), *std::move(held), now);
}

Task<Result<Renewed>> Desk::renew(std::string lease, std::string agent_id, SystemTime now) {
    const auto held = leases_.find(lease);
    if (!held) co_return co_await work_.renew(std::move(lease), std::move(agent_id), now);
    if (held->agent_id != agent_id)
        co_return fail(ErrorKind::permission_denied, "plan.lease_of_another");
    const bool over = held->completed || (held->deadline_at && now >= *held->deadline_at);
    if (over) co_return fail(ErrorKind::conflict, "plan.lease_lost");
    const auto length = work_.rules().lease;
    const auto slot = std::make_shared<Slot<Renewed>>();
    storage::Fallback::Direct direct = [slot, lease, agent_id, length, now](Session& session) {
        return put_into(WorkRepository::put_renewal(session, lease, agent_id, length, now), slot);
    };
    storage::Fallback::Payload payload = [lease, agent_id] {
        return text_of_renewal(lease, agent_id);
    };
    auto done = co_await fallback_.submit(std::string(renew_kind), now, std::move(direct),
                                          std::move(payload));
    if (!done) {
        if (!storage::is_away(done.error())) leases_.remove(lease);
        co_return std::unexpected(std::move(done).error());
    }
    auto renewed = slot->take();
    if (!renewed)
        renewed = Renewed{std::min(now + length, held->deadline_at.value_or(now + length))};
    leases_.renew(lease, renewed->expires_at);
    co_return *renewed;
}

}  // namespace gh::plan

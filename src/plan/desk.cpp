#include "plan/desk.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "net/within.hpp"

namespace gh::plan {
namespace {

using storage::Fallback;
using storage::Session;

constexpr std::string_view finish_kind = "plan.finish";
constexpr seconds ask_again{1};  // of a database that was away
constexpr std::size_t renewals_at_once = 500;

/// From the journal: it was acknowledged, so it counts as far as anything is left to count for.
Task<Result<void>> apply_finish(Session& session, WorkRules rules, Leases& leases,
                                storage::JournalRecord record) {
    GH_CO_TRY(auto finish, finish_of_text(record.payload));
    finish.late = true;
    const auto lease = finish.lease;
    GH_CO_TRY(const auto done,
              co_await WorkRepository::put_finish(session, std::move(finish), rules, record.at));
    // From whom it was taken back is asked of the database from now on, whether or not this is committed.
    for (const auto& over : done.stir.leases)
        if (over != lease) leases.remove(over);
    co_return Result<void>{};
}

Finished kept_of(const HeldLease& held, bool again) {
    return {.plan_id = held.plan_id,
            .step_id = held.step_id,
            .attempt = held.attempt,
            .again = again,
            .state = {},
            .took = held.took,
            .stir = {},
            .kept = true};
}

bool is_over(const Error& error) {
    return error.reason == "plan.lease_lost" || error.reason == "plan.lease_unknown";
}

}  // namespace

Desk::Desk(WorkRepository& work, Fallback& fallback, Leases& leases)
    : work_(work), fallback_(fallback), leases_(leases) {
    fallback.on(
        std::string(finish_kind),
        [rules = work.rules(), &leases](Session& session, storage::JournalRecord record) {
            return apply_finish(session, rules, leases, std::move(record));
        },
        {}, Fallback::Again::is_harmless);
}

bool Desk::waits() const { return fallback_.waiting(finish_kind) > 0; }

/// By what this node remembers: is it this agent's, and has it said another end before?
Result<void> Desk::judge(const HeldLease& held, const LeaseNamed& named,
                         std::optional<bool> completed) {
    GH_TRY_VOID(check_named(named, held.agent_id, held.plan_id, held.step_id));
    if (!held.completed || held.completed == completed) return {};
    return fail(ErrorKind::conflict, completed ? "plan.illegal_move" : "plan.lease_lost");
}

Task<Result<Finished>> Desk::ask(Finish finish, SystemTime now) {
    const auto lease = finish.lease;
    // Late, it may come to pass all the same: the same report again finds it.
    auto work = work_.finish(std::move(finish), now);
    auto done = co_await net::within(Fallback::patience, "storage.patience", std::move(work));
    if (done || is_over(done.error())) leases_.remove(lease);
    co_return done;
}

Task<Result<Finished>> Desk::keep(Finish finish, HeldLease held, SystemTime now) {
    storage::Command command{.kind = std::string(finish_kind), .payload = text_of(finish)};
    GH_CO_TRY_VOID(co_await fallback_.keep(std::move(command), now));
    held.took = finish.took;
    leases_.report(finish.lease, finish.completed, finish.took.value_or(milliseconds(0)));
    co_return kept_of(held, false);
}

Task<Result<Finished>> Desk::finish(Finish finish, SystemTime now, SteadyTime steady) {
    auto held = leases_.find(finish.lease);
    if (!held) co_return co_await work_.finish(std::move(finish), now);
    GH_CO_TRY_VOID(judge(*held, finish, finish.completed));
    finish.took = std::chrono::floor<milliseconds>(steady - held->since);
    if (!waits()) {
        auto done = co_await ask(finish, now);
        if (done || !storage::is_away(done.error())) co_return done;
        // Meanwhile it may have been taken away, or reported by another call.
        held = leases_.find(finish.lease);
        if (!held) co_return fail(ErrorKind::conflict, "plan.lease_lost");
        GH_CO_TRY_VOID(judge(*held, finish, finish.completed));
    }
    if (held->completed) co_return kept_of(*held, true);
    co_return co_await keep(std::move(finish), *std::move(held), now);
}

Task<Result<Renewed>> Desk::renew(LeaseNamed named, SystemTime now, SteadyTime steady) {
    const auto held = leases_.find(named.lease);
    if (!held) co_return co_await work_.renew(std::move(named), now);
    GH_CO_TRY_VOID(judge(*held, named, {}));
    const auto worked = std::chrono::floor<milliseconds>(steady - held->since);
    if (held->timeout > milliseconds(0) && worked >= held->timeout)
        co_return fail(ErrorKind::conflict, "plan.lease_lost");
    const auto lease = named.lease;
    leases_.heard(lease, steady);
    if (steady.time_since_epoch().count() >= ask_at_.load()) {
        auto work = work_.renew(std::move(named), now);
        auto done = co_await net::within(Fallback::patience, "storage.patience", std::move(work));
        if (done || !storage::is_away(done.error())) {
            if (!done && is_over(done.error())) leases_.remove(lease);
            co_return done;
        }
        ask_at_ = (steady + Fallback::patience + ask_again).time_since_epoch().count();
    }
    auto length = work_.rules().lease;
    if (held->timeout > milliseconds(0)) length = std::min(length, held->timeout - worked);
    if (!leases_.owe(lease, now + length)) co_return fail(ErrorKind::conflict, "plan.lease_lost");
    co_return Renewed{now + length};
}

Task<Result<void>> Desk::settle() {
    while (true) {
        const auto owed = leases_.owed(renewals_at_once);
        if (owed.empty()) co_return Result<void>{};
        GH_CO_TRY_VOID(co_await work_.renew_all(owed));
        leases_.settle(owed);
    }
}

}  // namespace gh::plan

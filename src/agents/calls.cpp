#include "agents/calls.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/try.hpp"

namespace gh::agents {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::int64_t minutes_counted = 60;
constexpr std::chrono::minutes clean_every{10};

constexpr Statement add{
    .name = "agent_calls.add",
    .sql =
        "INSERT INTO agent_calls (agent_id, minute, calls) VALUES ($1, $2, $3) "
        "ON CONFLICT (agent_id, minute) DO UPDATE SET calls = agent_calls.calls + excluded.calls"};
constexpr Statement sum{.name = "agent_calls.sum",
                        .sql =
                            "SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) FROM agent_calls "
                            "WHERE agent_id = $1 AND minute > $2"};
constexpr Statement delete_old{.name = "agent_calls.clean",
                               .sql = "DELETE FROM agent_calls WHERE minute < $1"};

std::int64_t minute_of(SystemTime now) {
    return std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
}

}  // namespace

bool Calls::charge(std::string_view agent_id, SystemTime now) noexcept try {
    if (per_hour_ == 0) return true;
    auto& stripe = stripe_of(agent_id);
    std::string id(agent_id);
    const std::lock_guard lock(stripe.mutex);
    auto found = stripe.accounts.find(id);
    if (found == stripe.accounts.end()) {
        if (stripe.accounts.size() >= agents_max / stripes) return true;
        found = stripe.accounts.try_emplace(std::move(id)).first;
    }
    auto& account = found->second;
    if (account.here + account.counted >= per_hour_) {
        account.refused = true;
        return false;
    }
    ++account.uncounted[minute_of(now)];
    ++account.here;
    return true;
} catch (const std::exception&) {  // memory
    return true;
}

bool Calls::is_due(const Account& account, SystemTime now) const {
    if (account.here == 0 && !account.refused) return false;
    const bool clock_went_back = now < account.exchanged_at;
    return !account.known || clock_went_back || now - account.exchanged_at >= exchanged_every ||
           account.here > per_hour_ / 50;
}

std::vector<Calls::Due> Calls::take(SystemTime now, bool all) {
    std::vector<Due> due;
    for (auto& stripe : stripes_) {
        const std::lock_guard lock(stripe.mutex);
        for (auto each = stripe.accounts.begin(); each != stripe.accounts.end();) {
            auto& account = each->second;
            const bool idle = account.here == 0 && !account.refused &&
                              now - account.exchanged_at > std::chrono::hours(1);
            if (idle) {
                each = stripe.accounts.erase(each);
                continue;
            }
            if (due.size() < batch_max && (is_due(account, now) || (all && account.here > 0))) {
                due.push_back({.agent_id = each->first,
                               .calls = std::exchange(account.uncounted, {}),
                               .sum = account.here});
            }
            ++each;
        }
    }
    return due;
}

void Calls::put_back(std::vector<Due> due) {
    for (auto& each : due) {
        auto& stripe = stripe_of(each.agent_id);
        const std::lock_guard lock(stripe.mutex);
        auto& uncounted = stripe.accounts[each.agent_id].uncounted;
        for (const auto& [minute, calls] : each.calls) uncounted[minute] += calls;
    }
}

void Calls::learn(const std::vector<Due>& due, const std::vector<std::uint64_t>& counted,
                  SystemTime now) {
    for (std::size_t i = 0; i < due.size(); ++i) {
        auto& stripe = stripe_of(due[i].agent_id);
        const std::lock_guard lock(stripe.mutex);
        auto& account = stripe.accounts[due[i].agent_id];
        account.here -= std::min(account.here, due[i].sum);
        account.counted = counted[i];
        account.known = true;
        account.refused = false;
        account.exchanged_at = now;
    }
}

Task<Result<bool>> Calls::exchange_some(SystemTime now, bool all) {
    auto due = take(now, all);
    if (due.empty()) co_return false;
    const auto since = minute_of(now) - minutes_counted;
    auto work = [due, since](Session& session) -> Task<Result<std::vector<std::uint64_t>>> {
        std::vector<storage::Parameters> sets;
        for (const auto& each : due) {
            for (const auto& [minute, calls] : each.calls)
                sets.push_back({storage::to_value(each.agent_id), storage::to_value(minute),
                                storage::to_value(static_cast<std::int64_t>(calls))});
        }
        if (!sets.empty()) GH_CO_TRY_VOID(co_await session.execute_many(add, std::move(sets)));
        std::vector<std::uint64_t> counted;
        for (const auto& each : due) {
            GH_CO_TRY(const auto rows, co_await session.query(sum, each.agent_id, since));
            counted.push_back(static_cast<std::uint64_t>(rows[0].integer(0)));
        }
        co_return counted;
    };
    auto counted = co_await database_.write(std::move(work));
    if (!counted) {
        put_back(std::move(due));
        co_return std::unexpected(std::move(counted).error());
    }
    learn(due, *counted, now);
    co_return due.size() == batch_max;
}

Task<Result<void>> Calls::exchange(SystemTime now) {
    if (per_hour_ == 0) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await exchange_some(now, false));
    if (now - cleaned_at_ < clean_every && now >= cleaned_at_) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await database_.query(delete_old, minute_of(now) - 2 * minutes_counted));
    cleaned_at_ = now;
    co_return Result<void>{};
}

Task<Result<void>> Calls::write(SystemTime now) {
    for (;;) {
        GH_CO_TRY(const bool more, co_await exchange_some(now, true));
        if (!more) co_return Result<void>{};
    }
}

}  // namespace gh::agents

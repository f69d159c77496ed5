#include "plan/clock.hpp"

#include <algorithm>
#include <chrono>

#include "base/try.hpp"

namespace gh::plan {
namespace {

// SQLite's is the machine's, in milliseconds: julianday() is days since 4714 BC.
constexpr storage::Statement select_time{
    .name = "plans.time",
    .sql = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000",
    .postgres = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"};

// An answer that took longer says little of when it was true.
constexpr milliseconds way_max{500};

}  // namespace

SystemTime Clock::at(SteadyTime steady) const {
    return now_ + std::chrono::duration_cast<SystemTime::duration>(steady - steady_);
}

void Clock::set(SystemTime database, SteadyTime asked, SteadyTime answered) {
    const auto way = answered - asked;
    const std::scoped_lock lock(mutex_);
    if (asked_ && way > way_max) return;
    const auto said = database + std::chrono::duration_cast<SystemTime::duration>(way / 2);
    // Of the database's clock that was set back, nothing is believed before it has come as far again.
    now_ = asked_ ? std::max(said, at(answered)) : said;
    steady_ = answered;
    asked_ = true;
}

SystemTime Clock::now(SteadyTime steady) const {
    const std::scoped_lock lock(mutex_);
    return at(steady);
}

Task<Result<SystemTime>> time_of(storage::Session& session) {
    GH_CO_TRY(const auto rows, co_await session.query(select_time));
    co_return rows[0].time(0);
}

Task<Result<SystemTime>> time_of(storage::Database& database) {
    GH_CO_TRY(const auto rows, co_await database.query(select_time));
    co_return rows[0].time(0);
}

}  // namespace gh::plan

#include "storage/alone.hpp"

#include "base/try.hpp"

namespace gh::storage {
namespace {

// Any number, the same in every version, and another than that of migrations.
constexpr Statement take{.name = "alone.take",
                         .sql = "SELECT pg_try_advisory_lock(7163405281123042)"};
constexpr Statement give_back{.name = "alone.end",
                              .sql = "SELECT count(pg_advisory_unlock_all()::text)"};
constexpr Statement look{.name = "alone.look",
                         .sql = "SELECT pg_try_advisory_xact_lock_shared(7163405281123042)"};

}  // namespace

Task<Result<bool>> take_alone(Database& database) {
    if (database.dialect() == Dialect::sqlite) co_return true;
    GH_CO_TRY(const auto rows, co_await database.query(take));
    co_return rows[0].boolean(0);
}

Task<Result<void>> end_alone(Database& database) {
    if (database.dialect() == Dialect::sqlite) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await database.query(give_back));
    co_return Result<void>{};
}

Task<Result<bool>> kept_by_one(Database& database) {
    if (database.dialect() == Dialect::sqlite) co_return false;
    GH_CO_TRY(const auto rows, co_await database.query(look));
    co_return !rows[0].boolean(0);
}

}  // namespace gh::storage

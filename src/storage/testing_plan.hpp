#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/try.hpp"
#include "storage/session.hpp"

/// For tests of what finds its rows by an index.
namespace gh::storage {

/// How PostgreSQL finds the rows of a statement whatever its values are, where reading all of them were dear: lines of EXPLAIN.
inline Task<Result<std::string>> generic_plan(Session& session, std::string sql) {
    std::string nothing;
    for (int i = 1; sql.contains(fmt::format("${}", i)); ++i) nothing += i == 1 ? "NULL" : ", NULL";
    GH_CO_TRY_VOID(co_await session.script(
        "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; "
        "PREPARE asked AS " +
        sql));
    const auto explain =
        fmt::format("EXPLAIN EXECUTE asked{}", nothing.empty() ? "" : "(" + nothing + ")");
    GH_CO_TRY(const auto rows,
              co_await session.query(Statement{.name = "t.explain", .sql = explain}));
    std::string plan;
    for (std::size_t i = 0; i < rows.size(); ++i) plan += rows[i].text(0) + "\n";
    GH_CO_TRY_VOID(co_await session.script("DEALLOCATE asked"));
    co_return plan;
}

}  // namespace gh::storage

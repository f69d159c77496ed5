#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/migration.hpp"
#include "storage/session.hpp"

namespace gh::storage::backup {

/// A table of the house, the same on both engines.
struct Table {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::size_t> key;  ///< which of the columns are the primary key, in its order
};

/// The tables that these steps of the schema make, by name; `schema_migrations` is none of them, and neither are virtual
/// tables, which are made anew of others.
/// @return errors of SQL
[[nodiscard]] Result<std::vector<Table>> tables_of(std::span<const Migration> steps);

/// The name in quotes, for SQL.
[[nodiscard]] std::string sql_name(std::string_view name);
/// `INSERT INTO ... VALUES ($1, ...)` of all columns.
[[nodiscard]] std::string insert_sql(const Table& table);

/// The rows of a table, page by page in the order of its key; pages have about 4 MiB. Outlives what next() returns.
class Pages {
 public:
    Pages(Session& session, const Table& table);
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    /// The next page; an empty one at the end.
    /// @return errors of the session
    [[nodiscard]] Task<Result<Rows>> next();

 private:
    Session& session_;
    const Table& table_;
    std::string first_sql_, next_sql_;
    Parameters after_;  // the key of the last row; empty: none was read
    std::int64_t limit_;
};

/// How many rows it has.
[[nodiscard]] Task<Result<std::uint64_t>> count_rows(Session& session, const Table& table);

}  // namespace gh::storage::backup

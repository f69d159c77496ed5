#pragma once

#include <cstdint>
#include <string_view>

namespace gh::storage {

enum class Dialect : std::uint8_t { sqlite, postgres };

/// One SQL statement, a constant of its repository: prepared once a connection, named in metrics and the log of slow
/// queries. Never made of values at run time. Placeholders are $1, $2, ... on both engines.
struct Statement {
    std::string_view name;        ///< "users.find", unique in the house
    std::string_view sql;         ///< for both engines, or for SQLite where `postgres` is given
    std::string_view postgres{};  ///< where PostgreSQL must be told otherwise

    [[nodiscard]] constexpr std::string_view text(Dialect dialect) const {
        return dialect == Dialect::postgres && !postgres.empty() ? postgres : sql;
    }
    /// "select", "insert", "update", "delete" or "other": the first word, or what follows WITH ... is "select".
    [[nodiscard]] constexpr std::string_view kind() const {
        const auto word = sql.substr(0, sql.find_first_of(" \n("));
        if (word == "SELECT" || word == "WITH") return "select";
        if (word == "INSERT") return "insert";
        if (word == "UPDATE") return "update";
        if (word == "DELETE") return "delete";
        return "other";
    }
};

}  // namespace gh::storage

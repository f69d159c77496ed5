#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"

namespace gh::storage {

/// One step of the schema, as it stands in migrations/: embedded, never changed once it was released.
struct Migration {
    std::uint32_t number = 0;
    std::string_view name;  ///< "identity"
    std::string_view sqlite;
    std::string_view postgres;

    [[nodiscard]] std::string_view sql(Dialect dialect) const {
        return dialect == Dialect::sqlite ? sqlite : postgres;
    }
    /// SHA-256 of its text, hex.
    [[nodiscard]] std::string checksum(Dialect dialect) const;
};

/// All of them, by number, from 1 without gaps.
[[nodiscard]] std::span<const Migration> embedded_migrations();

/// Where a database stands.
struct SchemaState {
    struct Step {
        std::uint32_t number;
        std::string name;
        SystemTime applied_at;
    };
    std::vector<Step> applied;
    std::vector<const Migration*> pending;
};

/// @return `conflict` "migration.newer" (the database has steps that this program does not know: it is older than the
///         database) or "migration.changed" (a step was applied with another text)
[[nodiscard]] Task<Result<SchemaState>> schema_state(Database& database,
                                                     std::span<const Migration> migrations);

/// Applies what is pending, in order, in one transaction, under a lock that keeps a second migrator waiting: all or none.
/// Nothing pending is no error.
///
/// @return how many were applied; the errors of schema_state, and of SQL
[[nodiscard]] Task<Result<std::size_t>> migrate(Database& database,
                                                std::span<const Migration> migrations,
                                                SystemTime now);

/// Keeps migrators and whoever replaces all rows apart until the transaction ends: its first statement. Nothing to do where
/// there is one writer anyway.
[[nodiscard]] Task<Result<void>> lock_schema(Session& session);

/// The same as migrate() within a transaction of the caller's that writes.
[[nodiscard]] Task<Result<std::size_t>> migrate_within(Session& session,
                                                       std::span<const Migration> migrations,
                                                       SystemTime now);

}  // namespace gh::storage

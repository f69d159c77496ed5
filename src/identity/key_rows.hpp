#pragma once

#include <string>
#include <string_view>

#include "identity/api_keys.hpp"
#include "identity/key_repository.hpp"
#include "storage/session.hpp"

// How a key lies in the database; for the files of KeyRepository alone.

namespace gh::identity {

inline constexpr std::string_view key_columns =
    "SELECT id, hash, name, owner, subject, kind, roles, scopes, expires_at, revoked_at, "
    "last_used_at, version, created_at, updated_at, answers_to, parent";

/// What made the key $1, what made that, and so on.
inline constexpr std::string_view key_line =
    "WITH RECURSIVE line (id, parent, owner, subject, revoked_at, expires_at) AS ("
    "SELECT p.id, p.parent, p.owner, p.subject, p.revoked_at, p.expires_at FROM api_keys p "
    "WHERE p.id = (SELECT parent FROM api_keys WHERE id = $1) UNION ALL "
    "SELECT p.id, p.parent, p.owner, p.subject, p.revoked_at, p.expires_at FROM api_keys p "
    "JOIN line ON p.id = line.parent) ";
/// Behind `key_columns`: how many of them have ended, whether the first of them is there, when the next ends.
inline constexpr std::string_view line_columns =
    ", (SELECT count(*) FROM line WHERE revoked_at IS NOT NULL), "
    "(SELECT count(*) FROM line WHERE parent IS NULL), (SELECT min(expires_at) FROM line)";
inline constexpr std::string_view line_ids = ", (SELECT group_concat(id) FROM line)";
inline constexpr std::string_view line_ids_pg = ", (SELECT string_agg(id, ',') FROM line)";

/// Is one of those gone that it comes from? What they last, it lasts.
/// @param row  `key_columns` and `line_columns`
[[nodiscard]] bool outlives_its_line(StoredKey& key, const storage::Row& row);

/// @param row  `key_columns`, and whatever else behind them
[[nodiscard]] StoredKey key_of(const storage::Row& row);

/// The id of a key whose text says none.
[[nodiscard]] std::string id_of_foreign(const ApiKeyHash& hash);

/// When a change of `before` happens: later than the one before it, also where that was made by a clock that is ahead.
[[nodiscard]] SystemTime moment_of_change(SystemTime before, SystemTime now);

}  // namespace gh::identity

#pragma once

#include "identity/oauth/grant.hpp"
#include "storage/value.hpp"

namespace gh::identity::oauth {

/// Of columns that begin with: g.id, g.client_id, g.user_id, g.scopes, g.resources, g.nonce, g.dpop_jkt, g.certificate,
/// g.signed_in_at, g.created_at, g.expires_at, g.ended_at.
inline constexpr std::size_t grant_columns = 12;
[[nodiscard]] Grant grant_of(const storage::Row& row);
[[nodiscard]] inline bool has_ended(const storage::Row& row) { return !row.is_null(11); }

}  // namespace gh::identity::oauth

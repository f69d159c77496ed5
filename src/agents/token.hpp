#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/digest.hpp"

namespace gh::agents {

inline constexpr std::size_t refresh_token_bytes = 84;

/// A refresh token that was just made: its text is for the agent alone, its hash is kept.
struct MadeToken {
    std::string id;    ///< a UUID
    std::string text;  ///< "gha_ID_SECRET": 256 random bits in base64url
    crypto::Sha256Digest hash{};
};

[[nodiscard]] MadeToken make_token(SystemTime now);

/// Pure. The id in a text that looks like one.
[[nodiscard]] std::optional<std::string> id_of_token(std::string_view text);
/// In constant time. A secret of 256 random bits wants no slow hash.
[[nodiscard]] bool is_hash_of(std::string_view octets, std::string_view text);

/// A refresh token as it is kept, without what it could be used with.
struct Token {
    std::string id;
    std::string agent_id;
    std::string family;  ///< of those that came of one another: the id of the first
    std::string created_by;
    SystemTime created_at, expires_at;
    std::optional<SystemTime> used_at;  ///< exchanged for the next one
    std::optional<SystemTime> revoked_at;
    std::optional<SystemTime> last_used_at;  ///< it, or an access token of its family
};

}  // namespace gh::agents

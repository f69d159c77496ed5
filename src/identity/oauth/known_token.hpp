#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "codec/json.hpp"
#include "identity/jwt.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// An access token of ours that is good at this moment, for whomever it is meant.
struct KnownToken {
    Claims claims;
    codec::json::Value said;  ///< all of its claims
    std::vector<std::string> audience;
};

/// Nothing for any other text: of another kind (an ID token is none), of another issuer, expired, revoked.
[[nodiscard]] std::optional<KnownToken> known_token(const Server& server, std::string_view text,
                                                    SystemTime now);

}  // namespace gh::identity::oauth

#pragma once

#include <optional>
#include <string>

#include "api/reply.hpp"
#include "base/error.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// The claims of an ID token that do not follow from the access token beside it (OpenID Connect Core §2).
struct SignedIn {
    std::string nonce;  ///< empty: none was sent
    SystemTime at;
};

/// What the token endpoint gives.
struct TokenAnswer {
    TokenGrant grant;
    Binding binding;
    std::optional<SignedIn> signed_in;  ///< an ID token is wanted, too
    std::string refresh_token;          ///< empty: none
    std::string issued_token_type;      ///< of an exchange (RFC 8693 §2.2.1); empty otherwise
};

/// Makes the tokens.
/// @return refuses as "oauth.token_size"
[[nodiscard]] Result<api::Reply> reply_with_tokens(const Server& server, TokenAnswer answer,
                                                   SystemTime now);

/// Half of the token's hash (OpenID Connect Core §3.1.3.6); empty where the algorithm has no hash of its own.
[[nodiscard]] std::string access_token_hash(codec::JoseAlgorithm algorithm, std::string_view token);

}  // namespace gh::identity::oauth

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "identity/oauth/client.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/parameters.hpp"

namespace gh::identity::oauth {

inline constexpr std::size_t state_bytes_max = 1024;
inline constexpr std::size_t nonce_bytes_max = 512;

/// A request for a code (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1) that may be granted.
struct AuthorizationRequest {
    std::string redirect_uri;
    std::string state;  ///< empty: none was sent
    std::string nonce;
    std::string challenge;  ///< of S256 (RFC 7636 §4.3)
    std::string dpop_jkt;   ///< RFC 9449 §10; empty: none
    std::string login_hint;
    Portion portion;
    bool prompt_none = false;
    bool prompt_login = false;  ///< `select_account`, too: both mean that somebody has to sign in
    bool prompt_consent = false;
    std::optional<seconds> max_age;
    std::string query;  ///< all of it, as a query
};

/// Where an answer to the request goes: proven before anything else is, because errors go there, too (RFC 6749 §4.1.2.1).
/// @return `invalid_argument` "oauth.redirect_uri"
[[nodiscard]] Result<std::string> proven_redirect_uri(const Client& client,
                                                      const Parameters& parameters);

/// @param redirect_uri  the proven one
/// @return refuses as the table of refusals has it; the client hears of it at its redirect URI
[[nodiscard]] Result<AuthorizationRequest> read_authorization_request(const Client& client,
                                                                      const Parameters& parameters,
                                                                      std::string redirect_uri,
                                                                      std::string_view issuer);

}  // namespace gh::identity::oauth

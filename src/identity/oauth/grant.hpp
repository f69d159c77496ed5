#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "identity/oauth/client.hpp"

namespace gh::identity::oauth {

inline constexpr seconds code_lifetime{60};
inline constexpr std::chrono::hours grant_lifetime{24 * 90};    ///< then the user is asked again
inline constexpr std::chrono::hours refresh_lifetime{24 * 14};  ///< of a token nobody uses
/// A refresh token may be used again this long, as long as nobody has used what it was exchanged for: the answer was lost
/// on its way. What it was exchanged for the first time is void then.
inline constexpr seconds refresh_grace{10};
inline constexpr std::size_t grants_max = 50;             ///< of one user with one client
inline constexpr std::int64_t refresh_numbers_max = 500;  ///< used ones that are remembered

/// What a user let a client have. All tokens that come of it end with it.
struct Grant {
    std::string id;
    std::string client_id;
    std::string user_id;
    std::vector<std::string> scopes;
    std::vector<std::string> resources;  ///< empty: ourselves
    std::string nonce;                   ///< of the ID token (OpenID Connect Core §2)
    std::string dpop_jkt;     ///< key that its tokens are bound to (RFC 9449 §10); empty: none
    std::string certificate;  ///< the same of a certificate (RFC 8705 §4)
    SystemTime signed_in_at;
    SystemTime created_at;
    SystemTime expires_at;
};

/// What proves that a request comes from where its tokens shall be bound to.
struct Binding {
    std::string dpop_jkt;  ///< thumbprint of the proof's key; empty: no proof was sent
    std::string
        certificate;  ///< SHA-256 of the connection's certificate, base64url; empty: there is none
};

/// What a request wants of what was granted; empty: all of it.
struct Wish {
    std::vector<std::string> scopes;
    std::vector<std::string> resources;
    Binding binding;
};

/// What a token will be for.
struct Portion {
    std::vector<std::string> scopes;
    std::vector<std::string> resources;
};

/// Narrows what was granted to what is wanted.
/// @return refuses as "oauth.scope", "oauth.resource", or "oauth.grant_binding" (bound to somebody else)
[[nodiscard]] Result<Portion> portion_of(const Grant& grant, const Wish& wish);

/// What a client may have of what it asks for.
/// @param scopes     empty: all that the client may have, for a token without scopes would not be narrowed at all
/// @param resources  each one of the client's, or `issuer` alone
/// @return           refuses as "oauth.scope" or "oauth.resource"
[[nodiscard]] Result<Portion> allowed_portion(const Client& client, std::vector<std::string> scopes,
                                              std::vector<std::string> resources,
                                              std::string_view issuer);

}  // namespace gh::identity::oauth

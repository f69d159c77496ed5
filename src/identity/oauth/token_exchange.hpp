#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "identity/oauth/client.hpp"
#include "identity/oauth/known_token.hpp"

namespace gh::identity::oauth {

inline constexpr std::size_t actors_max = 8;  ///< one behind the other in a token (RFC 8693 §4.1)

/// What a delegated token will say.
struct Delegation {
    std::vector<std::string> roles, scopes, audience;
    std::string actor;                 ///< the `act` claim, as JSON
    std::vector<std::string> actors;   ///< the nearest first
    std::vector<std::string> origins;  ///< of the subject's token, and those it and the actor show
    seconds lifetime{0};
};

/// What was asked for; empty: all there is.
struct DelegationWish {
    std::vector<std::string> scopes, audience;
};

/// Never more than the subject's token and the actor both have: roles, scopes, audience and time. Without a token of its
/// own the actor is the client, who has no roles, what it may ask for, and all the time there is.
///
/// @return refuses as "oauth.scope", "oauth.resource" or "oauth.act_depth"
[[nodiscard]] Result<Delegation> delegate(const KnownToken& subject, const KnownToken* actor,
                                          const Client& client, const DelegationWish& wish,
                                          std::string_view issuer, seconds lifetime,
                                          SystemTime now);

}  // namespace gh::identity::oauth

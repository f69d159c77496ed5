#pragma once

#include <memory>

#include "access/authenticator.hpp"
#include "access/principal.hpp"
#include "identity/jwt.hpp"
#include "identity/token_issuer.hpp"

namespace gh::identity {

/// Fills what follows from the roles: the highest built-in one, and the text that is sent upstream.
void settle_roles(access::Principal& principal);

/// @param type        of the issuer's tokens; a token with `act` is a delegated one all the same
/// @param revoked_by  where its end would be recorded
[[nodiscard]] std::shared_ptr<const access::Principal> principal_of(
    Claims claims, access::PrincipalType type,
    access::RevokedBy revoked_by = access::RevokedBy::nothing);

/// Whom a token of ours stands for that was just made; without its roles and scopes.
[[nodiscard]] std::shared_ptr<const access::Principal> principal_of(const TokenGrant& grant,
                                                                    const IssuedToken& token,
                                                                    std::string_view issuer,
                                                                    SystemTime now);

/// A verified client certificate names somebody and grants no role.
[[nodiscard]] std::shared_ptr<const access::Principal> principal_of(
    const access::ClientCertificate& certificate);

}  // namespace gh::identity

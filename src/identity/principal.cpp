#include "identity/principal.hpp"

#include <algorithm>
#include <utility>

namespace gh::identity {

void settle_roles(access::Principal& principal) {
    principal.role = access::Role::none;
    principal.roles_text.clear();
    for (const auto& role : principal.roles) {
        principal.role = std::max(principal.role, access::role_of(role));
        if (!principal.roles_text.empty()) principal.roles_text += ',';
        principal.roles_text += role;
    }
}

std::shared_ptr<const access::Principal> principal_of(Claims claims, access::PrincipalType type,
                                                      access::RevokedBy revoked_by) {
    auto principal = std::make_shared<access::Principal>();
    principal->type = claims.delegated ? access::PrincipalType::delegated : type;
    principal->subject = std::move(claims.subject);
    principal->roles = std::move(claims.roles);
    principal->scopes = std::move(claims.scopes);
    principal->issuer = std::move(claims.issuer);
    principal->token_id = std::move(claims.token_id);
    principal->client_id = std::move(claims.client_id);
    principal->actors = std::move(claims.actors);
    principal->origins = std::move(claims.origins);
    principal->issued_at = claims.issued;
    principal->expires = claims.expires;
    principal->revoked_by = revoked_by;
    principal->bound_key = std::move(claims.confirmation.key);
    principal->bound_certificate = std::move(claims.confirmation.certificate);
    settle_roles(*principal);
    return principal;
}

std::shared_ptr<const access::Principal> principal_of(const TokenGrant& grant,
                                                      const IssuedToken& token,
                                                      std::string_view issuer, SystemTime now) {
    using access::PrincipalType;
    auto principal = std::make_shared<access::Principal>();
    principal->type = !grant.actor.empty() ? PrincipalType::delegated
                      : grant.service      ? PrincipalType::service
                      : grant.agent        ? PrincipalType::agent
                                           : PrincipalType::user;
    principal->subject = grant.subject;
    principal->issuer = issuer;
    principal->token_id = token.id;
    principal->client_id = grant.client_id;
    principal->origins = grant.origins;
    principal->issued_at = std::chrono::floor<milliseconds>(now);
    principal->expires = token.expires;
    principal->revoked_by = access::RevokedBy::token_list;
    return principal;
}

std::shared_ptr<const access::Principal> principal_of(
    const access::ClientCertificate& certificate) {
    auto principal = std::make_shared<access::Principal>();
    principal->type = access::PrincipalType::certificate;
    principal->subject = certificate.subject;
    principal->token_id = certificate.serial;
    return principal;
}

}  // namespace gh::identity

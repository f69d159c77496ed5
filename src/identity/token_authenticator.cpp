#include "identity/token_authenticator.hpp"

#include <utility>

#include "codec/authorization.hpp"
#include "identity/principal.hpp"

namespace gh::identity {
namespace {

using access::Refusal;
using access::Verdict;

Verdict refused(Refusal refusal, std::string_view reason) { return {nullptr, refusal, reason}; }

Verdict accepted(std::shared_ptr<const access::Principal> principal) {
    return {std::move(principal), {}, {}};
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(const TrustSource& source,
                                       const RevocationSource* revocations)
    : source_(source),
      revocation_source_(revocations),
      generation_(source.generation()),
      trust_(source.current()) {}

Verdict TokenAuthenticator::accept(std::shared_ptr<const access::Principal> principal) const {
    if (principal->issuer == trust_->own_issuer() && revocations_->covers(*principal))
        return refused(Refusal::token, "token.revoked");
    return accepted(std::move(principal));
}

Verdict TokenAuthenticator::authenticate(const access::Credentials& credentials, SystemTime now) {
    // The generation is read first: should another be published in between, the next request looks
    // again.
    if (const auto generation = source_.generation(); generation != generation_) {
        generation_ = generation;
        trust_ = source_.current();
        cache_.clear();
    }
    if (revocation_source_ && revocation_source_->generation() != revocation_generation_) {
        revocation_generation_ = revocation_source_->generation();
        revocations_ = revocation_source_->current();
    }
    Verdict verdict = refused(Refusal::missing, "auth.missing");
    if (credentials.has_api_key) {
        verdict = by_api_key(credentials.api_key, now);
        if (!verdict.principal) return verdict;
    }
    if (credentials.has_authorization) return by_authorization(credentials.authorization, now);
    if (!verdict.principal && credentials.certificate)
        return by_certificate(*credentials.certificate, now);
    return verdict;
}

Verdict TokenAuthenticator::by_authorization(std::string_view value, SystemTime now) {
    // Looked up as it came: a known token costs no parsing.
    if (const auto* known = cache_.find(value, now)) return accept(*known);
    const auto parts = codec::parse_authorization(value);
    if (!parts) return refused(Refusal::missing, parts.error().reason);
    if (parts->scheme != codec::AuthScheme::bearer) return refused(Refusal::missing, "auth.scheme");
    return by_token(parts->token, value, now);
}

Verdict TokenAuthenticator::by_token(std::string_view token, std::string_view value,
                                     SystemTime now) {
    const auto jwt = parse_jwt(token);
    if (!jwt) return refused(Refusal::token, jwt.error().reason);
    const auto* issuer = trust_->find_issuer(jwt->issuer());
    if (issuer == nullptr) return refused(Refusal::token, "jwt.issuer");
    auto claims = verify_jwt(*jwt, *issuer->keys, issuer->policy, now);
    if (!claims) {
        if (claims.error().reason == "jwt.key" && issuer->jwks) issuer->jwks->miss();
        return refused(Refusal::token, claims.error().reason);
    }
    const auto good_until = claims->expires + issuer->policy.leeway;
    const bool service = claims->service && claims->issuer == trust_->own_issuer();
    auto principal =
        principal_of(*std::move(claims), service ? access::PrincipalType::service : issuer->type);
    cache_.insert(value, principal, good_until);
    return accept(std::move(principal));
}

Verdict TokenAuthenticator::by_api_key(std::string_view key, SystemTime now) const {
    auto found = trust_->api_keys().find(key, now);
    if (!found) return refused(Refusal::missing, found.error().reason);
    return accepted(*std::move(found));
}

Verdict TokenAuthenticator::by_certificate(const access::ClientCertificate& certificate,
                                           SystemTime now) {
    // A fingerprint holds no space and an Authorization value does: the two never meet in the
    // cache.
    if (const auto* known = cache_.find(certificate.fingerprint, now)) return accepted(*known);
    auto principal = principal_of(certificate);
    cache_.insert(certificate.fingerprint, principal, SystemTime::max());
    return accepted(std::move(principal));
}

}  // namespace gh::identity

#include "identity/token_authenticator.hpp"

#include <utility>

#include "codec/authorization.hpp"
#include "identity/principal.hpp"

namespace gh::identity {
namespace {

using access::Challenge;
using access::Refusal;
using access::Verdict;

Verdict refused(Refusal refusal, std::string_view reason) { return {nullptr, refusal, reason}; }

Verdict accepted(std::shared_ptr<const access::Principal> principal) {
    return {std::move(principal), {}, {}};
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(const TrustSource& source,
                                       const RevocationSource* revocations,
                                       std::unique_ptr<StoredKeys> keys, DpopReplays* replays,
                                       ActiveUsers* active)
    : source_(source),
      revocation_source_(revocations),
      generation_(source.generation()),
      trust_(source.current()),
      keys_(std::move(keys)),
      replays_(replays),
      active_(active) {}

Verdict TokenAuthenticator::accept(std::shared_ptr<const access::Principal> principal) const {
    if (revocations_->covers(*principal)) {
        if (principal->revoked_by == access::RevokedBy::key_list)
            return refused(Refusal::missing, "key.revoked");
        return refused(Refusal::token, "token.revoked");
    }
    if (principal->revoked_by == access::RevokedBy::token_list && revocation_source_ &&
        !revocation_source_->known())
        return {nullptr, Refusal::token, "token.revocations_unknown",
                Verdict::Standing::unavailable};
    return accepted(std::move(principal));
}

Verdict TokenAuthenticator::authenticate(const access::Credentials& credentials, SystemTime now) {
    // The generation is read first: should another be published in between, the next request looks
    // again.
    if (const auto generation = source_.generation(); generation != generation_) {
        generation_ = generation;
        trust_ = source_.current();
        cache_.clear();
        if (keys_) keys_->forget();  // a key may stand in the configuration now
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
    if (credentials.has_authorization) return by_authorization(credentials, now);
    if (!verdict.principal && credentials.certificate)
        return by_certificate(*credentials.certificate, now);
    return verdict;
}

Verdict TokenAuthenticator::by_authorization(const access::Credentials& credentials,
                                             SystemTime now) {
    const auto value = credentials.authorization;
    // Looked up as it came: a known token costs no parsing.
    if (const auto* known = cache_.find(value, now)) return confirm(*known, credentials, now);
    const auto parts = codec::parse_authorization(value);
    if (!parts) return refused(Refusal::missing, parts.error().reason);
    if (parts->scheme != codec::AuthScheme::bearer && parts->scheme != codec::AuthScheme::dpop)
        return refused(Refusal::missing, "auth.scheme");
    auto verdict = by_token(parts->token, value, now);
    if (verdict.principal) {
        auto confirmed = confirm(std::move(verdict.principal), credentials, now);
        if (active_ && confirmed.principal) active_->saw(confirmed.principal);
        return confirmed;
    }
    if (parts->scheme == codec::AuthScheme::dpop) verdict.challenge = Challenge::dpop_token;
    return verdict;
}

Verdict TokenAuthenticator::confirm(std::shared_ptr<const access::Principal> principal,
                                    const access::Credentials& credentials, SystemTime now) const {
    // What was parsed is Bearer or DPoP.
    const bool with_dpop = (credentials.authorization.front() | 0x20) == 'd';
    const auto challenge = with_dpop ? Challenge::dpop_token : Challenge::bearer;
    const auto refuse = [&](std::string_view reason) {
        return Verdict{.refusal = Refusal::token, .reason = reason, .challenge = challenge};
    };
    if (!principal->bound_certificate.empty() &&
        (!credentials.certificate ||
         credentials.certificate->fingerprint != principal->bound_certificate)) {
        return refuse("token.certificate");
    }
    if (!with_dpop && !principal->bound_key.empty()) return refuse("token.bound");
    if (with_dpop && principal->bound_key.empty()) return refuse("token.unbound");
    auto verdict = accept(std::move(principal));
    if (!with_dpop) return verdict;
    if (!verdict.principal) {
        verdict.challenge = challenge;
        return verdict;
    }
    const auto proven = check_proof(*verdict.principal, credentials, now);
    return proven.reason.empty() ? verdict : proven;
}

/// @return a verdict without a reason when the proof is good
Verdict TokenAuthenticator::check_proof(const access::Principal& principal,
                                        const access::Credentials& credentials,
                                        SystemTime now) const {
    const auto refuse = [](std::string_view reason) {
        return Verdict{
            .refusal = Refusal::token, .reason = reason, .challenge = Challenge::dpop_proof};
    };
    if (credentials.dpop_fields == 0) return refuse("dpop.missing");
    if (credentials.dpop_fields > 1) return refuse("dpop.repeated");
    const auto space = credentials.authorization.rfind(' ');
    const DpopRequest request{.method = credentials.method,
                              .scheme = credentials.scheme,
                              .authority = credentials.authority,
                              .path = credentials.path,
                              .access_token = credentials.authorization.substr(space + 1),
                              .thumbprint = principal.bound_key};
    const auto proof = check_dpop_proof(credentials.dpop, request, now);
    if (!proof) return refuse(proof.error().reason);
    switch (replays_ ? replays_->take(*proof, now) : DpopReplays::Seen::full) {
        case DpopReplays::Seen::never: return {};
        case DpopReplays::Seen::before: return refuse("dpop.replayed");
        case DpopReplays::Seen::full: break;
    }
    return {.reason = "dpop.busy", .standing = Verdict::Standing::unavailable};
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
    const bool ours = !claims->issuer.empty() && claims->issuer == trust_->own_issuer();
    const auto type = ours && claims->service ? access::PrincipalType::service
                      : ours && claims->agent ? access::PrincipalType::agent
                                              : issuer->type;
    auto principal =
        principal_of(*std::move(claims), type,
                     ours ? access::RevokedBy::token_list : access::RevokedBy::nothing);
    cache_.insert(value, principal, good_until);
    return accepted(std::move(principal));
}

Verdict TokenAuthenticator::by_api_key(std::string_view key, SystemTime now) {
    const bool may_be_stored =
        keys_ && key.size() >= api_key_bytes_min && key.size() <= api_key_bytes_max;
    if (may_be_stored) {
        if (auto known = keys_->find(key, now)) return verdict_of(*std::move(known));
    }
    // Those of the configuration first; what keys_ knew was none of them.
    auto found = trust_->api_keys().find(key, now);
    if (found) return accepted(*std::move(found));
    if (may_be_stored && found.error().reason == "key.unknown")
        return verdict_of(keys_->ask(key, now));
    return refused(Refusal::missing, found.error().reason);
}

Verdict TokenAuthenticator::verdict_of(StoredKeys::Found found) const {
    switch (found.state) {
        case StoredKeys::Found::State::good: return accept(std::move(found.principal));
        case StoredKeys::Found::State::refused: break;
        case StoredKeys::Found::State::pending:
            return {nullptr, Refusal::missing, found.reason, Verdict::Standing::pending};
        case StoredKeys::Found::State::unavailable:
            return {nullptr, Refusal::missing, found.reason, Verdict::Standing::unavailable};
    }
    return refused(Refusal::missing, found.reason);
}

void TokenAuthenticator::wait(const access::Credentials& credentials, access::Waiter& waiter) {
    if (keys_) keys_->wait(credentials.api_key, waiter);
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

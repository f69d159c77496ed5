#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "access/authenticator.hpp"
#include "identity/active_users.hpp"
#include "identity/dpop_replays.hpp"
#include "identity/principal_cache.hpp"
#include "identity/revocations.hpp"
#include "identity/stored_keys.hpp"
#include "identity/trust.hpp"

namespace gh::identity {

/// Recognises bearer tokens, API keys and client certificates. One for each worker: it remembers
/// checked tokens without a lock, and forgets them all when what is trusted changes.
///
/// Every credential that was sent must be good: a wrong one beside a right one is refused, for a
/// client that sends both may be believed by the upstream for the one we did not look at. When
/// several are good, a token says who asks before an API key, and either before the certificate of
/// the connection.
class TokenAuthenticator final : public access::Authenticator {
 public:
    /// @param source       outlives this
    /// @param revocations  of our own tokens; outlives this; null: none is ever revoked
    /// @param keys         those in the database; null: only those of the configuration count
    /// @param replays      the one of all workers; outlives this; null: no proof is new
    /// @param active       hears of tokens that are met for the first time; outlives this; null: nobody does
    explicit TokenAuthenticator(const TrustSource& source,
                                const RevocationSource* revocations = nullptr,
                                std::unique_ptr<StoredKeys> keys = nullptr,
                                DpopReplays* replays = nullptr, ActiveUsers* active = nullptr);

    /// Reasons: those of codec::parse_authorization, verify_jwt, ApiKeyTable::find and StoredKeys;
    /// "auth.missing" (nothing was sent), "auth.scheme" (credentials of another kind than Bearer
    /// and DPoP), "token.revoked", "key.revoked", "token.revocations_unknown" (until they are, nobody can tell); those of check_dpop_proof, "dpop.missing",
    /// "dpop.repeated", "dpop.replayed", "dpop.busy"; "token.unbound" (sent with DPoP, and of no
    /// key), "token.bound" (of a key, and sent as if anybody might), "token.certificate" (of another
    /// certificate).
    [[nodiscard]] access::Verdict authenticate(const access::Credentials& credentials,
                                               SystemTime now) override;
    void wait(const access::Credentials& credentials, access::Waiter& waiter) override;

 private:
    [[nodiscard]] access::Verdict by_authorization(const access::Credentials& credentials,
                                                   SystemTime now);
    /// Is whoever sends the token the one it was made for?
    [[nodiscard]] access::Verdict confirm(std::shared_ptr<const access::Principal> principal,
                                          const access::Credentials& credentials,
                                          SystemTime now) const;
    [[nodiscard]] access::Verdict check_proof(const access::Principal& principal,
                                              const access::Credentials& credentials,
                                              SystemTime now) const;
    /// Unless it was revoked meanwhile.
    [[nodiscard]] access::Verdict accept(std::shared_ptr<const access::Principal> principal) const;
    /// Whom it names; not yet whether it is theirs to use.
    [[nodiscard]] access::Verdict by_token(std::string_view token, std::string_view value,
                                           SystemTime now);
    [[nodiscard]] access::Verdict by_api_key(std::string_view key, SystemTime now);
    [[nodiscard]] access::Verdict verdict_of(StoredKeys::Found found) const;
    [[nodiscard]] access::Verdict by_certificate(const access::ClientCertificate& certificate,
                                                 SystemTime now);

    const TrustSource& source_;
    const RevocationSource* revocation_source_;
    std::uint64_t revocation_generation_ = 0;
    std::shared_ptr<const RevocationList> revocations_ = std::make_shared<const RevocationList>();
    std::uint64_t generation_;
    std::shared_ptr<const Trust> trust_;
    PrincipalCache cache_;
    std::unique_ptr<StoredKeys> keys_;
    DpopReplays* replays_;
    ActiveUsers* active_;
};

}  // namespace gh::identity

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/authenticator.hpp"
#include "api/route.hpp"
#include "app/settings.hpp"
#include "app/state.hpp"
#include "audit/log.hpp"
#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "identity/active_users.hpp"
#include "identity/dpop_replays.hpp"
#include "identity/key_uses.hpp"
#include "identity/login_throttle.hpp"
#include "identity/oauth/server.hpp"
#include "identity/revocations.hpp"
#include "identity/revoker.hpp"
#include "identity/room.hpp"
#include "identity/sign_in.hpp"
#include "identity/token_issuer.hpp"
#include "identity/trust.hpp"
#include "net/loop.hpp"
#include "net/work_pool.hpp"

namespace gh::app {

/// Who signs our tokens: what the configuration says, or the first listener that serves `api`, as this machine reaches it.
[[nodiscard]] std::string issuer_of(const Settings& settings);

/// The identity room, furnished: what its routes and the request path need. Outlives the workers.
class IdentityHouse {
 public:
    /// @param state, fallback, audit, registry  outlive this
    /// @return  errors of the key store and of reading the journal
    [[nodiscard]] static Result<std::unique_ptr<IdentityHouse>> open(
        const Settings& settings, State& state, storage::Fallback& fallback, audit::Log& audit,
        crypto::KeyStore& keys, telemetry::Registry& registry, SystemTime now);
    /// Of what open() has made ready.
    IdentityHouse(const Settings& settings, State& state, storage::Fallback& fallback,
                  audit::Log& audit, crypto::KeyStore& keys, telemetry::Registry& registry,
                  std::shared_ptr<const identity::SigningKeys> signing, identity::Decoys decoys);

    /// Makes the keys that are due and lets go of those that are over. Reads and writes files.
    /// @return whether they are others than before
    [[nodiscard]] Result<bool> keep_signing_keys(SystemTime now);

    [[nodiscard]] std::vector<api::Route> routes();
    [[nodiscard]] const identity::TokenIssuer& issuer() const { return issuer_; }
    [[nodiscard]] identity::RevocationSource& revocations() { return revocations_; }
    [[nodiscard]] identity::RoleSource& roles() { return roles_; }
    [[nodiscard]] identity::Room& room() { return room_; }
    [[nodiscard]] identity::oauth::Server& oauth() { return oauth_; }
    [[nodiscard]] identity::KeyUses& key_uses() { return key_uses_; }

    /// For one worker: recognises tokens, certificates, and keys of the configuration and of the database.
    /// @param trust, loop  outlive it
    [[nodiscard]] std::unique_ptr<access::Authenticator> authenticator(
        const identity::TrustSource& trust, net::Loop& loop);

 private:
    void count_users(telemetry::Registry& registry);

    crypto::KeyStore& key_store_;
    const codec::JoseAlgorithm algorithm_;
    identity::TokenIssuer issuer_;
    identity::RevocationSource revocations_;
    identity::ActiveUsers active_users_;
    identity::Revoker revoker_;
    identity::RoleSource roles_;
    identity::KeyRepository& keys_;
    identity::KeyUses key_uses_;
    identity::DpopReplays dpop_replays_;
    identity::LoginThrottle throttle_;
    net::WorkPool hashing_;
    identity::SignIn sign_in_;
    identity::Room room_;
    identity::oauth::Server oauth_;
};

}  // namespace gh::app

#pragma once

#include <memory>

#include "api/call.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/client.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/parameters.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// Which client asks, proven in the one way it is registered with (RFC 6749 §2.3, RFC 8705 §2.1). A public client only says
/// who it is.
/// @return refuses as "oauth.client_..." or "oauth.two_authentications"; errors of the database
[[nodiscard]] Task<Result<Client>> authenticate_client(Server& server, api::Call call,
                                                       const Parameters& parameters);

/// SHA-256 of the connection's certificate as tokens name it (RFC 8705 §3.1); empty without one.
[[nodiscard]] std::string certificate_thumbprint(const api::Call& call);

/// The proof of a request, which is good but may not be new. What is remembered of proofs has a bound: so it is taken last,
/// once the client or the grant is known to be good, and who names a public client cannot fill it. Copies are one proof.
class Proof {
 public:
    /// None was sent.
    Proof() = default;
    Proof(DpopReplays& replays, DpopProof proof, SystemTime now);

    /// Counts once, also where a transaction runs again.
    /// @return refuses as "oauth.dpop_proof"; `unavailable` "oauth.dpop_full"
    [[nodiscard]] Result<void> take() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

/// What the tokens of this request shall be bound to: the key of a DPoP proof (RFC 9449 §5), the certificate of the
/// connection.
struct Proven {
    Binding binding;
    Proof proof;
};

/// @return refuses as "oauth.dpop_proof"; as "oauth.dpop_missing" or "oauth.client_certificate" where the client must
[[nodiscard]] Result<Proven> proven_by(const Server& server, const api::Call& call,
                                       const Client& client, SystemTime now);

}  // namespace gh::identity::oauth

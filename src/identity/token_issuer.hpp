#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "identity/signing_keys.hpp"
#include "identity/trust.hpp"

namespace gh::identity {

/// What an access token shall say.
struct TokenGrant {
    std::string id;  ///< `jti`, a UUIDv7 of now; empty: one is made
    std::string subject;
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::vector<std::string> audience;  ///< empty: ourselves
    std::string client_id;              ///< empty: no client, a sign-in of our own
    bool service = false;  ///< the subject is a program, and holds what its scopes name
    bool agent = false;    ///< the subject is an agent
    std::string
        actor;  ///< the `act` claim (RFC 8693 §4.1) as JSON; empty: nobody acts for the subject
    std::vector<std::string>
        origins;  ///< `jti` of the tokens it is exchanged for, families of agents' tokens: it ends with any of them
    std::string confirmation;  ///< the `cnf` claim (RFC 7800) as JSON; empty: a bearer token
    std::chrono::seconds lifetime{1'800};
};

struct IssuedToken {
    std::string text;  ///< for whom it is made, and nobody else
    std::string id;    ///< `jti`
    SystemTime expires;
};

/// Makes access tokens (RFC 9068). Safe to share among threads.
class TokenIssuer {
 public:
    /// @param issuer  `iss`, an https URL; also the audience where a grant names none
    TokenIssuer(std::string issuer, std::shared_ptr<const SigningKeys> keys);

    [[nodiscard]] const std::string& name() const { return issuer_; }
    [[nodiscard]] IssuedToken issue(const TokenGrant& grant, SystemTime now) const;

    /// Hears of each token that is made, on the thread that makes it. Before the first one.
    void on_issued(std::function<void(const TokenGrant&, const IssuedToken&, SystemTime)> call) {
        on_issued_ = std::move(call);
    }

    /// After a rotation.
    void set_keys(std::shared_ptr<const SigningKeys> keys);
    [[nodiscard]] std::shared_ptr<const SigningKeys> keys() const;
    /// How our own tokens are checked.
    [[nodiscard]] TrustedIssuer trusted() const;

 private:
    const std::string issuer_;
    std::function<void(const TokenGrant&, const IssuedToken&, SystemTime)> on_issued_;
    mutable std::mutex mutex_;
    std::shared_ptr<const SigningKeys> keys_;
};

}  // namespace gh::identity

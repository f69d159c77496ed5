#pragma once

#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/acme/resources.hpp"

namespace gh::pki::acme {

/// What a server must show (RFC 8555 §8).
struct Proof {
    ChallengeType type{};
    std::string name;               ///< without "*."
    std::string token;              ///< base64url
    std::string key_authorization;  ///< token "." thumbprint (§8.1)
};

/// Asks whether somebody shows it.
class Validator {
 public:
    virtual ~Validator() = default;
    /// One try, on the loop that runs.
    /// @return "acme.dns", "acme.connection", "acme.tls" or "acme.response", with a detail for the client
    [[nodiscard]] virtual Task<Result<void>> check(Proof proof) = 0;
};

}  // namespace gh::pki::acme

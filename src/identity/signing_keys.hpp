#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/jose.hpp"
#include "crypto/hmac.hpp"
#include "crypto/key_store.hpp"
#include "crypto/private_key.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {

/// A key that our tokens are signed with, and the one algorithm it is for.
class SigningKey {
 public:
    /// A new one. Its id is the thumbprint of its public half (RFC 7638), or random for HMAC.
    [[nodiscard]] static SigningKey generate(codec::JoseAlgorithm algorithm,
                                             SystemTime active_from);
    /// @param material  PEM, or the octets of an HMAC secret
    /// @return          `corrupt` "signing_key.unreadable"
    [[nodiscard]] static Result<SigningKey> restore(codec::JoseAlgorithm algorithm,
                                                    std::string_view id, SystemTime active_from,
                                                    std::string_view material);

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] codec::JoseAlgorithm algorithm() const { return algorithm_; }
    /// It is published before this moment and signs from it on.
    [[nodiscard]] SystemTime active_from() const { return active_from_; }

    /// @param claims  a JSON object
    /// @param type    the header's `typ`: "at+jwt" (RFC 9068 §2.1), "JWT" for ID tokens
    /// @return        the JWS in compact form (RFC 7515 §7.1)
    [[nodiscard]] std::string sign(std::string_view claims, std::string_view type) const;

    [[nodiscard]] VerificationKey verification_key() const;
    /// As a JWK; empty for HMAC.
    [[nodiscard]] std::string public_jwk() const;
    /// What restore() takes. For a KeyStore and nothing else.
    [[nodiscard]] crypto::Secret material() const;

 private:
    using Key = std::variant<crypto::PrivateKey, std::shared_ptr<const crypto::Secret>>;
    SigningKey(codec::JoseAlgorithm algorithm, std::string id, SystemTime active_from, Key key);

    codec::JoseAlgorithm algorithm_;
    std::string id_;
    SystemTime active_from_;
    Key key_;
};

/// How signing keys follow one another.
struct KeyRotation {
    std::chrono::seconds period{std::chrono::days(30)};  ///< how long one signs
    std::chrono::seconds announced{
        std::chrono::hours(24)};  ///< published ahead of its first signature
    std::chrono::seconds kept{std::chrono::hours(
        25)};  ///< published after its last: the longest life of a token, and an hour
};

/// All keys of the moment, oldest first. Immutable.
class SigningKeys {
 public:
    /// Loads what is kept, makes what is missing, lets go of what is over, and keeps that: at the start, and then once in
    /// a while.
    /// @return the keys; errors of the store, or `corrupt` "signing_key.unreadable"
    [[nodiscard]] static Result<std::shared_ptr<const SigningKeys>> keep(
        crypto::KeyStore& store, codec::JoseAlgorithm algorithm, const KeyRotation& rotation,
        SystemTime now);

    /// The one that signs at `now`.
    [[nodiscard]] const SigningKey& current(SystemTime now) const;
    [[nodiscard]] std::shared_ptr<const KeySet> verification_keys() const { return verification_; }
    /// A JWK set (RFC 7517 §5) of the public ones.
    [[nodiscard]] const std::string& jwks() const { return jwks_; }
    [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
    explicit SigningKeys(std::vector<SigningKey> keys);
    std::vector<SigningKey> keys_;
    std::shared_ptr<const KeySet> verification_;
    std::string jwks_;
};

}  // namespace gh::identity

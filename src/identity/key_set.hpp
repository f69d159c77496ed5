#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "codec/jose.hpp"
#include "codec/jwk.hpp"
#include "crypto/hmac.hpp"
#include "crypto/public_key.hpp"

namespace gh::identity {

/// A key and the one algorithm it may be used with (RFC 8725 §3.1): a public key is never an HMAC
/// secret, and an RSA key checks PSS or PKCS #1, never whichever the token likes.
class VerificationKey {
 public:
    /// @return `invalid_argument` "key.weak" for a key shorter than its hash (RFC 7518 §3.2),
    /// "key.algorithm" for an
    ///         algorithm that is not HMAC
    [[nodiscard]] static Result<VerificationKey> symmetric(codec::JoseAlgorithm algorithm,
                                                           crypto::Secret secret,
                                                           std::optional<std::string> id = {});
    /// @return `invalid_argument` "key.algorithm" when the algorithm does not fit the key
    [[nodiscard]] static Result<VerificationKey> asymmetric(codec::JoseAlgorithm algorithm,
                                                            crypto::PublicKey key,
                                                            std::optional<std::string> id = {});
    /// The algorithm is the key's own `alg`; without one it is what the curve says, and RS256 for
    /// RSA.
    /// @param only  the algorithm that is wanted, if one is: a key that names another is refused
    /// @return      `invalid_argument` with the reasons above and those of crypto::PublicKey. The
    /// key's secret is wiped.
    [[nodiscard]] static Result<VerificationKey> from_jwk(
        codec::Jwk key, std::optional<codec::JoseAlgorithm> only = {});

    [[nodiscard]] const std::optional<std::string>& id() const { return id_; }
    [[nodiscard]] codec::JoseAlgorithm algorithm() const { return algorithm_; }
    [[nodiscard]] bool verify(std::string_view signing_input, std::string_view signature) const;

 private:
    using Key = std::variant<std::shared_ptr<const crypto::HmacKey>, crypto::PublicKey>;
    VerificationKey(codec::JoseAlgorithm algorithm, Key key, std::optional<std::string> id)
        : algorithm_(algorithm), key_(std::move(key)), id_(std::move(id)) {}

    codec::JoseAlgorithm algorithm_;
    Key key_;
    std::optional<std::string> id_;
};

/// The keys of one issuer. Immutable.
class KeySet {
 public:
    KeySet() = default;
    explicit KeySet(std::vector<VerificationKey> keys) : keys_(std::move(keys)) {}

    struct Options {
        std::optional<codec::JoseAlgorithm> only;  ///< keys of another algorithm are passed over
        bool symmetric_allowed =
            false;  ///< never for a set that was fetched: what is published is no secret
    };
    /// Keys that are weak, broken or not for us are passed over: one bad key must not lock
    /// everybody out.
    [[nodiscard]] static KeySet from_jwks(codec::JwkSet set, Options options);

    [[nodiscard]] std::size_t size() const { return keys_.size(); }

    /// The key that a header means: by `kid`; a header without one, or keys without an id, may
    /// leave one choice only.
    /// @return `unauthenticated` with "jwt.key" (no such key; a newer set may have it),
    /// "jwt.key_ambiguous" or
    ///         "jwt.algorithm" (the key is there, and for another algorithm). The pointer lives as
    ///         long as the set.
    [[nodiscard]] Result<const VerificationKey*> find(const codec::JoseHeader& header) const;

 private:
    std::vector<VerificationKey> keys_;
};

}  // namespace gh::identity

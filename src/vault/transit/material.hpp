#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "crypto/aead.hpp"
#include "crypto/key_pair.hpp"
#include "crypto/secret.hpp"
#include "vault/transit/key_type.hpp"

namespace gh::vault::transit {

/// One version of a key, opened. Immutable, and safe to share among threads; wiped when the last of them lets it go.
class Material {
 public:
    /// Random. RSA takes up to seconds.
    /// @param key_bytes  of hmac; 0: 32
    [[nodiscard]] static Material generate(KeyType type, std::uint32_t key_bytes);
    /// What packed() gave. @return `corrupt` "transit.material"
    [[nodiscard]] static Result<Material> unpack(KeyType type, const crypto::Secret& packed);
    /// To be sealed.
    [[nodiscard]] crypto::Secret packed() const;

    /// May it be used as a key of this type? Two ciphers with keys of one size look alike here.
    [[nodiscard]] bool is_of(KeyType type) const;
    /// Of a symmetric key, or of hmac.
    [[nodiscard]] const crypto::Secret& key() const { return key_; }
    /// Null where there is one key alone.
    [[nodiscard]] const crypto::KeyPair* pair() const { return pair_ ? &*pair_ : nullptr; }
    /// Every version has one, whatever its type.
    [[nodiscard]] const crypto::Secret& hmac_key() const {
        return hmac_key_.empty() ? key_ : hmac_key_;
    }

    /// Another key of the same size, for a context: HKDF with SHA-256, no salt, the context as info, as OpenBao does it.
    /// @param context  not empty
    [[nodiscard]] crypto::Secret derived_key(std::string_view context) const;
    /// Of ed25519, and no other type.
    [[nodiscard]] crypto::KeyPair derived_pair(std::string_view context) const;

 private:
    crypto::Secret key_;
    std::optional<crypto::KeyPair> pair_;
    crypto::Secret hmac_key_;  ///< empty: the key itself
};
using SharedMaterial = std::shared_ptr<const Material>;
/// By version.
using Materials = std::map<std::uint32_t, SharedMaterial>;

}  // namespace gh::vault::transit

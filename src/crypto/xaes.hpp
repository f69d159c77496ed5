#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM (NIST SP 800-38D) under a key that is derived for each message
/// from the long one and half of a nonce of 192 random bits (SP 800-108 with CMAC). So random nonces never run out: 2^80
/// messages for a risk of 2^-32. Immutable, and safe to share among threads.
class Xaes {
 public:
    static constexpr std::size_t key_bytes = 32;
    static constexpr std::size_t nonce_bytes = 24;
    static constexpr std::size_t tag_bytes = 16;
    static constexpr std::size_t overhead_bytes = nonce_bytes + tag_bytes;
    /// Far below what GCM can (64 GiB): what is sealed whole is opened whole, in memory.
    static constexpr std::size_t text_bytes_max = std::size_t{1} << 30;
    using Nonce = std::array<std::uint8_t, nonce_bytes>;

    /// @return `invalid_argument` "xaes.key" when it has not 32 bytes
    [[nodiscard]] static Result<Xaes> of_key(Secret key);

    /// A new random nonce, the ciphertext, the tag: `overhead_bytes` longer than the text.
    /// @param text        at most `text_bytes_max`
    /// @param associated  must be the same when it is opened; is not in what comes out
    [[nodiscard]] std::string seal(Bytes text, Bytes associated) const;
    /// @return `corrupt` "xaes.open" when it was not sealed so with this key: no more is told apart
    [[nodiscard]] Result<Secret> open(Bytes sealed, Bytes associated) const;

    /// With a nonce of the caller's, for vectors: ciphertext and tag. A nonce used twice gives away both texts.
    [[nodiscard]] std::string seal_with(const Nonce& nonce, Bytes text, Bytes associated) const;

 private:
    explicit Xaes(Secret key);
    [[nodiscard]] Secret message_key(Bytes nonce) const;

    Secret key_;
    Secret mask_;  ///< K1 of CMAC
};

}  // namespace gh::crypto

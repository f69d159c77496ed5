#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/bytes.hpp"
#include "crypto/digest.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

enum class HmacHash : std::uint8_t { sha256, sha384, sha512 };

/// 32, 48 or 64: size of the code, and the least size of a good key (RFC 7518 §3.2).
[[nodiscard]] std::size_t code_bytes(HmacHash hash);

/// An authentication code; as long as the hash it was made with.
struct HmacCode {
    std::array<std::uint8_t, 64> data;
    std::size_t size = 0;
    [[nodiscard]] Bytes bytes() const { return {data.data(), size}; }
};

/// HMAC (RFC 2104) with one key. Immutable, and safe to share among threads: each thread keeps a
/// context, and keys it anew only when another key was used before, so that the usual case costs
/// half a microsecond.
class HmacKey {
 public:
    /// Any length is taken here; whether a key is strong enough is decided where it comes from.
    HmacKey(HmacHash hash, Secret key);

    [[nodiscard]] HmacHash hash() const { return hash_; }
    [[nodiscard]] std::size_t size() const { return key_.size(); }
    [[nodiscard]] HmacCode code_of(Bytes message) const;
    [[nodiscard]] HmacCode code_of(std::string_view message) const {
        return code_of(bytes_of(message));
    }
    /// Whole codes only, compared in constant time.
    [[nodiscard]] bool verify(Bytes message, Bytes code) const;

 private:
    HmacHash hash_;
    std::uint64_t serial_;  ///< tells keys apart in a thread's context; never used twice
    Secret key_;
};

}  // namespace gh::crypto

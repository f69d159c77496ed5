#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/hmac.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// Fernet (https://github.com/fernet/spec), AES-128-CBC and HMAC-SHA256: for values that come from where it is used, or go
/// there. What rests here is sealed otherwise: Fernet knows no key ids and binds a value to no place.
class Fernet {
 public:
    static constexpr std::size_t text_bytes_max = std::size_t{1} << 20;

    /// @param key  32 bytes in base64url, with or without padding
    /// @return `invalid_argument` "fernet.key"
    [[nodiscard]] static Result<Fernet> of_key(std::string_view key);

    /// A token with a random vector.
    /// @param text  at most `text_bytes_max`
    [[nodiscard]] std::string seal(Bytes text, SystemTime at) const;
    /// @param token  its age is not looked at
    /// @return `corrupt` "fernet.open" when it was not made so with this key: no more is told apart
    [[nodiscard]] Result<Secret> open(std::string_view token) const;

    using Vector = std::array<std::uint8_t, 16>;
    /// With a vector of the caller's, for test vectors.
    [[nodiscard]] std::string seal_with(const Vector& vector, Bytes text, SystemTime at) const;

 private:
    explicit Fernet(Bytes key);

    HmacKey signing_;
    Secret encryption_;
};

}  // namespace gh::crypto

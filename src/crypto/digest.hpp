#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/bytes.hpp"

struct evp_md_ctx_st;

namespace gh::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of what comes in pieces. Reusable: `finish` begins anew.
class Sha256 {
 public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept = default;
    Sha256& operator=(Sha256&&) noexcept = default;

    void update(Bytes bytes);
    void update(std::string_view text) { update(bytes_of(text)); }
    [[nodiscard]] Sha256Digest finish();

 private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] Sha256Digest sha256(Bytes bytes);
[[nodiscard]] inline Sha256Digest sha256(std::string_view text) { return sha256(bytes_of(text)); }

/// 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace gh::crypto

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gh {

struct Hash128 {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// SipHash-2-4 with 128 bits of output: for tables whose keys strangers choose. Not for signatures
/// or stored secrets.
class KeyedHash {
 public:
    /// A key of this process alone, so that nobody outside can aim at a bucket.
    [[nodiscard]] static KeyedHash random();
    /// A known key: where several processes must agree, and in tests.
    constexpr KeyedHash(std::uint64_t k0, std::uint64_t k1) : k0_(k0), k1_(k1) {}

    [[nodiscard]] Hash128 operator()(std::span<const std::uint8_t> bytes) const;
    [[nodiscard]] Hash128 operator()(std::string_view text) const;

 private:
    std::uint64_t k0_;
    std::uint64_t k1_;
};

}  // namespace gh

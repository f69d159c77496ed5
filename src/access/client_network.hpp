#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace gh::access {

/// Whom limits by address count as one: an IPv4 address, or the /64 of an IPv6 address, since one
/// subscriber commonly holds a whole /64. IPv4 within IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address.
class ClientNetwork {
 public:
    [[nodiscard]] static ClientNetwork from_v4(std::span<const std::uint8_t, 4> octets);
    [[nodiscard]] static ClientNetwork from_v6(std::span<const std::uint8_t, 16> octets);

    [[nodiscard]] std::span<const std::uint8_t, 16> bytes() const { return bytes_; }
    friend bool operator==(const ClientNetwork&, const ClientNetwork&) = default;

 private:
    std::array<std::uint8_t, 16> bytes_{};  ///< ::ffff:a.b.c.d, or the first 64 bits and zeros
};

}  // namespace gh::access

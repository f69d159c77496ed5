#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

/// An IPv4 or IPv6 address. An IPv4 address that came mapped into IPv6 ("::ffff:192.0.2.1", as
/// sockets for both give it) is the IPv4 address: one client, one identity, one rule.
class IpAddress {
 public:
    /// "0.0.0.0".
    IpAddress() = default;
    /// Network order.
    [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
    [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> bytes);

    /// Dotted decimal without leading zeros, or RFC 4291 §2.2 without a zone; no brackets, no port.
    /// @return `invalid_argument` "ip.malformed"
    [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

    [[nodiscard]] bool is_v4() const { return is_v4_; }
    [[nodiscard]] bool is_loopback() const;  ///< 127.0.0.0/8 or ::1
    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] int bits() const { return is_v4_ ? 32 : 128; }
    /// 4 or 16, in network order.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const {
        return {bytes_.data(), is_v4_ ? 4U : 16U};
    }
    /// The address with all but its first `prefix` bits zero.
    [[nodiscard]] IpAddress masked(int prefix) const;
    /// Canonical (RFC 5952), without brackets.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
    std::array<std::uint8_t, 16> bytes_{};  // the first four of an IPv4 address; the rest zero
    bool is_v4_ = true;
};

/// A block of addresses, "10.0.0.0/8"; an address alone is a block of one.
class Cidr {
 public:
    /// @return `invalid_argument` with "ip.malformed", "ip.prefix" (not 0 to 32 or 128, or too
    /// short for a mapped
    ///         address) or "ip.host_bits" (bits beyond the prefix: "10.1.0.0/8" means something
    ///         else than it says)
    [[nodiscard]] static Result<Cidr> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const {
        return address.is_v4() == network_.is_v4() && address.masked(prefix_) == network_;
    }
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
    IpAddress network_;
    int prefix_ = 32;
};

}  // namespace gh::codec

#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::net {

/// An IP address with a port, as the kernel wants it. IPv4 peers of dual-stack sockets are read as IPv4.
class Address {
 public:
    Address() = default;
    explicit Address(const sockaddr_storage& raw);

    /// `ip` is a literal of either family, without brackets.
    /// @return `invalid_argument` "net.address" for anything else; names are resolved elsewhere
    [[nodiscard]] static Result<Address> parse(std::string_view ip, std::uint16_t port);

    [[nodiscard]] const sockaddr* raw() const {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] socklen_t length() const;
    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] std::uint16_t port() const;
    void set_port(std::uint16_t port);
    [[nodiscard]] bool is_loopback() const;
    /// Sixteen octets of either family; IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
    [[nodiscard]] std::array<std::uint8_t, 16> octets() const;

    /// "127.0.0.1" or "2001:db8::1".
    [[nodiscard]] std::string ip_text() const;
    /// "127.0.0.1:80" or "[2001:db8::1]:80".
    [[nodiscard]] std::string text() const;

    [[nodiscard]] bool operator==(const Address& other) const;

 private:
    sockaddr_storage storage_{};
};

}  // namespace gh::net

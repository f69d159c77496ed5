#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "codec/borrowed_text.hpp"
#include "codec/ip.hpp"

namespace gh::codec {

/// Whom a Host field, an :authority or an authority in a target names.
class Host {
 public:
    /// Lower case, without a trailing dot, without brackets; an address in its canonical form.
    [[nodiscard]] std::string_view name() const { return name_.view(); }
    [[nodiscard]] std::optional<std::uint16_t> port() const { return port_; }
    [[nodiscard]] const std::optional<IpAddress>& address() const { return address_; }

 private:
    friend Result<Host> parse_host(std::string_view);
    BorrowedText name_;
    std::optional<std::uint16_t> port_;
    std::optional<IpAddress> address_;
};

/// `host[:port]` (RFC 9110 §7.2), narrower than the grammar on purpose: names of letters, digits,
/// "-" and "_" in labels of 1 to 63, at most 253 bytes; IPv4 addresses in four decimal parts (a
/// name whose last label is a number must be one); IPv6 addresses in brackets without a zone; ports
/// of 1 to 5 digits above 0. Names in normal form are not copied.
///
/// @return `invalid_argument` "host.malformed"; no user information, no escapes, no empty port
[[nodiscard]] Result<Host> parse_host(std::string_view text);

}  // namespace gh::codec

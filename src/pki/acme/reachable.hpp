#pragma once

#include <span>

#include "net/address.hpp"
#include "net/config.hpp"

namespace gh::pki::acme {

/// May a stranger have us connect there? What is routed on the public network, and what the operator names.
/// Loopback, private, link-local, shared, documentation and multicast addresses are not public (RFC 6890), nor are those of
/// IPv6 that carry one of IPv4 inside. Loopback, link-local addresses and 168.63.129.16 of Azure are allowed only by a
/// network that lies within them.
[[nodiscard]] bool may_connect(const net::Address& address,
                               std::span<const net::AddressRange> allowed);

}  // namespace gh::pki::acme

#include "pki/acme/reachable.hpp"

#include <algorithm>
#include <vector>

namespace gh::pki::acme {
namespace {

using Ranges = std::vector<net::AddressRange>;

Ranges ranges_of(std::initializer_list<std::string_view> texts) {
    Ranges ranges;
    for (const auto text : texts) ranges.push_back(net::parse_address_range(text).value());
    return ranges;
}

bool in(std::span<const net::AddressRange> ranges, const net::Address& address) {
    const auto octets = address.octets();
    return std::ranges::any_of(ranges, [&](const auto& each) { return each.contains(octets); });
}

bool lies_within(const net::AddressRange& inner, const net::AddressRange& outer) {
    return inner.prefix_bits >= outer.prefix_bits && outer.contains(inner.network);
}

/// This machine, its neighbours on the wire, and what clouds tell a machine about itself, with its credentials: who names
/// all networks has not named these.
const Ranges& own() {
    static const auto ranges =
        ranges_of({"127.0.0.0/8", "::1", "169.254.0.0/16", "fe80::/10", "168.63.129.16"});
    return ranges;
}

/// The registries of special purposes, and what was given to nobody.
const Ranges& special() {
    static const auto ranges = ranges_of(
        {"0.0.0.0/8",     "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",    "169.254.0.0/16",
         "172.16.0.0/12", "192.0.0.0/24",  "192.0.2.0/24",    "192.88.99.0/24", "192.168.0.0/16",
         "168.63.129.16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
         "240.0.0.0/4",   "2001::/23",     "2001:db8::/32",   "2002::/16",      "3fff::/20"});
    return ranges;
}

/// All that is given out of IPv6, and IPv4.
const Ranges& global() {
    static const auto ranges = ranges_of({"0.0.0.0/0", "2000::/3"});
    return ranges;
}

}  // namespace

bool may_connect(const net::Address& address, std::span<const net::AddressRange> allowed) {
    const auto octets = address.octets();
    const auto mine =
        std::ranges::find_if(own(), [&](const auto& each) { return each.contains(octets); });
    const bool named = std::ranges::any_of(allowed, [&](const auto& each) {
        return each.contains(octets) && (mine == own().end() || lies_within(each, *mine));
    });
    if (named) return true;
    return in(global(), address) && !in(special(), address);
}

}  // namespace gh::pki::acme

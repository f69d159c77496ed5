#include "access/client_network.hpp"

#include <algorithm>

namespace gh::access {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t v6_network_bytes = 8;

}  // namespace

ClientNetwork ClientNetwork::from_v4(std::span<const std::uint8_t, 4> octets) {
    ClientNetwork network;
    std::ranges::copy(v4_prefix, network.bytes_.begin());
    std::ranges::copy(octets, network.bytes_.begin() + v4_prefix.size());
    return network;
}

ClientNetwork ClientNetwork::from_v6(std::span<const std::uint8_t, 16> octets) {
    if (std::ranges::equal(octets.first<v4_prefix.size()>(), v4_prefix)) {
        return from_v4(octets.last<4>());
    }
    ClientNetwork network;
    std::ranges::copy(octets.first<v6_network_bytes>(), network.bytes_.begin());
    return network;
}

}  // namespace gh::access

#include "access/client_network.hpp"

#include <gtest/gtest.h>

namespace gh::access {
namespace {

using V4 = std::array<std::uint8_t, 4>;
using V6 = std::array<std::uint8_t, 16>;

TEST(ClientNetwork, IsOneForAWholeSixtyFourAndNoFurther) {
    const V6 one{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
    V6 neighbour = one;
    neighbour[8] = neighbour[15] = 0xff;
    V6 other = one;
    other[7] = 3;
    EXPECT_EQ(ClientNetwork::from_v6(one), ClientNetwork::from_v6(neighbour));
    EXPECT_NE(ClientNetwork::from_v6(one), ClientNetwork::from_v6(other));
}

TEST(ClientNetwork, TakesEveryIpv4AddressByItself) {
    const V4 one{192, 0, 2, 1};
    const V4 two{192, 0, 2, 2};
    EXPECT_EQ(ClientNetwork::from_v4(one), ClientNetwork::from_v4(one));
    EXPECT_NE(ClientNetwork::from_v4(one), ClientNetwork::from_v4(two));
}

TEST(ClientNetwork, SeesTheSameClientThroughAMappedAddress) {
    const V4 plain{192, 0, 2, 1};
    const V6 mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    EXPECT_EQ(ClientNetwork::from_v6(mapped), ClientNetwork::from_v4(plain));
}

TEST(ClientNetwork, DoesNotMixUpNetworksAndIpv4) {
    const V4 zero{};
    const V6 unspecified{};
    EXPECT_NE(ClientNetwork::from_v4(zero), ClientNetwork::from_v6(unspecified));
}

}  // namespace
}  // namespace gh::access

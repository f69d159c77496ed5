#include "net/certificate_pair.hpp"

#include <gtest/gtest.h>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

TEST(CertificatePair, IsTheLeafFirstWithItsKey) {
    const auto root = make_certificate({.purpose = Purpose::authority, .common_name = "root"});
    auto leaf = make_certificate({.common_name = "leaf"}, &root);
    leaf.cert_pem += root.cert_pem;
    const auto pair = read_pair(leaf);
    ASSERT_TRUE(pair) << describe(pair.error());
    ASSERT_EQ(pair->chain.size(), 2U);
    EXPECT_EQ(crypto::common_name_of(pair->chain[0].get()), "leaf");

    auto reversed = leaf;
    reversed.cert_pem = root.cert_pem + make_certificate({.common_name = "leaf"}, &root).cert_pem;
    const auto refused = read_pair(reversed);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "tls.key_mismatch");
    EXPECT_EQ(refused.error().detail, "test.pem: the key is not that of the first certificate");
}

}  // namespace
}  // namespace gh::net

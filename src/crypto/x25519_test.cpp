#include "crypto/x25519.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace gh::crypto {
namespace {

std::string from_hex(std::string_view text) { return codec::decode_hex(text).value(); }
std::string hex(Bytes bytes) { return codec::encode_hex(text_of(bytes)); }
X25519 of_hex(std::string_view text) { return X25519::of_secret(Secret(from_hex(text))).value(); }

// RFC 7748, section 6.1.
TEST(X25519, SharesWhatTheRfcSays) {
    const auto alice = of_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const auto bob = of_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    EXPECT_EQ(hex(alice.public_key()),
              "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    EXPECT_EQ(hex(bob.public_key()),
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    constexpr std::string_view shared =
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    EXPECT_EQ(hex(alice.shared_with(bob.public_key())->bytes()), shared);
    EXPECT_EQ(hex(bob.shared_with(alice.public_key())->bytes()), shared);
}

TEST(X25519, RefusesKeysThatAreNone) {
    const auto own = X25519::generate();
    EXPECT_NE(hex(own.public_key()), hex(X25519::generate().public_key()));
    const std::string zero(32, '\0'), one = '\1' + std::string(31, '\0');
    for (const auto& bad : {zero, one, std::string(31, 'x'), std::string(33, 'x'), std::string()}) {
        const auto shared = own.shared_with(bytes_of(bad));
        ASSERT_FALSE(shared) << bad.size();
        EXPECT_EQ(shared.error().reason, "x25519.key");
    }
    EXPECT_EQ(X25519::of_secret(Secret("short")).error().reason, "x25519.key");
}

}  // namespace
}  // namespace gh::crypto

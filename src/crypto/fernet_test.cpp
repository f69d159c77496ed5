#include "crypto/fernet.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"

namespace gh::crypto {
namespace {

// generate.json of the specification.
constexpr std::string_view key =
    "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";  // secret-scan: allow published vector
constexpr std::string_view token =                   // secret-scan: allow published vector
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_"
    "5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
const SystemTime at{seconds(499'162'800)};

std::string opened(const Fernet& fernet, std::string_view text) {
    const auto secret = fernet.open(text);
    return secret ? std::string(text_of(secret->bytes())) : std::string(secret.error().reason);
}

TEST(Fernet, AgreesWithTheVectorOfTheSpecification) {
    const auto fernet = Fernet::of_key(key).value();
    Fernet::Vector vector{};
    for (std::uint8_t i = 0; i < vector.size(); ++i) vector[i] = i;
    EXPECT_EQ(fernet.seal_with(vector, bytes_of("hello"), at), token);
    EXPECT_EQ(opened(fernet, token), "hello");
}

TEST(Fernet, OpensWhatItSealedOfEachLength) {
    const auto fernet = Fernet::of_key(key.substr(0, 43)).value();
    std::string text;
    for (std::size_t size = 0; size < 70; ++size, text += static_cast<char>('a' + size % 26)) {
        const auto one = fernet.seal(bytes_of(text), at);
        EXPECT_EQ(opened(fernet, one), text);
        EXPECT_NE(fernet.seal(bytes_of(text), at), one);
    }
    const std::string longest(Fernet::text_bytes_max, 'x');
    EXPECT_EQ(opened(fernet, fernet.seal(bytes_of(longest), at)), longest);
}

TEST(Fernet, RefusesWhatWasChangedCutOrMadeWithAnotherKey) {
    const auto fernet = Fernet::of_key(key).value();
    auto decoded = codec::decode_base64url(token.substr(0, token.find('='))).value();
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        decoded[i] = static_cast<char>(decoded[i] ^ 1);
        auto changed = codec::encode_base64url(decoded);
        changed.append((4 - changed.size() % 4) % 4, '=');
        EXPECT_EQ(opened(fernet, changed), "fernet.open") << i;
        decoded[i] = static_cast<char>(decoded[i] ^ 1);
    }
    for (std::size_t size = 0; size < token.size(); ++size)
        EXPECT_EQ(opened(fernet, token.substr(0, size)), "fernet.open") << size;
    EXPECT_EQ(opened(fernet, std::string(token) + "===="), "fernet.open");
    EXPECT_EQ(opened(fernet, std::string(1 << 21, 'A')), "fernet.open");
    EXPECT_EQ(opened(Fernet::of_key(std::string(43, 'A')).value(), token), "fernet.open");
}

TEST(Fernet, KeysAre32Bytes) {
    for (const std::string_view bad : {"", "x", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4==="}) {
        const auto made = Fernet::of_key(bad);
        ASSERT_FALSE(made) << bad;
        EXPECT_EQ(made.error().reason, "fernet.key");
    }
}

}  // namespace
}  // namespace gh::crypto

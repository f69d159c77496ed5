#include "crypto/public_key.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "crypto/private_key.hpp"

namespace gh::crypto {
namespace {

constexpr std::pair<KeyKind, SignatureAlgorithm> pairs[] = {
    {KeyKind::rsa, SignatureAlgorithm::rs256},     {KeyKind::rsa, SignatureAlgorithm::rs384},
    {KeyKind::rsa, SignatureAlgorithm::rs512},     {KeyKind::rsa, SignatureAlgorithm::ps256},
    {KeyKind::rsa, SignatureAlgorithm::ps384},     {KeyKind::rsa, SignatureAlgorithm::ps512},
    {KeyKind::ec_p256, SignatureAlgorithm::es256}, {KeyKind::ec_p384, SignatureAlgorithm::es384},
    {KeyKind::ec_p521, SignatureAlgorithm::es512}, {KeyKind::ed25519, SignatureAlgorithm::eddsa},
};

TEST(Signatures, EveryAlgorithmSignsAndChecksAndNoOtherChecksIt) {
    const auto rsa = PrivateKey::generate(KeyKind::rsa);
    for (const auto& [kind, algorithm] : pairs) {
        SCOPED_TRACE(static_cast<int>(algorithm));
        const auto key = kind == KeyKind::rsa ? rsa : PrivateKey::generate(kind);
        const auto open = key.public_key();
        const auto message = bytes_of("the message");
        auto signature = key.sign(algorithm, message).value();
        EXPECT_TRUE(open.verify(algorithm, message, signature));
        EXPECT_FALSE(open.verify(algorithm, bytes_of("the massage"), signature));
        for (const auto& [other_kind, other] : pairs) {
            if (other == algorithm) continue;
            EXPECT_FALSE(open.verify(other, message, signature)) << static_cast<int>(other);
            EXPECT_EQ(fits(kind, other), key.sign(other, message).has_value());
        }
        signature[signature.size() / 2] ^= 1;
        EXPECT_FALSE(open.verify(algorithm, message, signature));
        signature[signature.size() / 2] ^= 1;
        signature.push_back(0);
        EXPECT_FALSE(open.verify(algorithm, message, signature));
        signature.resize(signature.size() - 2);
        EXPECT_FALSE(open.verify(algorithm, message, signature));
        EXPECT_FALSE(open.verify(algorithm, message, {}));
    }
}

TEST(PublicKey, ReadsThePemItWrites) {
    for (const auto kind :
         {KeyKind::rsa, KeyKind::ec_p256, KeyKind::ec_p384, KeyKind::ec_p521, KeyKind::ed25519}) {
        const auto pem = PrivateKey::generate(kind).public_key().pem();
        const auto key = PublicKey::from_pem(pem);
        ASSERT_TRUE(key);
        EXPECT_EQ(key->kind(), kind);
        EXPECT_EQ(key->pem(), pem);
    }
}

TEST(PublicKey, RefusesPemOfAnythingElse) {
    struct Case {
        std::string_view pem, reason;
    };
    constexpr Case cases[] = {
        {"", "key.malformed"},
        {"not a key", "key.malformed"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "key.malformed"},
        // Encrypted: must not ask anybody for a passphrase.
        {"-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
         "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
         "AAAAAAAAAAAAAAAAAAAAAA==\n-----END PUBLIC KEY-----\n",
         "key.malformed"},
        // secp256k1: a curve, but none of ours
        {"-----BEGIN PUBLIC "
         "KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEeb5mfvncu6xVoGKVzocLBwKb/NstzijZ\n"
         "WfKBWxb4F5hIOtp3JqPEZV2k+/wOEQio/Re0SKaFVBmcR9CP+xDUuA==\n-----END PUBLIC KEY-----\n",
         "key.unsupported"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.pem);
        const auto key = PublicKey::from_pem(c.pem);
        EXPECT_EQ(key ? "" : key.error().reason, c.reason);
    }
    EXPECT_FALSE(PublicKey::from_pem(std::string(20'000, 'A')));
}

TEST(PublicKey, RefusesBrokenParts) {
    const std::vector<std::uint8_t> zero32(32), zero48(48), odd256(256, 0xff), odd128(128, 0xff);
    const std::vector<std::uint8_t> exponent{1, 0, 1}, one{1}, even{4};
    const auto reason = [](const Result<PublicKey>& key) { return key ? "" : key.error().reason; };
    EXPECT_EQ(reason(PublicKey::from_ec(KeyKind::ec_p256, zero32, zero32)), "key.off_curve");
    EXPECT_EQ(reason(PublicKey::from_ec(KeyKind::ec_p256, zero48, zero48)), "key.malformed");
    EXPECT_EQ(reason(PublicKey::from_ec(KeyKind::rsa, zero32, zero32)), "key.unsupported");
    EXPECT_EQ(reason(PublicKey::from_ed25519(zero48)), "key.malformed");
    EXPECT_EQ(reason(PublicKey::from_rsa({}, exponent)), "key.malformed");
    EXPECT_EQ(reason(PublicKey::from_rsa(odd128, exponent)), "key.weak");
    EXPECT_EQ(reason(PublicKey::from_rsa(odd256, one)), "key.weak");
    EXPECT_EQ(reason(PublicKey::from_rsa(odd256, even)), "key.weak");
    EXPECT_EQ(reason(PublicKey::from_rsa(std::vector<std::uint8_t>(2000, 0xff), exponent)),
              "key.too_large");
}

}  // namespace
}  // namespace gh::crypto

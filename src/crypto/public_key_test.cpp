#include "crypto/public_key.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "codec/hex.hpp"
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

TEST(PrivateKey, OfASeedIsThatOfTheRfc) {
    // RFC 8032 §7.1, test 2.
    const auto bytes = [](std::string_view hex) { return codec::decode_hex(hex).value(); };
    const auto key = PrivateKey::from_ed25519(
        Secret(bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")));
    ASSERT_TRUE(key);
    EXPECT_EQ(text_of(key->public_key().ed25519_bytes().value()),
              bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
    EXPECT_EQ(text_of(key->sign(SignatureAlgorithm::eddsa, bytes_of("\x72")).value()),
              bytes("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
    EXPECT_EQ(PrivateKey::from_ed25519(Secret("short")).error().reason, "key.malformed");
}

TEST(PublicKey, ShowsTheBytesOfEd25519Only) {
    const auto key = PrivateKey::generate(KeyKind::ed25519).public_key();
    EXPECT_EQ(PublicKey::from_ed25519(key.ed25519_bytes().value()).value().pem(), key.pem());
    EXPECT_EQ(PrivateKey::generate(KeyKind::ec_p256).public_key().ed25519_bytes().error().reason,
              "key.unsupported");
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

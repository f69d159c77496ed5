#include "crypto/key_pair.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "codec/base64.hpp"
#include "codec/hex.hpp"

namespace gh::crypto {
namespace {

using enum KeyPairKind;

std::string octets(std::string_view hex) { return codec::decode_hex(hex).value(); }
std::string reason(const auto& result) { return result ? "" : std::string(result.error().reason); }

/// Made once: RSA takes its time.
const KeyPair& pair_of(KeyPairKind kind) {
    static const std::vector<KeyPair> all = [] {
        std::vector<KeyPair> pairs;
        for (const auto each : {ed25519, ecdsa_p256, ecdsa_p384, ecdsa_p521, rsa_2048})
            pairs.push_back(KeyPair::generate(each));
        return pairs;
    }();
    return all.at(static_cast<std::size_t>(kind));
}

TEST(KeyPair, SignsAsRfc8032) {
    const Secret seed(octets("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
    const auto pair = KeyPair::from_ed25519(seed).value();
    EXPECT_EQ(codec::encode_hex(pair.ed25519_public()),
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_EQ(
        codec::encode_hex(pair.sign({}, bytes_of("r")).value()),
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36"
        "13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_EQ(text_of(pair.ed25519_seed().bytes()), text_of(seed.bytes()));
    EXPECT_EQ(reason(KeyPair::from_ed25519(Secret("short"))), "key.malformed");
}

TEST(KeyPair, ChecksTheSignatureOfRfc6979) {
    const Secret der(octets(
        "30310201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721a00a06082a86"
        "48ce3d030107"));
    const auto pair = KeyPair::from_der(ecdsa_p256, der).value();  // A.2.5, with SHA-256
    const auto signature = octets(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    const auto digest = digest_of(Hash::sha2_256, bytes_of("sample"));
    SignatureForm form;
    form.is_raw = true;
    EXPECT_TRUE(pair.verify(form, bytes_of(digest), bytes_of(signature)));
    EXPECT_FALSE(pair.verify({}, bytes_of(digest), bytes_of(signature)));
    EXPECT_EQ(reason(KeyPair::from_der(ecdsa_p384, der)), "key.malformed");
    EXPECT_EQ(reason(KeyPair::from_der(rsa_2048, der)), "key.malformed");
}

TEST(KeyPair, TakesNoForgeryUnderADigestOfNothing) {
    const auto& pair = pair_of(ecdsa_p256);
    auto pem = pair.public_pem();
    pem = pem.substr(pem.find('\n'), pem.rfind("-----END") - pem.find('\n'));
    std::erase(pem, '\n');
    const auto x = codec::decode_base64(pem).value().substr(27, 32);
    SignatureForm form;
    form.is_raw = true;
    const auto forged = x + x;  // holds where the digest counts as 0
    for (const std::size_t size : {0, 1, 31, 32, 33, 64}) {
        const std::string zeros(size, '\0');
        EXPECT_FALSE(pair.verify(form, bytes_of(zeros), bytes_of(forged))) << size;
        EXPECT_EQ(reason(pair.sign(form, bytes_of(zeros))), "key.input") << size;
    }
    form.hash = Hash::sha2_512;  // of which the curve sees half
    const auto half = std::string(32, '\0') + std::string(32, 'x');
    EXPECT_FALSE(pair.verify(form, bytes_of(half), bytes_of(forged)));
    const auto digest = digest_of(Hash::sha2_512, bytes_of("text"));
    const auto signature = pair.sign(form, bytes_of(digest)).value();
    EXPECT_TRUE(pair.verify(form, bytes_of(digest), bytes_of(signature)));
    const auto seen = std::string_view(digest).substr(0, 32);
    EXPECT_FALSE(pair.verify(form, bytes_of(seen), bytes_of(signature)));
}

TEST(KeyPair, IsTheSameFromItsDer) {
    for (const auto kind : {ed25519, ecdsa_p256, ecdsa_p384, ecdsa_p521, rsa_2048}) {
        const auto& pair = pair_of(kind);
        const auto again = KeyPair::from_der(kind, pair.secret_der()).value();
        EXPECT_EQ(again.public_pem(), pair.public_pem());
        EXPECT_TRUE(pair.public_pem().starts_with("-----BEGIN PUBLIC KEY-----"));
        const auto digest = digest_of(Hash::sha3_384, bytes_of("text"));
        SignatureForm form;
        form.hash = Hash::sha3_384;
        for (const bool raw : {false, true}) {
            form.is_raw = raw;
            const auto signature = pair.sign(form, bytes_of(digest)).value();
            EXPECT_TRUE(again.verify(form, bytes_of(digest), bytes_of(signature)));
            auto changed = signature;
            changed[changed.size() / 2] ^= 1;
            EXPECT_FALSE(again.verify(form, bytes_of(digest), bytes_of(changed)));
            EXPECT_FALSE(again.verify(form, bytes_of(digest), {}));
        }
    }
    EXPECT_EQ(reason(KeyPair::from_der(ed25519, Secret("nothing"))), "key.malformed");
}

TEST(KeyPair, GivesRsaTheFormThatIsAskedFor) {
    const auto& pair = pair_of(rsa_2048);
    const auto digest = digest_of(Hash::sha2_512, bytes_of("text"));
    SignatureForm any, as_hash, counted, plain, bare;
    any.hash = as_hash.hash = counted.hash = plain.hash = Hash::sha2_512;
    as_hash.salt = SignatureForm::Salt::as_hash;
    counted.salt = SignatureForm::Salt::counted;
    counted.salt_bytes = 20;
    plain.is_pss = bare.is_pss = false;
    bare.hash.reset();
    const auto holds = [&](const SignatureForm& made, const SignatureForm& checked) {
        const auto signature = pair.sign(made, bytes_of(digest)).value();
        return pair.verify(checked, bytes_of(digest), bytes_of(signature));
    };
    EXPECT_TRUE(holds(any, any) && holds(as_hash, as_hash) && holds(counted, counted));
    EXPECT_TRUE(holds(as_hash, any) && holds(counted, any));
    EXPECT_FALSE(holds(counted, as_hash) || holds(any, as_hash));
    EXPECT_TRUE(holds(plain, plain) && holds(bare, bare));
    EXPECT_FALSE(holds(plain, any) || holds(bare, plain) || holds(plain, bare));
    counted.salt_bytes = 400;
    EXPECT_EQ(reason(pair.sign(counted, bytes_of(digest))), "key.input");
    EXPECT_EQ(reason(pair.sign(any, bytes_of("no digest"))), "key.input");
}

TEST(KeyPair, DecryptsWhatItsPublicHalfEncrypted) {
    const auto& pair = pair_of(rsa_2048);
    const auto sealed = pair.encrypt(bytes_of("text")).value();
    EXPECT_EQ(text_of(pair.decrypt(bytes_of(sealed)).value().bytes()), "text");
    EXPECT_EQ(reason(pair.decrypt(bytes_of("nothing"))), "key.decrypt");
    EXPECT_EQ(reason(pair.encrypt(bytes_of(std::string(191, 'x')))), "key.input");
    EXPECT_TRUE(pair.encrypt(bytes_of(std::string(190, 'x'))));
    EXPECT_TRUE(pair.decrypt(bytes_of(pair.encrypt({}).value())).value().empty());
}

TEST(KeyPair, IsShownInTheFormsThatOpenSslReads) {
    const auto shown = [](KeyPairKind kind) {
        const auto pem = pair_of(kind).secret_pem();
        return pem ? std::string(text_of(pem->bytes()).substr(0, 30)) : pem.error().detail;
    };
    EXPECT_TRUE(shown(rsa_2048).starts_with("-----BEGIN RSA PRIVATE KEY-"));
    EXPECT_TRUE(shown(ecdsa_p521).starts_with("-----BEGIN EC PRIVATE KEY-"));
    EXPECT_EQ(shown(ed25519), "Ed25519 has no such form");
}

}  // namespace
}  // namespace gh::crypto

// Project Wycheproof's vectors for primitives; origin in tests/vectors/wycheproof/ORIGIN.md.

#include <gtest/gtest.h>
#include <openssl/ecdsa.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/hmac.hpp"
#include "crypto/openssl.hpp"
#include "crypto/public_key.hpp"

namespace gh::crypto {
namespace {

using codec::json::Value;

Value read_vectors(const std::string& name) {
    std::ifstream file(std::string(GATEHOUSE_TESTS_DIR) + "/vectors/wycheproof/" + name,
                       std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return codec::json::parse(text, {.bytes_max = 1 << 20}).value();
}

std::string hex(const Value& test, std::string_view name) {
    return codec::decode_hex(*test.find_string(name)).value();
}

/// Calls `judge(group, test)` for every case and compares its answer with the label.
template <class Judge>
void run(const std::string& file, std::size_t cases, Judge judge) {
    const auto vectors = read_vectors(file);
    std::size_t ran = 0;
    for (const auto& group : *vectors.find("testGroups")->array()) {
        for (const auto& test : *group.find("tests")->array()) {
            SCOPED_TRACE(*test.find_string("comment") + " " +
                         std::to_string(*test.find("tcId")->integer()));
            ++ran;
            EXPECT_EQ(judge(group, test), *test.find_string("result") == "valid");
        }
    }
    EXPECT_EQ(ran, cases);
}

TEST(Wycheproof, HmacSha256) {
    run("hmac_sha256_test.json", 174, [](const Value& group, const Value& test) {
        const HmacKey key(HmacHash::sha256, Secret(hex(test, "key")));
        const auto code = key.code_of(hex(test, "msg"));
        const auto size = static_cast<std::size_t>(*group.find("tagSize")->integer() / 8);
        return constant_time_equal(text_of(code.bytes().first(size)), hex(test, "tag"));
    });
}

TEST(Wycheproof, Ed25519) {
    run("ed25519_test.json", 151, [](const Value& group, const Value& test) {
        const auto raw = hex(*group.find("publicKey"), "pk");
        const auto key = PublicKey::from_ed25519(bytes_of(raw)).value();
        const auto pem = PublicKey::from_pem(*group.find_string("publicKeyPem")).value();
        EXPECT_EQ(key.pem(), pem.pem());
        const auto message = hex(test, "msg"), signature = hex(test, "sig");
        return key.verify(SignatureAlgorithm::eddsa, bytes_of(message), bytes_of(signature));
    });
}

/// r and s as JOSE carries them; nothing for what is no DER or does not fit, which JOSE cannot even express.
std::optional<std::vector<std::uint8_t>> raw_of(const std::string& der) {
    const auto* in = bytes_of(der).data();
    const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    clear_errors();
    if (!signature || in != bytes_of(der).data() + der.size()) return std::nullopt;
    const auto *r = ECDSA_SIG_get0_r(signature.get()), *s = ECDSA_SIG_get0_s(signature.get());
    std::vector<std::uint8_t> raw(64);
    if (BN_is_negative(r) || BN_is_negative(s) || BN_bn2binpad(r, raw.data(), 32) != 32 ||
        BN_bn2binpad(s, raw.data() + 32, 32) != 32) {
        return std::nullopt;
    }
    // Only what is DER and nothing but: other encodings of a right signature are labelled wrong.
    std::vector<std::uint8_t> again(
        static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
    auto* out = again.data();
    i2d_ECDSA_SIG(signature.get(), &out);
    if (text_of(again) != der) return std::nullopt;
    return raw;
}

TEST(Wycheproof, EcdsaP256) {
    std::size_t expressible = 0;
    run("ecdsa_secp256r1_sha256_test.json", 484, [&](const Value& group, const Value& test) {
        const auto key = PublicKey::from_pem(*group.find_string("publicKeyPem")).value();
        const auto raw = raw_of(hex(test, "sig"));
        if (!raw) return false;
        ++expressible;
        const auto message = hex(test, "msg");
        return key.verify(SignatureAlgorithm::es256, bytes_of(message), *raw);
    });
    EXPECT_EQ(expressible, 249U);  // the others are encodings that JOSE does not have
}

}  // namespace
}  // namespace gh::crypto

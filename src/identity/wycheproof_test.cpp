// Project Wycheproof's JOSE vectors against our JWS verification; origin in tests/vectors/wycheproof/ORIGIN.md.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "codec/jwk.hpp"
#include "identity/jwt.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {
namespace {

using codec::json::Value;

Value read_vectors(const std::string& name) {
    std::ifstream file(std::string(GATEHOUSE_TESTS_DIR) + "/vectors/wycheproof/" + name,
                       std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return codec::json::parse(text, {.bytes_max = 1 << 20}).value();
}

/// The keys of a group: one key, or a set of them; nothing when we would not take them.
std::optional<KeySet> keys_of(const Value& group) {
    const auto* key = group.find("public");
    if (key == nullptr) key = group.find("private");
    if (key->find("keys")) {
        auto set = codec::read_jwk_set(*key);
        if (!set) return std::nullopt;
        return KeySet::from_jwks(*std::move(set), {.symmetric_allowed = true});
    }
    codec::JwkSet one;
    if (auto jwk = codec::read_jwk(*key)) one.keys.push_back(*std::move(jwk));
    return KeySet::from_jwks(std::move(one), {.symmetric_allowed = true});
}

/// Cases that are judged otherwise than their label says, on purpose.
using Exceptions = std::map<std::int64_t, std::string_view>;

void run(const std::string& file, std::string_view group_prefix, const Exceptions& exceptions,
         std::size_t cases) {
    const auto vectors = read_vectors(file);
    std::size_t ran = 0, excepted = 0;
    for (const auto& group : *vectors.find("testGroups")->array()) {
        if (!group.find_string("comment")->starts_with(group_prefix)) continue;
        const auto keys = keys_of(group);
        for (const auto& test : *group.find("tests")->array()) {
            const auto id = *test.find("tcId")->integer();
            SCOPED_TRACE(*test.find_string("comment") + " " + std::to_string(id));
            ++ran;
            bool valid = *test.find_string("result") == "valid";
            if (exceptions.contains(id)) {
                valid = !valid;
                ++excepted;
            }
            const auto* text = test.find_string("jws");
            // A JSON serialisation given as an object is as little a compact one as its text.
            const auto jws = codec::parse_jws(text ? std::string_view(*text) : "{}");
            const bool believed = keys && jws && verify_signature(*jws, *keys);
            EXPECT_EQ(believed, valid);
        }
    }
    EXPECT_EQ(ran, cases);
    EXPECT_EQ(excepted, exceptions.size());
}

const Exceptions signature_exceptions = {
    {346, "the key says PS256 and the token PS384: a key has one algorithm (RFC 8725 §3.1)"},
    {347, "the key's algorithm is called ES521, which is not registered (RFC 7518 §3.1)"},
    {350, "as 346"},
    {351, "as 347"},
    {367, "labelled invalid, and byte for byte the token of case 357, which is labelled valid"},
    {370, "as 367"},
    {372, "the header holds a '?', which is no base64url character (RFC 7515 §2)"},
    {373, "the payload holds a '?'"},
};

TEST(Wycheproof, EverySignatureIsJudgedAsItsLabelSays) {
    run("json_web_signature_test.json", "", signature_exceptions, 401);
}

TEST(Wycheproof, KeysThatMustNotBeUsedAreNot) { run("json_web_key_test.json", "", {}, 26); }

TEST(Wycheproof, MixedJoseCasesOfTheJwsKind) { run("json_web_crypto_test.json", "jws_", {}, 49); }

// The cases above whose keys we refuse for their label: with the label that the token means they must be right.
TEST(Wycheproof, RelabelledKeysOfRfc7520VerifyTheirTokens) {
    const auto vectors = read_vectors("json_web_signature_test.json");
    std::size_t ran = 0;
    for (const auto& group : *vectors.find("testGroups")->array()) {
        for (const auto& test : *group.find("tests")->array()) {
            const auto id = *test.find("tcId")->integer();
            if (id != 346 && id != 347 && id != 350 && id != 351) continue;
            SCOPED_TRACE(id);
            ++ran;
            codec::json::Members members = *group.find("public")->object();
            std::erase_if(members, [](const auto& member) { return member.first == "alg"; });
            const auto jws = codec::parse_jws(*test.find_string("jws")).value();
            const auto jwk = codec::read_jwk(Value(members)).value();
            const KeySet keys({VerificationKey::from_jwk(jwk, jws.header->algorithm).value()});
            EXPECT_TRUE(verify_signature(jws, keys));
        }
    }
    EXPECT_EQ(ran, 4U);
}

}  // namespace
}  // namespace gh::identity

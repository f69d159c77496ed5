#include "vault/transit/use.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "crypto/hashing.hpp"

namespace gh::vault::transit {
namespace {

/// A key with two versions, in memory.
struct Ring {
    explicit Ring(KeyType type, bool derived = false) {
        facts.key.name = "a";
        facts.key.type = type;
        facts.key.derived = derived;
        facts.latest = 2;
        for (const std::uint32_t version : {1U, 2U})
            materials[version] = std::make_shared<const Material>(Material::generate(type, 0));
    }
    KeyFacts facts;
    Materials materials;

    std::vector<Outcome> run(Verb verb, const std::string& body) const {
        const auto use = parse_use(body);
        if (!use) return {Outcome{.error = use.error().detail}};
        if (const auto checked = check_use(facts, verb, *use); !checked)
            return {Outcome{.error = checked.error().detail}};
        return carry_out(facts, verb, *use, plan(facts, verb, *use), materials);
    }
    Outcome one(Verb verb, const std::string& body) const { return run(verb, body).front(); }
};

std::string quoted(std::string_view name, std::string_view value) {
    return "\"" + std::string(name) + "\": \"" + std::string(value) + "\"";
}
std::string body(std::string_view name, std::string_view value, const std::string& more = "") {
    return "{" + quoted(name, value) + (more.empty() ? "" : ", " + more) + "}";
}

constexpr std::string_view text = "aGVsbG8=";

TEST(TransitUse, DecryptsWhatItEncrypted) {
    for (const auto type : {KeyType::aes128_gcm96, KeyType::aes256_gcm96,
                            KeyType::chacha20_poly1305, KeyType::rsa_2048}) {
        const Ring ring(type);
        const auto sealed = ring.one(Verb::encrypt, body("plaintext", text));
        EXPECT_EQ(sealed.error, "");
        EXPECT_EQ(sealed.version, 2U);
        EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", sealed.text)).text, text);
        const auto old = ring.one(Verb::encrypt, body("plaintext", text, "\"key_version\": 1"));
        EXPECT_TRUE(old.text.starts_with("vault:v1:"));
        const auto again = ring.one(Verb::rewrap, body("ciphertext", old.text));
        EXPECT_TRUE(again.text.starts_with("vault:v2:"));
        EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", again.text)).text, text);
        auto moved = old.text;
        moved[7] = '2';  // another version opens nothing of this one
        EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", moved)).error,
                  "cipher: message authentication failed");
    }
}

TEST(TransitUse, BindsContextAndAssociatedData) {
    const Ring plain(KeyType::aes256_gcm96), derived(KeyType::aes256_gcm96, true);
    const auto associated = quoted("associated_data", "YWQ=");
    const auto bound = plain.one(Verb::encrypt, body("plaintext", text, associated)).text;
    EXPECT_EQ(plain.one(Verb::decrypt, body("ciphertext", bound, associated)).text, text);
    EXPECT_NE(plain.one(Verb::decrypt, body("ciphertext", bound)).error, "");
    const auto context = quoted("context", "Yw=="), other = quoted("context", "ZA==");
    const auto sealed = derived.one(Verb::encrypt, body("plaintext", text, context)).text;
    EXPECT_EQ(derived.one(Verb::decrypt, body("ciphertext", sealed, context)).text, text);
    EXPECT_NE(derived.one(Verb::decrypt, body("ciphertext", sealed, other)).error, "");
    EXPECT_TRUE(derived.one(Verb::decrypt, body("ciphertext", sealed))
                    .error.starts_with("missing 'context'"));
    EXPECT_EQ(derived.one(Verb::encrypt, body("plaintext", text, quoted("context", "!"))).error,
              "failed to base64-decode context");
    EXPECT_NE(Ring(KeyType::rsa_2048).one(Verb::encrypt, body("plaintext", text, associated)).error,
              "");
}

TEST(TransitUse, KeepsToTheVersionsThatMayBeUsed) {
    Ring ring(KeyType::aes256_gcm96);
    const auto old = ring.one(Verb::encrypt, body("plaintext", text, "\"key_version\": 1")).text;
    const auto too_new = ring.one(Verb::encrypt, body("plaintext", text, "\"key_version\": 3"));
    EXPECT_TRUE(too_new.error.ends_with("is higher than the latest key version"));
    EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", "vault:v3:AAAA")).error,
              "invalid ciphertext: version is too new");
    const auto use = parse_use(body("ciphertext", "vault:v3:AAAA")).value();
    EXPECT_TRUE(plan(ring.facts, Verb::decrypt, use).front().is_ahead);
    ring.facts.min_decryption = 2;
    EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", old)).error,
              "ciphertext or signature version is disallowed by policy (too old)");
    EXPECT_NE(ring.one(Verb::encrypt, body("plaintext", text, "\"key_version\": 1")).error, "");
    ring.facts.min_decryption = 1;
    ring.facts.min_encryption = 2;
    EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", old)).text, text);
    EXPECT_NE(ring.one(Verb::encrypt, body("plaintext", text, "\"key_version\": 1")).error, "");
    ring.materials.erase(1);
    EXPECT_EQ(ring.one(Verb::decrypt, body("ciphertext", old)).error, "no such key version");
}

TEST(TransitUse, TellsItemsOfABatchApart) {
    const Ring ring(KeyType::chacha20_poly1305);
    const auto sealed =
        ring.run(Verb::encrypt, R"({"batch_input": [{"plaintext": "aGk="}, {"plaintext": "!"}, {},
                           {"plaintext": ""}]})");
    ASSERT_EQ(sealed.size(), 4U);
    EXPECT_EQ(sealed[0].error, "");
    EXPECT_EQ(sealed[1].error, "plaintext is no base64");
    EXPECT_EQ(sealed[2].error, "missing plaintext to encrypt");
    EXPECT_EQ(sealed[3].error, "");
    EXPECT_TRUE(ring.one(Verb::encrypt, R"({"batch_input": [{"plaintext": "aGk="},
                                            {"plaintext": "aGk=", "context": "Yw=="}]})")
                    .error.starts_with("context should be set either in all"));
    const auto big = codec::encode_base64(std::string(text_bytes_max, 'x'));
    EXPECT_EQ(ring.one(Verb::encrypt, body("plaintext", big)).error, "");
    const auto bigger = codec::encode_base64(std::string(text_bytes_max + 1, 'x'));
    EXPECT_EQ(ring.one(Verb::encrypt, body("plaintext", bigger)).error,
              "plaintext has more than 1 MiB");
}

TEST(TransitUse, ChecksWhatItSigned) {
    for (const auto type : {KeyType::ed25519, KeyType::ecdsa_p256, KeyType::ecdsa_p384,
                            KeyType::ecdsa_p521, KeyType::rsa_2048}) {
        const Ring ring(type);
        for (const auto* how :
             {R"("hash_algorithm": "sha2-224")", R"("hash_algorithm": "sha3-512")",
              R"("marshaling_algorithm": "jws")", R"("signature_algorithm": "pkcs1v15")",
              R"("salt_length": "hash")", R"("salt_length": 20)"}) {
            SCOPED_TRACE(std::string(name_of(type)) + " " + how);
            const auto made = ring.one(Verb::sign, body("input", text, how));
            ASSERT_EQ(made.error, "");
            const auto check = [&](std::string_view input) {
                return ring.one(Verb::verify,
                                body("input", input, quoted("signature", made.text) + "," + how));
            };
            EXPECT_TRUE(check(text).valid);
            EXPECT_FALSE(check("AAAA").valid);
            EXPECT_EQ(check("AAAA").error, "");
        }
    }
    const Ring derived(KeyType::ed25519, true);
    const auto context = quoted("context", "Yw==");
    const auto made = derived.one(Verb::sign, body("input", text, context));
    EXPECT_EQ(codec::decode_base64(made.public_key)->size(), 32U);
    const auto with = quoted("signature", made.text) + ",";
    EXPECT_TRUE(derived.one(Verb::verify, body("input", text, with + context)).valid);
    EXPECT_FALSE(
        derived.one(Verb::verify, body("input", text, with + quoted("context", "ZA=="))).valid);
}

TEST(TransitUse, TakesDigestsThatWereMadeElsewhere) {
    const Ring ring(KeyType::rsa_2048);
    const auto digest =
        codec::encode_base64(crypto::digest_of(crypto::Hash::sha2_256, crypto::bytes_of("hello")));
    const auto made = ring.one(Verb::sign, body("input", digest, R"("prehashed": true)")).text;
    EXPECT_TRUE(ring.one(Verb::verify, body("input", text, quoted("signature", made))).valid);
    const auto* bare =
        R"("prehashed": true, "hash_algorithm": "none", "signature_algorithm": "pkcs1v15")";
    const auto plain = ring.one(Verb::sign, body("input", text, bare));
    EXPECT_EQ(plain.error, "");
    EXPECT_TRUE(
        ring.one(Verb::verify, body("input", text, quoted("signature", plain.text) + "," + bare))
            .valid);
    EXPECT_TRUE(ring.one(Verb::sign, body("input", text, R"("hash_algorithm": "none")"))
                    .error.starts_with("hash_algorithm=none requires"));
    EXPECT_EQ(ring.one(Verb::sign, body("input", text, R"("prehashed": true)")).error,
              "the input is no digest of this hash, or the key has no room for this salt");
}

TEST(TransitUse, WantsADigestWhereItDoesNotHash) {
    const Ring ring(KeyType::ecdsa_p256);
    const auto made = ring.one(Verb::sign, R"({"input": ""})").text;
    const auto with = quoted("signature", made) + R"(,"prehashed": true)";
    EXPECT_EQ(ring.one(Verb::verify, "{" + with + "}").error, "missing input");
    EXPECT_EQ(ring.one(Verb::sign, R"({"prehashed": true})").error, "missing input");
    EXPECT_FALSE(ring.one(Verb::verify, body("input", "", with)).valid);
    EXPECT_EQ(ring.one(Verb::sign, body("input", text, R"("prehashed": true)")).error,
              "the input is no digest of this hash");
    const auto digest =
        codec::encode_base64(crypto::digest_of(crypto::Hash::sha2_256, crypto::bytes_of("")));
    EXPECT_TRUE(ring.one(Verb::verify, body("input", digest, with)).valid);
}

TEST(TransitUse, UsesNoMaterialOfAnotherType) {
    for (const auto kept : {KeyType::aes256_gcm96, KeyType::ed25519, KeyType::rsa_2048}) {
        for (const auto type : {KeyType::aes128_gcm96, KeyType::chacha20_poly1305,
                                KeyType::ecdsa_p256, KeyType::ed25519, KeyType::rsa_2048}) {
            const bool fits = kept == type ||
                              (kept == KeyType::aes256_gcm96 && type == KeyType::chacha20_poly1305);
            if (fits) continue;
            Ring ring(kept);
            ring.facts.key.type = type;
            SCOPED_TRACE(std::string(name_of(kept)) + " as " + std::string(name_of(type)));
            for (const auto verb : {Verb::encrypt, Verb::sign, Verb::hmac}) {
                const auto use =
                    parse_use(body(verb == Verb::encrypt ? "plaintext" : "input", text));
                if (!check_use(ring.facts, verb, *use)) continue;
                EXPECT_EQ(ring.one(verb, std::string(crypto::text_of(use->text.bytes()))).error,
                          "no such key version");
            }
        }
    }
}

TEST(TransitUse, PinsABatchToAVersion) {
    const Ring ring(KeyType::ed25519);
    const auto starts = [&](const Outcome& outcome, const char* with) {
        EXPECT_TRUE(outcome.text.starts_with(with)) << outcome.text << outcome.error;
    };
    for (const auto verb : {Verb::sign, Verb::hmac}) {
        const auto made = ring.run(verb, R"({"key_version": 1, "batch_input": [{"input": "aGk="},
                                             {"input": "aGk=", "key_version": 2}]})");
        ASSERT_EQ(made.size(), 2U);
        starts(made[0], "vault:v1:");
        starts(made[1], "vault:v2:");
        starts(ring.one(verb, R"({"batch_input": [{"input": "aGk="}]})"), "vault:v2:");
    }
    const auto sealed =
        Ring(KeyType::aes256_gcm96).one(Verb::encrypt, R"({"key_version": 1, "batch_input":
                                                    [{"plaintext": "aGk="}]})");
    EXPECT_EQ(sealed.error, "key_version stands beside batch_input, not in its items");
}

TEST(TransitUse, MakesAndChecksHmacsWithEveryType) {
    for (const auto type : {KeyType::hmac, KeyType::aes256_gcm96, KeyType::ed25519}) {
        const Ring ring(type);
        const auto made = ring.one(Verb::hmac, body("input", text, R"("algorithm": "sha3-256")"));
        ASSERT_EQ(made.error, "");
        const auto with = quoted("hmac", made.text);
        EXPECT_TRUE(
            ring.one(Verb::verify_hmac, body("input", text, with + R"(,"algorithm": "sha3-256")"))
                .valid);
        EXPECT_FALSE(ring.one(Verb::verify_hmac, body("input", text, with)).valid);
        EXPECT_FALSE(
            ring.one(Verb::verify_hmac, body("input", "AAAA", with + R"(,"algorithm": "sha3-256")"))
                .valid);
    }
}

TEST(TransitUse, RefusesWhatAKeyIsNotFor) {
    const auto error = [](KeyType type, Verb verb, const std::string& more = "") {
        return Ring(type).one(verb, body("input", text, more)).error;
    };
    EXPECT_EQ(error(KeyType::ed25519, Verb::encrypt),
              "message encryption not supported for key type ed25519");
    EXPECT_EQ(error(KeyType::hmac, Verb::decrypt),
              "message decryption not supported for key type hmac");
    EXPECT_EQ(error(KeyType::aes256_gcm96, Verb::sign),
              "key type aes256-gcm96 does not support signing");
    EXPECT_EQ(error(KeyType::hmac, Verb::verify), "key type hmac does not support verification");
    EXPECT_EQ(error(KeyType::ed25519, Verb::sign, R"("hash_algorithm": "sha1")"),
              "invalid hash algorithm \"sha1\"");
    EXPECT_EQ(error(KeyType::ed25519, Verb::sign, R"("marshaling_algorithm": "x")"),
              "invalid marshaling type \"x\"");
    EXPECT_NE(error(KeyType::ed25519, Verb::sign, R"("signature_algorithm": "x")"), "");
    EXPECT_NE(error(KeyType::ed25519, Verb::sign, R"("salt_length": "some")"), "");
    EXPECT_NE(error(KeyType::ed25519, Verb::sign, R"("salt_length": 513)"), "");
    EXPECT_EQ(error(KeyType::hmac, Verb::hmac, R"("algorithm": "md5")"),
              "unsupported algorithm \"md5\"");
    std::string items = R"({"input": "aGk="})";
    for (std::size_t i = 0; i < slow_batch_items_max; ++i) items += R"(,{"input": "aGk="})";
    const auto many = R"({"batch_input": [)" + items + "]}";
    EXPECT_NE(Ring(KeyType::rsa_2048).one(Verb::sign, many).error, "");
    EXPECT_EQ(Ring(KeyType::ed25519).one(Verb::sign, many).error, "");
}

}  // namespace
}  // namespace gh::vault::transit

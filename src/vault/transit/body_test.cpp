#include "vault/transit/body.hpp"

#include <gtest/gtest.h>

namespace gh::vault::transit {
namespace {

std::string detail(const auto& result) { return result ? "" : result.error().detail; }

TEST(TransitBody, ReadsOneTextOrMany) {
    auto one = parse_use(R"({"plaintext": "aGk=", "context": "Yw==", "key_version": "3"})");
    ASSERT_TRUE(one) << detail(one);
    EXPECT_FALSE(one->is_batch);
    const auto moved = *std::move(one);  // what it says lies where it lay
    ASSERT_EQ(moved.items.size(), 1U);
    EXPECT_EQ(moved.items[0].plaintext, "aGk=");
    EXPECT_EQ(moved.items[0].context, "Yw==");
    EXPECT_EQ(moved.items[0].key_version, 3U);
    EXPECT_FALSE(moved.items[0].ciphertext);

    const auto many = parse_use(
        R"({"plaintext": null, "batch_input": [{"input": "\u0061Gk=", "reference": "r"}, {}]})");
    ASSERT_TRUE(many) << detail(many);
    EXPECT_TRUE(many->is_batch);
    ASSERT_EQ(many->items.size(), 2U);
    EXPECT_EQ(many->items[0].input, "aGk=");
    EXPECT_EQ(many->items[0].reference, "r");
    EXPECT_FALSE(many->items[1].input);
    const auto pinned = parse_use(R"({"key_version": "2", "context": null, "batch_input": [
        {"plaintext": null, "context": "Yw==", "key_version": 3, "nonce": ""}]})");
    ASSERT_TRUE(pinned) << detail(pinned);
    EXPECT_EQ(pinned->key_version, 2U);
    EXPECT_EQ(pinned->items[0].key_version, 3U);
    EXPECT_TRUE(parse_use(""));
    EXPECT_TRUE(parse_use(" {} "));
}

TEST(TransitBody, ReadsHowItIsToBeSigned) {
    const auto use = parse_use(
        R"({"algorithm": "sha2-512", "hash_algorithm": "sha3-256", "prehashed": "true",
            "signature_algorithm": "pkcs1v15", "marshaling_algorithm": "jws", "salt_length": 20})");
    ASSERT_TRUE(use) << detail(use);
    EXPECT_EQ(use->hash, "sha3-256");
    EXPECT_TRUE(use->prehashed);
    EXPECT_EQ(use->signature_algorithm, "pkcs1v15");
    EXPECT_EQ(use->marshaling, "jws");
    EXPECT_EQ(use->salt_length, "20");
    EXPECT_EQ(parse_use(R"({"algorithm": "sha2-512"})")->hash, "sha2-512");
    EXPECT_EQ(parse_use(R"({"salt_length": "Hash"})")->salt_length, "hash");
}

TEST(TransitBody, RefusesWhatItHasNoAnswerFor) {
    for (const auto* body : {"[]",
                             "{",
                             "1",
                             R"({"other": 1})",
                             R"({"plaintext": 1})",
                             R"({"key_version": -1})",
                             R"({"key_version": 1.5})",
                             R"({"key_version": "x"})",
                             R"({"key_version": 4294967296})",
                             R"({"prehashed": 2})",
                             R"({"salt_length": []})",
                             R"({"batch_input": {}})",
                             R"({"batch_input": []})",
                             R"({"batch_input": [1]})",
                             R"({"nonce": "AAAA"})",
                             R"({"batch_input": [{"nonce": "AAAA"}]})",
                             R"({"batch_input": [{"input": "", "other": 1}]})",
                             R"({"batch_input": [{"hash_algorithm": "sha2-512"}]})",
                             R"({"batch_input": [{"batch_input": 1}]})",
                             R"({"context": "Yw==", "batch_input": [{}]})",
                             R"({"nonce": "", "batch_input": [{}]})",
                             R"({"associated_data": "Yw==", "batch_input": [{}]})",
                             R"({"input": "", "batch_input": [{}]})",
                             R"({"key_version": -1, "batch_input": [{}]})",
                             R"({"convergent_encryption": true})"}) {
        const auto use = parse_use(body);
        ASSERT_FALSE(use) << body;
        EXPECT_EQ(use.error().reason, "transit.body");
    }
    std::string items = "{}";
    for (std::size_t i = 1; i < batch_items_max; ++i) items += ",{}";
    EXPECT_TRUE(parse_use(R"({"batch_input": [)" + items + "]}"));
    EXPECT_FALSE(parse_use(R"({"batch_input": [{},)" + items + "]}"));
    const auto with_context = [](std::size_t size) {
        return parse_use(R"({"context": ")" + std::string(size, 'A') + "\"}");
    };
    EXPECT_TRUE(with_context(context_bytes_max / 3 * 4 + 4));
    EXPECT_FALSE(with_context(context_bytes_max / 3 * 4 + 8));
}

TEST(TransitBody, ReadsWhatAKeyIsToBe) {
    const auto plain = parse_new_key("a", "");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->type, KeyType::aes256_gcm96);
    EXPECT_FALSE(plain->derived || plain->exportable);
    const auto key =
        parse_new_key("a", R"({"type": "ed25519", "derived": true, "exportable": "true",
                 "auto_rotate_period": "30d", "convergent_encryption": false})");
    ASSERT_TRUE(key) << detail(key);
    EXPECT_TRUE(key->derived && key->exportable);
    EXPECT_EQ(key->auto_rotate, std::chrono::days(30));
    EXPECT_EQ(parse_new_key("a", R"({"type": "hmac", "key_size": 64})")->key_bytes, 64U);
    EXPECT_EQ(parse_new_key("a", R"({"auto_rotate_period": 7200})")->auto_rotate, seconds(7'200));
    EXPECT_EQ(parse_new_key("a", R"({"auto_rotate_period": "1h30m"})")->auto_rotate,
              seconds(5'400));
    for (const auto* body :
         {R"({"type": "des"})", R"({"type": "hmac", "key_size": 31})",
          R"({"type": "hmac", "key_size": 513})", R"({"key_size": 32})",
          R"({"type": "rsa-2048", "derived": true})", R"({"convergent_encryption": true})",
          R"({"allow_plaintext_backup": true})", R"({"auto_rotate_period": "soon"})",
          R"({"auto_rotate_period": 59})", R"({"auto_rotate_period": -1})",
          R"({"auto_rotate_period": "99999999999999999999d"})", R"({"managed_key_name": "x"})"})
        EXPECT_FALSE(parse_new_key("a", body)) << body;
}

TEST(TransitBody, ReadsSettingsAndTools) {
    const auto wanted = parse_key_settings(
        R"({"min_decryption_version": 2, "deletion_allowed": true, "exportable": null})");
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->min_decryption, 2U);
    EXPECT_FALSE(wanted->min_encryption);
    EXPECT_EQ(wanted->deletion_allowed, true);
    EXPECT_FALSE(wanted->becomes_exportable);
    EXPECT_FALSE(parse_key_settings(R"({"type": "hmac"})"));
    EXPECT_EQ(parse_trim(R"({"min_available_version": 4})"), 4U);
    EXPECT_FALSE(parse_trim("{}"));
    EXPECT_TRUE(parse_nothing(""));
    EXPECT_FALSE(parse_nothing(R"({"x": 1})"));
    const auto tool = parse_tool(R"({"input": "YWJj", "algorithm": "sha3-256", "bytes": "64"})");
    ASSERT_TRUE(tool);
    EXPECT_EQ(crypto::text_of(tool->input.bytes()), "abc");
    EXPECT_EQ(tool->bytes, 64U);
    EXPECT_FALSE(parse_tool(R"({"input": "YWJ"})"));
    EXPECT_FALSE(parse_tool(R"({"source": "seal"})"));
}

}  // namespace
}  // namespace gh::vault::transit

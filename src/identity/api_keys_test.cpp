#include "identity/api_keys.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::identity {
namespace {

constexpr SystemTime now{std::chrono::seconds{1000}};

std::shared_ptr<const ApiKeyHasher> test_hasher() {
    return std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
}

TEST(ApiKey, IsMadeOfAnIdAndASecret) {
    const auto key = generate_api_key("ci-1").value();
    EXPECT_TRUE(key.starts_with("gh_ci-1_"));
    EXPECT_EQ(api_key_id(key), "ci-1");
    EXPECT_NE(generate_api_key("ci-1").value(), key);
    for (const std::string_view id :
         {"", "CI", "a_b", "a b", "123456789012345678901234567890123"}) {
        EXPECT_FALSE(generate_api_key(id)) << id;
    }
}

TEST(ApiKey, HasOneForm) {
    const std::string secret =
        "abcdefghijklmnopqrstuvwxyz_-0123456789ABCDF";      // secret-scan: allow made for tests
    EXPECT_EQ(api_key_id("gh_a_" + secret), std::nullopt);  // bits that 32 bytes do not need
    const std::string good = "abcdefghijklmnopqrstuvwxyz_-0123456789ABCDE";
    EXPECT_EQ(api_key_id("gh_a_" + good), "a");
    for (const auto& text :
         {"gh_a_" + good.substr(0, 42), "gh_a_" + good + "A", "gh__" + good, "gh_a" + good,
          "GH_a_" + good, "gh_a_" + good.substr(0, 42) + "=", std::string("gh_"), std::string()}) {
        EXPECT_EQ(api_key_id(text), std::nullopt) << text;
    }
}

TEST(ApiKeyTable, KnowsItsOwnAndNoOthers) {
    const auto hasher = test_hasher();
    const auto made = generate_api_key("ci").value();
    std::vector<ApiKey> keys(3);
    keys[0] = {.hash = hasher->of_text(made), .id = "ci", .roles = {"user"}, .scopes = {"read"}};
    keys[1] = {.hash = hasher->of_text("an opaque key from before"),
               .id = "old",
               .subject = "legacy",
               .expires = now};
    keys[2] = {.hash = hasher->of_digest(crypto::sha256("known by its digest")), .id = "digest"};
    const auto table = ApiKeyTable::make(hasher, std::move(keys)).value();
    EXPECT_EQ(table.size(), 3U);

    const auto principal = table.find(made, now).value();
    EXPECT_EQ(principal->type, access::PrincipalType::api_key);
    EXPECT_EQ(principal->subject, "ci");
    EXPECT_EQ(principal->token_id, "ci");
    EXPECT_EQ(principal->role, access::Role::user);
    EXPECT_EQ(
        table.find("an opaque key from before", now - std::chrono::seconds(1)).value()->subject,
        "legacy");
    EXPECT_EQ(table.find("known by its digest", now).value()->subject, "digest");

    const auto reason = [&](std::string_view text) {
        const auto found = table.find(text, now);
        return found ? "" : found.error().reason;
    };
    EXPECT_EQ(reason("an opaque key from before"), "key.expired");
    EXPECT_EQ(reason("an opaque key from befor"), "key.unknown");
    EXPECT_EQ(reason(generate_api_key("ci").value()), "key.unknown");
    EXPECT_EQ(reason(made.substr(0, made.size() - 1)), "key.malformed");
    EXPECT_EQ(reason(""), "key.malformed");
    EXPECT_EQ(reason(" "), "key.unknown");
    EXPECT_EQ(reason(std::string(api_key_bytes_max, 'a')), "key.unknown");
    EXPECT_EQ(reason(std::string(api_key_bytes_max + 1, 'a')), "key.malformed");
}

TEST(ApiKeyTable, AnEmptyOneKnowsNobody) {
    EXPECT_EQ(ApiKeyTable().find("anything", now).error().reason, "key.unknown");
    EXPECT_EQ(ApiKeyTable().find("", now).error().reason, "key.malformed");
}

TEST(ApiKeyTable, RefusesTheSameKeyTwice) {
    const auto hasher = test_hasher();
    std::vector<ApiKey> keys{{.hash = hasher->of_text("same"), .id = "a"},
                             {.hash = hasher->of_text("same"), .id = "b"}};
    EXPECT_EQ(ApiKeyTable::make(hasher, std::move(keys)).error().reason, "key.duplicate");
}

TEST(ApiKeyHasher, HashesDifferFromOneInstallationToTheNext) {
    EXPECT_NE(test_hasher()->of_text("key"), test_hasher()->of_text("key"));
}

}  // namespace
}  // namespace gh::identity

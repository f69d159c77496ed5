#include "vault/backend/azure_documents.hpp"

#include <gtest/gtest.h>

#include "vault/secret_fields.hpp"

namespace gh::vault::azure {
namespace {

std::string text(const crypto::Secret& secret) {
    return std::string(crypto::text_of(secret.bytes()));
}

TEST(AzureNames, HaveWhatIsAllowedThere) {
    EXPECT_EQ(name_of("env/JWT_SECRET_KEY").value(), "env--JWT-SECRET-KEY");
    EXPECT_EQ(name_of("a.b-c").value(), "a-b-c");
    for (const auto* bad : {"a b", "\xc3\xa4", "a:b"})
        EXPECT_EQ(name_of(bad).error().reason, "backend.name") << bad;
    EXPECT_EQ(name_of("").error().reason, "secret.path");
    EXPECT_EQ(name_of(std::string(128, 'a')).error().reason, "backend.name");
}

TEST(AzureSecrets, ComeBackAsTheyWereSet) {
    const auto one = one_field(only_field, "hunter \"2\"");
    const auto many = crypto::Secret(std::string_view(R"({"user":"ada","port":25})"));
    EXPECT_EQ(bundle_of("a/b", one).value(),
              R"({"value":"hunter \"2\"","contentType":"text/plain","tags":{"path":"a/b"}})");
    for (const auto* fields : {&one, &many}) {
        const auto back = parse_bundle(bundle_of("a/b", *fields).value()).value();
        EXPECT_EQ(text(back.fields), text(*fields));
        EXPECT_EQ(back.path, "a/b");
    }
    const auto others = parse_bundle(R"({"value":"{\"a\":1}","id":"x"})").value();
    EXPECT_EQ(text(others.fields), R"({"value":"{\"a\":1}"})") << "text, unless it says otherwise";
    EXPECT_FALSE(others.path);
    EXPECT_EQ(
        bundle_of("a", one_field(only_field, std::string(value_bytes_max + 1, 'x'))).error().reason,
        "secret.too_long");
    for (const auto* bad : {"", "[]", "{}", R"({"value":1})", R"({"value":"a","value":"b"})"})
        EXPECT_EQ(parse_bundle(bad).error().reason, "backend.malformed") << bad;
}

TEST(AzurePages, NameWhatIsThere) {
    const auto page = parse_page(
        R"({"value":[{"id":"https://v/secrets/a--b","tags":{"path":"a/b"}},)"
        R"({"id":"https://v/secrets/plain/0123"},{"id":"https://v/secrets/c","tags":{"path":"../c"}}],)"
        R"("nextLink":"https://v/secrets?x"})");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->paths, (std::vector<std::string>{"a/b", "plain", "c"}));
    EXPECT_EQ(page->next, "https://v/secrets?x");
    EXPECT_TRUE(parse_page(R"({"value":[],"nextLink":null})").value().next.empty());
    for (const auto* bad : {"{}", R"({"value":{}})", R"({"value":[{"id":"https://v/keys/a"}]})"})
        EXPECT_EQ(parse_page(bad).error().reason, "backend.malformed") << bad;
}

TEST(AzureTokens, HaveAnEnd) {
    const auto token = parse_token(R"({"access_token":"abc","expires_in":3599})").value();
    EXPECT_EQ(text(token.text), "abc");
    EXPECT_EQ(token.expires_in, 3599);
    EXPECT_EQ(parse_token(R"({"access_token":"abc","expires_in":99999999})").value().expires_in,
              86'400);
    for (const auto* bad : {"{}", R"({"access_token":""})", "{\"access_token\":\"a\\r\\nb\"}"})
        EXPECT_FALSE(parse_token(bad)) << bad;
}

TEST(AzureErrors, SayWhatTheyMean) {
    EXPECT_EQ(parse_error(R"({"error":{"code":"Forbidden","message":"no\nway"}})"),
              "Forbidden: no way");
    EXPECT_EQ(parse_error(R"({"error":"invalid_client","error_description":"bad"})"),
              "invalid_client: bad");
    EXPECT_EQ(parse_error("<html>"), "");
    EXPECT_EQ(parse_error(R"({"error":{"message":")" + std::string(1000, 'x') + "\"}}").size(),
              300U);
}

}  // namespace
}  // namespace gh::vault::azure

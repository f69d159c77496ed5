#include "vault/token_body.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "vault/json_body.hpp"

namespace gh::vault::kv {
namespace {

using std::chrono::hours;

template <class T>
std::string_view reason(const Result<T>& result) {
    return result ? "" : result.error().reason;
}

TEST(TokenBody, SaysWhatATokenIsToBe) {
    const auto wanted = parse_wanted_token(
        R"({"policies":["Team","other"],"ttl":"1h","explicit_max_ttl":7200,"renewable":"false",)"
        R"("meta":{"for":"ci"},"display_name":"ci","no_parent":true,"num_uses":0,"type":"service"})");
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->policies, (std::vector<std::string>{"team", "other"}));
    EXPECT_EQ(parse_wanted_token(R"({"policies":"Team, other"})")->policies, wanted->policies);
    EXPECT_EQ(wanted->terms.ttl, hours(1));
    EXPECT_EQ(wanted->terms.explicit_max_ttl, hours(2));
    EXPECT_FALSE(wanted->terms.renewable || wanted->terms.period);
    EXPECT_EQ(wanted->meta, R"({"for":"ci"})");
    EXPECT_EQ(wanted->display_name, "ci");
    EXPECT_TRUE(wanted->is_orphan);
}

TEST(TokenBody, NothingIsAWishToo) {
    for (const std::string_view body : {"", "{}", R"({"ttl":"","policies":null,"period":0})"}) {
        const auto wanted = parse_wanted_token(body);
        ASSERT_TRUE(wanted) << body;
        EXPECT_EQ(wanted->terms.ttl, token_ttl_usual);
        EXPECT_TRUE(wanted->terms.renewable && wanted->policies.empty() && !wanted->is_orphan);
        EXPECT_FALSE(wanted->terms.period || wanted->terms.explicit_max_ttl);
    }
    EXPECT_EQ(parse_wanted_token(R"({"ttl":"9h","explicit_max_ttl":"1h"})")->terms.ttl, hours(1));
    EXPECT_EQ(parse_wanted_token(R"({"ttl":"9h","period":"1h"})")->terms.ttl, hours(1));
}

TEST(TokenBody, WhatWouldBeAnotherTokenIsRefused) {
    for (const std::string_view body :
         {"[]", R"({"more":1})", R"({"id":"mine"})", R"({"role_name":"x"})", R"({"type":"batch"})",
          R"({"entity_alias":"x"})", R"({"num_uses":1})", R"({"policies":["root"]})",
          R"({"policies":["a b"]})", R"({"policies":[1]})", R"({"ttl":"soon"})", R"({"ttl":-1})",
          R"({"ttl":"999999999d"})", R"({"meta":[]})", R"({"meta":{"a":1}})",
          R"({"renewable":"perhaps"})", R"({"no_parent":1})"})
        EXPECT_EQ(reason(parse_wanted_token(body)), "kv.body") << body;
    const auto longer = R"({"display_name":")" + std::string(101, 'x') + "\"}";
    EXPECT_EQ(reason(parse_wanted_token(longer)), "kv.body");
}

TEST(TokenBody, NamesATokenOrItsAccessor) {
    const std::string body = R"({"token":"gh_a_b","increment":"2h"})";
    const auto named = parse_named_token(body, "token");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->text, "gh_a_b");
    EXPECT_EQ(named->increment, hours(2));
    EXPECT_EQ(parse_named_token(R"({"accessor":"a"})", "accessor")->accessor, "a");
    EXPECT_FALSE(parse_named_token("", "")->increment);
    EXPECT_EQ(parse_named_token(R"({"increment":60})", "")->increment, seconds(60));
    for (const std::string_view wrong :
         {"", "{}", R"({"token":""})", R"({"token":1})", R"({"accessor":"a"})",
          R"({"token":"a","increment":"x"})", R"({"token":"\u0061"})"})
        EXPECT_EQ(reason(parse_named_token(wrong, "token")), "kv.body") << wrong;
    EXPECT_EQ(parse_named_token(body, "")->text, "") << "renew-self names none";
}

TEST(TokenBody, DurationsAreSecondsOrHoursMinutesSeconds) {
    EXPECT_EQ(duration_of("90"), seconds(90));
    EXPECT_EQ(duration_of("1d2h3m4s"), seconds(93'784));
    EXPECT_GT(duration_of("99999999999999"), duration_max);
    EXPECT_GT(duration_of("4294967295d"), duration_max);
    for (const std::string_view wrong : {"", "-1", "+1", "1.5", "1x", "s", "1m1h", "1 h", "9h 1m"})
        EXPECT_FALSE(duration_of(wrong)) << wrong;
}

TEST(TokenBody, ShowsATokenAndHidesWhatItIsNot) {
    Token token;
    token.accessor = "a1";
    token.display_name = "token-ci";
    token.policies = {"team"};
    const SystemTime now{seconds(1'700'000'000)};
    token.created_at = now;
    token.expires_at = now + seconds(10);
    const auto read = codec::json::parse(text_of(token, "gh_a_b", now + milliseconds(1), "r"));
    ASSERT_TRUE(read);
    const auto* data = read->find("data");
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(*data->find("ttl")->integer(), 10) << "a part of a second is one";
    EXPECT_EQ(*data->find("renewable")->boolean(), false) << "it was not made here";
    EXPECT_EQ(*data->find_string("id"), "gh_a_b");
    const auto over = codec::json::parse(text_of(token, {}, now + seconds(99), "r"));
    EXPECT_EQ(*over->find("data")->find("ttl")->integer(), 0);
    const auto auth = codec::json::parse(text_of_auth(token, "gh_a_b", now, "r"));
    ASSERT_TRUE(auth);
    EXPECT_EQ(*auth->find("auth")->find_string("client_token"), "gh_a_b");
    EXPECT_TRUE(auth->find("data")->is_null());
}

}  // namespace
}  // namespace gh::vault::kv

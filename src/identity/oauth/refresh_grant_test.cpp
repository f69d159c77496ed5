#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/testing.hpp"

namespace gh::identity::oauth {
namespace {

class RefreshGrantTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Engines, RefreshGrantTest, storage::both_engines, storage::engine_name);

TEST_P(RefreshGrantTest, EachUseGivesANewOneAndMayAskForLess) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    now += seconds(100);
    const auto second = refresh(client, said(first, "refresh_token"), {{"scope", "openid"}});
    ASSERT_EQ(second.status, 200) << second.body;
    EXPECT_EQ(said(second, "scope"), "openid");
    EXPECT_NE(said(second, "refresh_token"), said(first, "refresh_token"));
    const auto id_token = claims_of(said(second, "id_token"));
    EXPECT_EQ(id_token.find("nonce"), nullptr);
    EXPECT_EQ(id_token.find("auth_time")->integer(), 1'700'000'000);
    const auto third = refresh(client, said(second, "refresh_token"));
    EXPECT_EQ(said(third, "scope"), "openid users:read") << "narrowing is not for good";
    const auto more = refresh(client, said(third, "refresh_token"), {{"scope", "openid email"}});
    EXPECT_EQ(said(more, "error"), "invalid_scope");
    EXPECT_EQ(refresh(client, said(third, "refresh_token")).status, 200) << "and costs nothing";
}

TEST_P(RefreshGrantTest, OneThatIsUsedAgainEndsItsFamily) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    const auto second = refresh(client, said(first, "refresh_token"));
    now += refresh_grace;
    const auto stolen = refresh(client, said(first, "refresh_token"));
    EXPECT_EQ(stolen.code, "oauth.refresh_reused");
    EXPECT_EQ(said(stolen, "error"), "invalid_grant");
    EXPECT_EQ(last_act(), "oauth.refresh_reused");
    EXPECT_EQ(acts().back().severity, audit::Severity::high);
    EXPECT_EQ(refresh(client, said(second, "refresh_token")).code, "oauth.grant_ended");
    EXPECT_FALSE(is_active(client, said(first, "access_token")));
    EXPECT_FALSE(is_active(client, said(second, "access_token")));
}

TEST_P(RefreshGrantTest, ALostAnswerMayBeAskedForAgain) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    const auto lost = refresh(client, said(first, "refresh_token"));
    now += refresh_grace - seconds(1);
    const auto again = refresh(client, said(first, "refresh_token"));
    ASSERT_EQ(again.status, 200) << again.body;
    EXPECT_NE(said(again, "refresh_token"), said(lost, "refresh_token"));
    EXPECT_EQ(refresh(client, said(again, "refresh_token")).status, 200);
    // Whoever has the lost one did not get it from us.
    EXPECT_EQ(refresh(client, said(lost, "refresh_token")).code, "oauth.refresh_reused");
}

TEST_P(RefreshGrantTest, NotOnceTheAnswerWasUsed) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    const auto second = refresh(client, said(first, "refresh_token"));
    ASSERT_EQ(refresh(client, said(second, "refresh_token")).status, 200);
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.refresh_reused");
}

TEST_P(RefreshGrantTest, BelongsToItsClient) {
    const auto client = add_client(), other = add_client();
    const auto first = redeem(client, code_for(client));
    EXPECT_EQ(refresh(other, said(first, "refresh_token")).code, "oauth.refresh_client");
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).status, 200);
    EXPECT_EQ(refresh(client, "gh_rt-0123456789abcdef_" + std::string(43, 'A')).code,
              "oauth.refresh_unknown");
    EXPECT_EQ(refresh(client, code_for(client)).code, "oauth.refresh_unknown");
}

TEST_P(RefreshGrantTest, EndsWhenNobodyUsesItAndWithItsGrant) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    now += refresh_lifetime;
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.refresh_expired");

    auto token = said(redeem(client, code_for(client)), "refresh_token");
    const auto end = now + grant_lifetime;
    while (now + refresh_lifetime / 2 < end) {
        now += refresh_lifetime / 2;
        token = said(refresh(client, token), "refresh_token");
        ASSERT_NE(token, "");
    }
    now = end;
    EXPECT_EQ(refresh(client, token).status, 400);
}

TEST_P(RefreshGrantTest, EndsWithTheUsersPassword) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    now += seconds(1);
    ASSERT_TRUE(run_to_end(users->set_password(user_id, "x", false, now)));
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.user");
}

TEST_P(RefreshGrantTest, RemembersOnlySoManyUses) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    auto token = said(first, "refresh_token");
    const auto oldest = token;
    for (std::int64_t i = 0; i < 3; ++i) token = said(refresh(client, token), "refresh_token");
    auto work = [](storage::Session& session) {
        static constexpr storage::Statement count{
            .name = "test.count", .sql = "SELECT count(*) FROM oauth_refresh_tokens"};
        return session.query(count);
    };
    EXPECT_EQ(run_to_end(database->read(work)).value()[0].integer(0), 4);
    now += std::chrono::hours(24 * 100);
    ASSERT_TRUE(run_to_end(server->clean()));
    EXPECT_EQ(run_to_end(database->read(work)).value()[0].integer(0), 0);
}

TEST_P(RefreshGrantTest, ADisabledClientHasNothingLeft) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    ASSERT_TRUE(run_to_end(server->clients().disable(client.id, now)));
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.client_disabled");
    const auto listed = run_to_end(RevocationRepository(*database).list(start - seconds(1), now));
    ASSERT_EQ(listed->size(), 1U);
    EXPECT_EQ(listed->front().value, client.id);
}

}  // namespace
}  // namespace gh::identity::oauth

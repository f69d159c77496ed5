#include "identity/oauth/testing.hpp"

namespace gh::identity::oauth {
namespace {

class CodeGrantTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Engines, CodeGrantTest, storage::both_engines, storage::engine_name);

TEST_P(CodeGrantTest, GivesTokensForWhatTheUserAgreedTo) {
    const auto client = add_client();
    const auto back = go_through(authorization_of(client));
    EXPECT_EQ(back.status, 303);
    EXPECT_TRUE(field_of(back, "Location").starts_with("https://app.example/back?code=gh_ac-"));
    EXPECT_EQ(redirected(back, "state"), "s t&te");
    EXPECT_EQ(redirected(back, "iss"), "https://as.example");
    EXPECT_EQ(last_act(), "oauth.consent");

    const auto reply = redeem(client, redirected(back, "code"));
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(said(reply, "token_type"), "Bearer");
    EXPECT_EQ(said(reply, "scope"), "openid users:read");
    EXPECT_TRUE(said(reply, "refresh_token").starts_with("gh_rt-"));
    const auto token = claims_of(said(reply, "access_token"));
    EXPECT_EQ(*token.find_string("sub"), "ann");
    EXPECT_EQ(*token.find_string("client_id"), client.id);
    EXPECT_EQ(*token.find("roles")->array()->front().string(), "user");
    EXPECT_EQ(*token.find("aud")->array()->front().string(), "https://as.example");
    EXPECT_EQ(token.find("principal_type"), nullptr);

    const auto id_token = claims_of(said(reply, "id_token"));
    EXPECT_EQ(*id_token.find_string("aud"), client.id);
    EXPECT_EQ(*id_token.find_string("nonce"), "n-1");
    EXPECT_EQ(*id_token.find_string("sub"), "ann");
    EXPECT_EQ(id_token.find("auth_time")->integer(), 1'700'000'000);
    const auto digest = crypto::sha256(said(reply, "access_token"));
    EXPECT_EQ(*id_token.find_string("at_hash"),
              codec::encode_base64url(crypto::text_of(digest).substr(0, 16)));
}

TEST_P(CodeGrantTest, ACodeThatComesTwiceTakesAllThatCameOfItAway) {
    const auto client = add_client();
    const auto code = code_for(client);
    const auto first = redeem(client, code);
    ASSERT_EQ(first.status, 200);
    EXPECT_TRUE(is_active(client, said(first, "access_token")));
    now += seconds(1);

    const auto second = redeem(client, code);
    EXPECT_EQ(second.status, 400);
    EXPECT_EQ(said(second, "error"), "invalid_grant");
    EXPECT_EQ(second.code, "oauth.code_replayed");
    EXPECT_EQ(last_act(), "oauth.code_replayed");
    EXPECT_FALSE(is_active(client, said(first, "access_token")));
    const auto recorded = acts().size();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(redeem(client, code).code, "oauth.code_replayed");
    EXPECT_EQ(acts().size(), recorded) << "whoever repeats it fills no log";
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.grant_ended");
}

TEST_P(CodeGrantTest, ACodeIsGoodForItsOwnRequestOnly) {
    const auto client = add_client(), other = add_client();
    struct Case {
        std::string_view reason;
        Client by;
        std::string redirect_uri, verifier;
    };
    const std::string uri(redirect_uri);
    const Case cases[] = {
        {"oauth.code_client", other, uri, verifier},
        {"oauth.code_redirect", client, "https://app.example/back2", verifier},
        {"oauth.code_verifier", client, uri, std::string(43, 'w')},
        {"oauth.code_verifier", client, uri, challenge_of(verifier)},  // as `plain` would have it
        {"oauth.code_verifier", client, uri, "short"},
    };
    for (const auto& c : cases) {
        const auto code = code_for(client);
        const auto reply = ask_token(c.by, {{"grant_type", "authorization_code"},
                                            {"code", code},
                                            {"redirect_uri", c.redirect_uri},
                                            {"code_verifier", c.verifier}});
        EXPECT_EQ(reply.status, 400);
        EXPECT_EQ(said(reply, "error"), "invalid_grant");
        EXPECT_EQ(reply.code, c.reason);
        EXPECT_NE(redeem(client, code).status, 200) << "it was stolen, so it is used up";
    }
    const auto without =
        ask_token(client, {{"grant_type", "authorization_code"}, {"code", code_for(client)}});
    EXPECT_EQ(without.code, "oauth.parameter_missing");
}

TEST_P(CodeGrantTest, ACodeLivesForAMinute) {
    const auto client = add_client();
    auto code = code_for(client);
    now += seconds(59);
    EXPECT_EQ(redeem(client, code).status, 200);
    code = code_for(client);
    now += seconds(60);
    EXPECT_EQ(redeem(client, code).code, "oauth.code_expired");
    EXPECT_EQ(redeem(client, "gh_ac-0123456789abcdef_" + std::string(43, 'A')).code,
              "oauth.code_unknown");
    EXPECT_EQ(redeem(client, "nonsense").code, "oauth.code_unknown");
}

TEST_P(CodeGrantTest, AUserWhoIsDisabledOrLostRolesGetsNothingMore) {
    const auto client = add_client();
    const auto code = code_for(client);
    UserChange change;
    change.disabled = true;
    ASSERT_TRUE(run_to_end(users->change(user_id, change, now)));
    EXPECT_EQ(redeem(client, code).code, "oauth.user");
    change.disabled = false;
    ASSERT_TRUE(run_to_end(users->change(user_id, change, now)));
    EXPECT_EQ(redeem(client, code).status, 400);
}

TEST_P(CodeGrantTest, ResourcesBecomeTheAudienceAndNothingElseDoes) {
    const auto client = add_client();
    auto request = authorization_of(client);
    request.emplace_back("resource", "https://api.example/");
    request.emplace_back("resource", "urn:example:files");
    const auto code = redirected(go_through(request), "code");
    const auto reply = ask_token(client, {{"grant_type", "authorization_code"},
                                          {"code", code},
                                          {"code_verifier", verifier},
                                          {"resource", "urn:example:files"}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto token = claims_of(said(reply, "access_token"));
    const auto& audience = *token.find("aud")->array();
    ASSERT_EQ(audience.size(), 1U);
    EXPECT_EQ(*audience.front().string(), "urn:example:files");
    for (const auto* bad : {"https://other.example/", "nonsense"}) {
        EXPECT_EQ(redirected(look_at(with(authorization_of(client), "resource", bad)), "error"),
                  "invalid_target");
    }
    const auto more =
        refresh(client, said(reply, "refresh_token"), {{"resource", "https://as.example"}});
    EXPECT_EQ(said(more, "error"), "invalid_target");
}

TEST_P(CodeGrantTest, PublicClientsNeedNoSecretAndMayNotSendOne) {
    const auto client = add_public_client();
    EXPECT_EQ(redeem(client, code_for(client)).status, 200);
    const auto reply = ask("POST", "/oauth/token",
                           {{"grant_type", "authorization_code"},
                            {"client_id", client.id},
                            {"client_secret", "x"},
                            {"code", code_for(client)},
                            {"code_verifier", verifier}});
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(said(reply, "error"), "invalid_client");
}

TEST_P(CodeGrantTest, OldGrantsMakeRoomForNewOnes) {
    const auto client = add_client();
    const auto first = redeem(client, code_for(client));
    for (std::size_t i = 0; i < grants_max; ++i) {
        now += milliseconds(1);
        ASSERT_NE(code_for(client), "");
    }
    EXPECT_EQ(refresh(client, said(first, "refresh_token")).code, "oauth.grant_ended");
    EXPECT_FALSE(is_active(client, said(first, "access_token"))) << "it ends with its grant";
    const auto select = storage::Statement{
        .name = "t.count", .sql = "SELECT count(*) FROM revocations WHERE kind = 'token'"};
    EXPECT_EQ(run_to_end(database->query(select)).value()[0].integer(0), 1) << "elsewhere, too";
}

}  // namespace
}  // namespace gh::identity::oauth

#include "identity/oauth/testing.hpp"
#include "identity/principal.hpp"

namespace gh::identity::oauth {
namespace {

class TokenStatusTest : public ServerTest {
 protected:
    api::Reply introspect(const Client& client, const std::string& token) {
        return ask_as(client, "/oauth/introspect", {{"token", token}});
    }
    api::Reply revoke(const Client& client, const std::string& token) {
        return ask_as(client, "/oauth/revoke", {{"token", token}});
    }
    access::Principal bearer(const std::string& token) {
        JwtPolicy policy;
        policy.issuer = issuer->name();
        policy.audience = {issuer->name()};
        auto claims = verify_jwt(token, *issuer->keys()->verification_keys(), policy, now).value();
        return *principal_of(std::move(claims), access::PrincipalType::user,
                             access::RevokedBy::token_list);
    }
    api::Reply userinfo(const access::Principal& principal) {
        api::FakeCall call("GET", "/oauth/userinfo");
        call.as(principal);
        return run(call);
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, TokenStatusTest, storage::both_engines, storage::engine_name);

TEST_P(TokenStatusTest, AClientLearnsOfItsOwnTokensAndThoseMeantForIt) {
    const auto client = add_client(), stranger = add_client();
    const auto api_server = add_client([](NewClient& each) {
        each.serves = {"https://api.example/"};
        each.redirect_uris = {};
        each.grants = {std::string(grant_credentials)};
    });
    auto request = with(authorization_of(client), "resource", "https://api.example/");
    const auto tokens = redeem(client, redirected(go_through(request), "code"));
    const auto token = said(tokens, "access_token");

    const auto seen = introspect(client, token);
    EXPECT_EQ(said(seen, "sub"), "ann");
    EXPECT_EQ(said(seen, "client_id"), client.id);
    EXPECT_EQ(said(seen, "token_type"), "Bearer");
    EXPECT_EQ(said(seen, "scope"), "openid users:read");
    EXPECT_EQ(said(introspect(api_server, token), "sub"), "ann");
    EXPECT_EQ(introspect(stranger, token).body, R"({"active":false})");
    const auto ours = said(redeem(client, code_for(client)), "access_token");
    EXPECT_EQ(introspect(api_server, ours).body, R"({"active":false})");

    const auto refresh_token = said(tokens, "refresh_token");
    EXPECT_TRUE(introspect(client, refresh_token).body.contains(R"("active":true)"));
    EXPECT_EQ(introspect(api_server, refresh_token).body, R"({"active":false})");
    for (const auto* nonsense : {"x", "a.b.c", "gh_rt-0123456789abcdef_x"})
        EXPECT_EQ(introspect(client, nonsense).body, R"({"active":false})");
    EXPECT_EQ(introspect(client, said(tokens, "id_token")).body, R"({"active":false})");
    now += seconds(1'800);
    EXPECT_EQ(introspect(client, token).body, R"({"active":false})");
}

TEST_P(TokenStatusTest, OnlyClientsThatProveThemselvesMayAsk) {
    const auto client = add_public_client();
    EXPECT_EQ(introspect(client, "x").status, 401);
}

TEST_P(TokenStatusTest, ARevokedAccessTokenIsGoneAndTheRestStays) {
    const auto client = add_client();
    const auto tokens = redeem(client, code_for(client));
    const auto token = said(tokens, "access_token");
    const auto reply = revoke(client, token);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(last_act(), "oauth.revoke");
    EXPECT_FALSE(is_active(client, token));
    EXPECT_TRUE(revocations.current()->covers(bearer(token)));
    EXPECT_TRUE(is_active(client, said(tokens, "refresh_token")));
    RevocationSource other_node;
    other_node.add(run_to_end(RevocationRepository(*database).list(start, now)).value(), now);
    EXPECT_TRUE(other_node.current()->covers(bearer(token)));
}

TEST_P(TokenStatusTest, ARevokedRefreshTokenTakesItsFamilyAlong) {
    const auto client = add_client();
    const auto tokens = redeem(client, code_for(client));
    EXPECT_EQ(revoke(client, said(tokens, "refresh_token")).status, 200);
    EXPECT_FALSE(is_active(client, said(tokens, "access_token")));
    EXPECT_FALSE(is_active(client, said(tokens, "refresh_token")));
}

TEST_P(TokenStatusTest, NobodyTakesAwayWhatIsNotTheirs) {
    const auto client = add_client(), stranger = add_client();
    const auto tokens = redeem(client, code_for(client));
    for (const auto* name : {"access_token", "refresh_token"}) {
        EXPECT_EQ(revoke(stranger, said(tokens, name)).status, 200);
        EXPECT_TRUE(is_active(client, said(tokens, name)));
    }
    EXPECT_EQ(revoke(client, "nonsense").status, 200);
    EXPECT_EQ(revoke(client, "").status, 400);
}

TEST_P(TokenStatusTest, UserinfoSaysWhatTheScopesAllow) {
    const auto client = add_client();
    auto request = with(authorization_of(client), "scope", "openid profile email");
    const auto all = redeem(client, redirected(go_through(request), "code"));
    const auto reply = userinfo(bearer(said(all, "access_token")));
    EXPECT_EQ(said(reply, "sub"), "ann");
    EXPECT_EQ(said(reply, "preferred_username"), "ann");
    EXPECT_EQ(said(reply, "email"), "ann@example.com");
    const auto less = redeem(client, code_for(client));
    const auto bare = userinfo(bearer(said(less, "access_token")));
    EXPECT_EQ(bare.body, R"({"sub":"ann"})");
    const auto none = redeem(
        client,
        redirected(go_through(with(authorization_of(client), "scope", "users:read")), "code"));
    EXPECT_EQ(userinfo(bearer(said(none, "access_token"))).status, 403);
    access::Principal foreign;
    foreign.subject = "ann";
    foreign.issuer = "https://elsewhere.example";
    foreign.scopes = {"openid"};
    EXPECT_EQ(userinfo(foreign).status, 401);
}

TEST_P(TokenStatusTest, MetadataSaysWhatIsThere) {
    const auto server_metadata = ask("GET", "/.well-known/openid-configuration");
    EXPECT_EQ(said(server_metadata, "issuer"), "https://as.example");
    EXPECT_EQ(said(server_metadata, "token_endpoint"), "https://as.example/oauth/token");
    EXPECT_TRUE(server_metadata.body.contains(R"("code_challenge_methods_supported":["S256"])"));
    EXPECT_FALSE(server_metadata.body.contains(R"("password")"));
    EXPECT_EQ(ask("GET", "/.well-known/oauth-authorization-server").body, server_metadata.body);
    EXPECT_EQ(said(ask("GET", "/.well-known/oauth-protected-resource"), "resource"),
              "https://as.example");
    EXPECT_TRUE(ask("GET", "/.well-known/jwks.json").body.contains(R"("crv":"P-256")"));
}

}  // namespace
}  // namespace gh::identity::oauth

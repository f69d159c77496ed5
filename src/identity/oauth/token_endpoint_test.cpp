#include "identity/oauth/testing.hpp"
#include "identity/principal.hpp"
#include "identity/test_tokens.hpp"
#include "identity/token_authenticator.hpp"

namespace gh::identity::oauth {
namespace {

class TokenEndpointTest : public ServerTest {
 protected:
    Client add_program() {
        return add_client([](NewClient& client) {
            client.redirect_uris = {};
            client.grants = {std::string(grant_credentials)};
            client.scopes = {"users:read", "files:read"};
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, TokenEndpointTest, storage::both_engines, storage::engine_name);

TEST_P(TokenEndpointTest, AProgramGetsATokenOfItsOwn) {
    const auto client = add_program();
    const auto reply =
        ask_token(client, {{"grant_type", "client_credentials"}, {"scope", "users:read"}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(said(reply, "refresh_token"), "");
    EXPECT_EQ(said(reply, "id_token"), "");
    EXPECT_EQ(field_of(reply, "Pragma"), "no-cache");
    const auto token = said(reply, "access_token");
    EXPECT_EQ(*claims_of(token).find_string("sub"), client.id);

    TrustSource trust(
        Trust::make({issuer->trusted()}, std::make_shared<const ApiKeyTable>(), issuer->name())
            .value());
    revocations.learn({}, now);
    TokenAuthenticator authenticator(trust, &revocations);
    const auto value = "Bearer " + token;
    access::Credentials credentials;
    credentials.authorization = value;
    credentials.has_authorization = true;
    const auto verdict = authenticator.authenticate(credentials, now);
    ASSERT_TRUE(verdict.principal) << verdict.reason;
    EXPECT_EQ(verdict.principal->type, access::PrincipalType::service);
    EXPECT_TRUE(permissions_of(*verdict.principal, {}).has(access::Permission::users_read));
    EXPECT_FALSE(permissions_of(*verdict.principal, {}).has(access::Permission::users_write));
}

TEST_P(TokenEndpointTest, WithoutScopesATokenHasAllOfTheClientsAndNeverNone) {
    const auto client = add_program();
    const auto reply = ask_token(client, {{"grant_type", "client_credentials"}});
    EXPECT_EQ(said(reply, "scope"), "files:read users:read");
    const auto more =
        ask_token(client, {{"grant_type", "client_credentials"}, {"scope", "users:write"}});
    EXPECT_EQ(said(more, "error"), "invalid_scope");
    const auto resource = ask_token(
        client, {{"grant_type", "client_credentials"}, {"resource", "https://other.example/"}});
    EXPECT_EQ(said(resource, "error"), "invalid_target");
    const auto mixed = ask_token(client, {{"grant_type", "client_credentials"},
                                          {"resource", "https://as.example"},
                                          {"resource", "https://api.example/"}});
    EXPECT_EQ(said(mixed, "error"), "invalid_target");
}

TEST_P(TokenEndpointTest, AClientProvesItselfInItsOwnWayOnly) {
    const auto by_basic = add_program();
    const auto by_post = add_client([](NewClient& client) {
        client.authentication = ClientAuthentication::secret_post;
        client.redirect_uris = {};
        client.grants = {std::string(grant_credentials)};
    });
    const auto secret = secrets[by_basic.id];
    const std::pair<std::string, std::string> grant{"grant_type", "client_credentials"};
    struct Case {
        std::string_view reason;
        Pairs body, fields;
    };
    const Case cases[] = {
        {"", {grant}, {{"Authorization", basic(by_basic.id, secret)}}},
        {"oauth.client_method", {grant, {"client_id", by_basic.id}, {"client_secret", secret}}, {}},
        {"oauth.client_method",
         {grant},
         {{"Authorization", basic(by_post.id, secrets[by_post.id])}}},
        {"oauth.client_method", {grant, {"client_id", by_basic.id}}, {}},
        {"oauth.client_method", {grant}, {{"Authorization", "Bearer x"}}},
        {"oauth.client_secret", {grant}, {{"Authorization", basic(by_basic.id, "wrong")}}},
        {"oauth.client_secret",
         {grant},
         {{"Authorization", basic(by_basic.id, secrets[by_post.id])}}},
        {"oauth.client_unknown", {grant}, {{"Authorization", basic("nobody", secret)}}},
        {"oauth.client_unknown", {grant}, {{"Authorization", basic("' OR '1'='1", secret)}}},
        {"oauth.client_method", {grant}, {{"Authorization", "Basic !!"}}},
        {"oauth.client_unknown", {grant}, {{"Authorization", basic(std::string("a\0b", 3), "x")}}},
        {"oauth.client_unknown", {grant}, {{"Authorization", basic("%00", "x")}}},
        {"oauth.client_unknown", {grant}, {{"Authorization", basic("\xff", "x")}}},
        {"oauth.client_unknown", {grant}, {}},
        {"oauth.client_unknown",
         {grant, {"client_id", by_post.id}},
         {{"Authorization", basic(by_basic.id, secret)}}},
        {"oauth.two_authentications",
         {grant, {"client_secret", secret}},
         {{"Authorization", basic(by_basic.id, secret)}}},
        {"oauth.two_authentications",
         {grant},
         {{"Authorization", basic(by_basic.id, secret)}, {"Authorization", basic("x", "y")}}},
        {"oauth.malformed", {grant, grant}, {{"Authorization", basic(by_basic.id, secret)}}},
    };
    for (const auto& c : cases) {
        const auto reply = ask("POST", "/oauth/token", c.body, c.fields);
        EXPECT_EQ(reply.code, c.reason) << reply.body;
        if (c.reason.starts_with("oauth.client_")) {
            EXPECT_EQ(reply.status, 401);
            EXPECT_EQ(said(reply, "error"), "invalid_client");
            EXPECT_EQ(said(reply, "error_description"), "Client authentication failed.");
            EXPECT_TRUE(field_of(reply, "WWW-Authenticate").starts_with("Basic "));
        }
    }
}

TEST_P(TokenEndpointTest, ACertificateProvesAClientAndBindsItsTokens) {
    const auto client = add_client([](NewClient& each) {
        each.authentication = ClientAuthentication::certificate;
        each.certificate_name = "dns:worker.example";
        each.redirect_uris = {};
        each.grants = {std::string(grant_credentials)};
    });
    const auto request = [&](std::vector<std::string> names) {
        api::FakeCall call("POST", "/oauth/token");
        call.send(form_of({{"grant_type", "client_credentials"}, {"client_id", client.id}}));
        if (!names.empty()) {
            call.holding({.subject = "worker.example",
                          .fingerprint = std::string(64, 'a'),
                          .serial = "01",
                          .names = std::move(names)});
        }
        return run(call);
    };
    EXPECT_EQ(request({}).code, "oauth.client_certificate");
    EXPECT_EQ(request({"dns:other.example", "dn:CN=worker.example"}).code,
              "oauth.client_certificate");
    const auto reply = request({"dn:CN=x", "dns:worker.example"});
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto bound = claims_of(said(reply, "access_token"));
    EXPECT_EQ(*bound.find("cnf")->find_string("x5t#S256"),
              codec::encode_base64url(std::string(32, '\xaa')));
}

std::string proof_of(const crypto::PrivateKey& key, std::string_view url, SystemTime now,
                     std::string_view id) {
    const auto header =
        R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + testing::jwk_of(key.public_key()) + "}";
    const auto second = std::chrono::floor<seconds>(now).time_since_epoch().count();
    const auto claims = R"({"htm":"POST","htu":")" + std::string(url) + R"(","iat":)" +
                        std::to_string(second) + R"(,"jti":")" + std::string(id) + R"("})";
    return testing::signed_by(key, crypto::SignatureAlgorithm::es256, header, claims);
}

TEST_P(TokenEndpointTest, AProofBindsTokensToItsKeyAndCountsOnce) {
    const auto client = add_client([](NewClient& each) {
        each.redirect_uris = {};
        each.grants = {std::string(grant_credentials)};
        each.require_dpop = true;
    });
    const auto key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    const auto ask_with = [&](const Pairs& proofs) {
        Pairs fields{{"Authorization", basic(client.id, secrets[client.id])}};
        fields.insert(fields.end(), proofs.begin(), proofs.end());
        return ask("POST", "/oauth/token", {{"grant_type", "client_credentials"}}, fields);
    };
    const std::string here = "https://as.example/oauth/token";
    EXPECT_EQ(ask_with({}).code, "oauth.dpop_missing");
    const auto proof = proof_of(key, here, now, "1");
    const auto reply = ask_with({{"DPoP", proof}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(said(reply, "token_type"), "DPoP");
    const auto confirmation = claims_of(said(reply, "access_token"));
    EXPECT_EQ(confirmation.find("cnf")->find_string("jkt")->size(), 43U);
    EXPECT_EQ(said(ask_with({{"DPoP", proof}}), "error"), "invalid_dpop_proof") << "again";
    const Pairs bad[] = {
        {{"DPoP", proof_of(key, "https://as.example/oauth/revoke", now, "2")}},
        {{"DPoP", proof_of(key, "https://evil.example/oauth/token", now, "3")}},
        {{"DPoP", proof_of(key, here, now - seconds(120), "4")}},
        {{"DPoP", "nonsense"}},
        {{"DPoP", proof_of(key, here, now, "5")}, {"DPoP", proof_of(key, here, now, "6")}},
    };
    for (const auto& each : bad) EXPECT_EQ(said(ask_with(each), "error"), "invalid_dpop_proof");
}

TEST_P(TokenEndpointTest, ProofsAreRememberedOfWhoIsGoodAndNoMoreThanThereIsRoom) {
    const auto program = add_program();
    const auto client = add_public_client();
    const auto key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    const std::string here = "https://as.example/oauth/token";
    const auto ask_with = [&](std::string_view id, Pairs body, Pairs fields) {
        fields.emplace_back("DPoP", proof_of(key, here, now, id));
        return ask("POST", "/oauth/token", body, fields);
    };
    const Pairs nothing{
        {"grant_type", "refresh_token"}, {"refresh_token", "gh_rt-x"}, {"client_id", client.id}};
    EXPECT_EQ(ask_with("1", nothing, {}).code, "oauth.refresh_unknown");
    EXPECT_EQ(ask_with("1", nothing, {}).code, "oauth.refresh_unknown") << "it was not kept";
    const Pairs own{{"grant_type", "client_credentials"}};
    const Pairs proven{{"Authorization", basic(program.id, secrets[program.id])}};
    EXPECT_EQ(ask_with("1", own, proven).status, 200);
    EXPECT_EQ(ask_with("1", own, proven).code, "oauth.dpop_proof");

    const Pairs redemption{{"grant_type", "authorization_code"},
                           {"code", code_for(client)},
                           {"code_verifier", verifier},
                           {"client_id", client.id}};
    EXPECT_EQ(ask_with("1", redemption, {}).code, "oauth.dpop_proof");
    EXPECT_EQ(ask_with("2", redemption, {}).status, 200) << "the refusal used nothing up";

    const auto thumbprint =
        check_dpop_proof(proof_of(key, here, now, "3"),
                         {"POST", "https", "as.example", "/oauth/token", "", ""}, now)
            ->thumbprint;
    for (std::size_t i = 0; i < DpopReplays::proofs_max; ++i)
        std::ignore = replays.take({thumbprint, "n" + std::to_string(i)}, now);
    const auto full = ask_with("3", own, proven);
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(full.code, "oauth.dpop_full");
    EXPECT_EQ(said(full, "error"), "temporarily_unavailable");
    EXPECT_EQ(field_of(full, "Retry-After"), "1");
    EXPECT_EQ(full.failure->kind, ErrorKind::unavailable) << "the log is told";
}

TEST_P(TokenEndpointTest, APublicClientsRefreshTokenIsOfItsKey) {
    const auto client = add_public_client();
    const auto key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    const auto other = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    int count = 0;
    const auto ask_with = [&](const crypto::PrivateKey* by, Pairs body) {
        body.emplace_back("client_id", client.id);
        Pairs fields;
        if (by != nullptr) {
            fields.emplace_back("DPoP", proof_of(*by, "https://as.example/oauth/token", now,
                                                 std::to_string(++count)));
        }
        return ask("POST", "/oauth/token", body, fields);
    };
    const Pairs redemption{{"grant_type", "authorization_code"},
                           {"code", code_for(client)},
                           {"code_verifier", verifier}};
    const auto tokens = ask_with(&key, redemption);
    ASSERT_EQ(tokens.status, 200) << tokens.body;
    const Pairs renewal{{"grant_type", "refresh_token"},
                        {"refresh_token", said(tokens, "refresh_token")}};
    const auto recorded = acts().size();
    EXPECT_EQ(ask_with(nullptr, renewal).code, "oauth.grant_binding");
    EXPECT_EQ(acts().size(), recorded) << "nothing was taken, nothing has ended";
    const auto renewed = ask_with(&key, renewal);
    EXPECT_EQ(said(renewed, "token_type"), "DPoP");
    const auto next = with(renewal, "refresh_token", said(renewed, "refresh_token"));
    EXPECT_EQ(ask_with(&other, next).code, "oauth.grant_binding");
    EXPECT_EQ(last_act(), "oauth.grant_binding");
    EXPECT_EQ(acts().size(), recorded + 1);
    EXPECT_EQ(ask_with(&key, next).code, "oauth.grant_ended") << "it is in another hand";
    EXPECT_EQ(ask_with(&other, next).code, "oauth.grant_ended");
    EXPECT_EQ(acts().size(), recorded + 1) << "told once";

    // A code that was asked for with a key is of that key (RFC 9449 §10).
    const auto thumbprint =
        *claims_of(said(tokens, "access_token")).find("cnf")->find_string("jkt");
    const auto request = with(authorization_of(client), "dpop_jkt", thumbprint);
    const auto stolen = with(redemption, "code", redirected(go_through(request), "code"));
    EXPECT_EQ(ask_with(&other, stolen).code, "oauth.grant_binding");
    const auto own = with(redemption, "code", redirected(go_through(request), "code"));
    EXPECT_EQ(ask_with(&key, own).status, 200);
}

TEST_P(TokenEndpointTest, GrantTypesAreThoseOfTheClient) {
    const auto client = add_program();
    EXPECT_EQ(
        said(ask_token(client, {{"grant_type", "authorization_code"}, {"code", "x"}}), "error"),
        "unauthorized_client");
    EXPECT_EQ(said(ask_token(client, {{"grant_type", "implicit"}}), "error"),
              "unsupported_grant_type");
    EXPECT_EQ(said(ask_token(client, {{"scope", "x"}}), "error"), "invalid_request");
}

TEST_P(TokenEndpointTest, PasswordsAreTakenWhereTheOperatorSaysSo) {
    const auto client = add_client([](NewClient& each) {
        each.redirect_uris = {};
        each.grants = {std::string(grant_password)};
    });
    const Pairs body{{"grant_type", "password"},
                     {"username", "ann"},
                     {"password", "correct horse"},
                     {"scope", "users:read"}};
    EXPECT_EQ(said(ask_token(client, body), "error"), "unsupported_grant_type");
    password_grant = true;
    server.emplace(parts());
    table = routes(*server);
    const auto reply = ask_token(client, body);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(*claims_of(said(reply, "access_token")).find_string("sub"), "ann");
    EXPECT_EQ(said(ask_token(client, with(body, "password", "wrong")), "error"), "invalid_grant");
    for (int i = 0; i < 5; ++i) std::ignore = ask_token(client, with(body, "password", "wrong"));
    const auto slowed = ask_token(client, body);
    EXPECT_EQ(slowed.status, 429);
    EXPECT_NE(field_of(slowed, "Retry-After"), "");
}

TEST_P(TokenEndpointTest, NoParameterMakesItFail) {
    password_grant = true;
    server.emplace(parts());
    table = routes(*server);
    const auto client = add_client([](NewClient& each) {
        each.grants = {std::string(grant_code),        std::string(grant_refresh),
                       std::string(grant_credentials), std::string(grant_password),
                       std::string(grant_device),      std::string(grant_exchange)};
    });
    const auto ask_with = [&](const std::string& path, const std::string& body) {
        api::FakeCall call("POST", path);
        call.with("Authorization", basic(client.id, secrets[client.id]));
        return run(call.send(body));
    };
    const std::string strange[] = {"%00",
                                   "%FF",
                                   "%C0%AF",
                                   "'%3B%20DROP%20TABLE%20users%3B--",
                                   "%0D%0AX%3A+y",
                                   "%",
                                   std::string(9000, 'a'),
                                   "%F0%9F%92%A9"};
    struct Case {
        std::string_view grant;
        Pairs form;
        std::string_view reason;  ///< of the form as it stands
    };
    const std::string type = "urn:ietf:params:oauth:token-type:access_token";
    const Case cases[] = {
        {grant_code,
         {{"code", "x"}, {"redirect_uri", "https://app.example/back"}, {"code_verifier", verifier}},
         "oauth.code_unknown"},
        {grant_refresh, {{"refresh_token", "x"}, {"scope", "openid"}}, "oauth.refresh_unknown"},
        {grant_credentials, {{"scope", "openid"}, {"resource", "https://api.example/"}}, ""},
        {grant_password,
         {{"username", "nobody"}, {"password", "x"}, {"scope", "openid"}},
         "oauth.password"},
        {grant_device, {{"device_code", "x"}}, "oauth.device_unknown"},
        {grant_exchange,
         {{"subject_token", "x"},
          {"subject_token_type", type},
          {"actor_token", "x"},
          {"actor_token_type", type},
          {"requested_token_type", type},
          {"audience", "urn:x"}},
         "oauth.subject_token"},
    };
    for (const auto& c : cases) {
        const auto form = with(c.form, "grant_type", std::string(c.grant));
        EXPECT_EQ(ask_with("/oauth/token", form_of(form)).code, c.reason) << c.grant;
        for (const auto& [name, good] : form) {
            const auto others = form_of(with(form, name, ""));
            for (const auto& value : strange) {
                const auto reply = ask_with("/oauth/token", others + "&" + name + "=" + value);
                EXPECT_LT(reply.status, 500) << c.grant << " " << name << " " << value;
                EXPECT_NE(reply.status, 200) << c.grant << " " << name << " " << value;
            }
        }
    }
    for (const auto* path : {"/oauth/revoke", "/oauth/introspect"}) {
        for (const auto& value : strange) {
            EXPECT_LT(ask_with(path, "token=" + value).status, 500) << path << " " << value;
            EXPECT_LT(ask_with(path, "token=x&client_id=" + value).status, 500) << value;
        }
    }
    for (const auto& [name, good] : authorization_of(client)) {
        for (const auto& value : strange) {
            auto text = form_of(with(authorization_of(client), name, ""));
            text += "&" + name + "=" + value;
            EXPECT_LT(look("/oauth/authorize?" + text).status, 500) << name << " " << value;
        }
    }
}

}  // namespace
}  // namespace gh::identity::oauth

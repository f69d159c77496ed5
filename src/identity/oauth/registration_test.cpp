#include "identity/oauth/registration.hpp"

#include <fmt/format.h>

#include "identity/oauth/testing.hpp"

namespace gh::identity::oauth {
namespace {

class RegistrationTest : public ServerTest {
 protected:
    api::Reply register_with(const std::string& token, const std::string& metadata) {
        api::FakeCall call("POST", "/oauth/register");
        if (!token.empty()) call.with("Authorization", "Bearer " + token);
        return run(call.send(metadata));
    }
    std::string invite(std::vector<std::string> scopes) {
        Portion portion{std::move(scopes), {}};
        return run_to_end(make_initial_token(*database, *hasher, portion, now)).value();
    }
    static constexpr std::string_view good =
        R"({"client_name":"App","redirect_uris":["https://app.example/back"],"scope":"openid",)"
        R"("grant_types":["authorization_code","refresh_token"],"response_types":["code"],)"
        R"("logo_uri":"https://app.example/logo"})";
};
INSTANTIATE_TEST_SUITE_P(Engines, RegistrationTest, storage::both_engines, storage::engine_name);

TEST_P(RegistrationTest, AnInitialTokenRegistersOneClient) {
    const auto token = invite({"openid", "email"});
    const auto reply = register_with(token, std::string(good));
    ASSERT_EQ(reply.status, 201) << reply.body;
    EXPECT_EQ(last_act(), "oauth.register");
    auto client = run_to_end(server->clients().find(said(reply, "client_id"))).value();
    secrets[client.id] = said(reply, "client_secret");
    EXPECT_EQ(client.scopes, std::vector<std::string>{"openid"});
    const auto request = with(authorization_of(client), "scope", "openid");
    EXPECT_EQ(redeem(client, redirected(go_through(request), "code")).status, 200);

    const auto again = register_with(token, std::string(good));
    EXPECT_EQ(again.status, 401);
    EXPECT_EQ(said(again, "error"), "invalid_token");
}

TEST_P(RegistrationTest, NobodyElseMay) {
    const auto refused = register_with("", std::string(good));
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(field_of(refused, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(register_with("nonsense", std::string(good)).status, 401);
    EXPECT_EQ(
        register_with("gh_ia-0123456789abcdef_" + std::string(43, 'A'), std::string(good)).status,
        401);
    const auto old = invite({"openid"});
    now += initial_token_lifetime;
    EXPECT_EQ(register_with(old, std::string(good)).status, 401);
    api::FakeCall call("POST", "/oauth/register");
    access::Principal manager;
    manager.type = access::PrincipalType::user;
    manager.role = access::Role::manager;
    EXPECT_EQ(run(call.as(manager).send(std::string(good))).status, 401);
}

TEST_P(RegistrationTest, AnAdministratorMay) {
    api::FakeCall call("POST", "/oauth/register");
    access::Principal admin;
    admin.type = access::PrincipalType::user;
    admin.subject = "root";
    admin.role = access::Role::admin;
    EXPECT_EQ(run(call.as(admin).send(std::string(good))).status, 201);
    EXPECT_EQ(acts().back().actor, "root");
}

TEST_P(RegistrationTest, NobodyMakesAClientThatMayMoreThanThey) {
    access::Principal registrar;
    registrar.type = access::PrincipalType::service;
    registrar.scopes = {"clients:write", "users:read"};
    const auto status = [&](std::string_view grant, std::string_view scope) {
        const auto metadata = fmt::format(R"({{"grant_types":["{}"],"scope":"{}"}})", grant, scope);
        api::FakeCall call("POST", "/oauth/register");
        return run(call.as(registrar).send(metadata)).status;
    };
    EXPECT_EQ(status("client_credentials", "users:read payments:write"), 201);
    EXPECT_EQ(status("client_credentials", "users:write"), 400);
    EXPECT_EQ(status("client_credentials", "users:read keys:write"), 400);
    EXPECT_EQ(status("password", "users:read"), 400);
    EXPECT_EQ(status("urn:ietf:params:oauth:grant-type:token-exchange", "users:read"), 400);
}

TEST_P(RegistrationTest, RefusesWhatIsMoreThanInvitedAndKeepsTheInvitation) {
    const auto token = invite({"openid"});
    struct Case {
        std::string_view error;
        std::string metadata;
    };
    const Case cases[] = {
        {"invalid_client_metadata", "nonsense"},
        {"invalid_client_metadata", "[]"},
        {"invalid_client_metadata",
         R"({"redirect_uris":["https://a.example/"],"scope":"openid users:write"})"},
        {"invalid_client_metadata",
         R"({"redirect_uris":["https://a.example/"],"response_types":["token"]})"},
        {"invalid_client_metadata",
         R"({"redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"x"})"},
        {"invalid_client_metadata", R"({"grant_types":["password"],"scope":"openid"})"},
        {"invalid_client_metadata",
         R"({"grant_types":["urn:ietf:params:oauth:grant-type:token-exchange"]})"},
        {"invalid_client_metadata", R"({"client_name":7,"redirect_uris":["https://a.example/"]})"},
        {"invalid_redirect_uri", R"({"redirect_uris":["http://a.example/"]})"},
        {"invalid_redirect_uri", R"x({"redirect_uris":["javascript:alert(1)"]})x"},
        {"invalid_redirect_uri", R"({})"},
    };
    for (const auto& c : cases) {
        const auto reply = register_with(token, c.metadata);
        EXPECT_EQ(reply.status, 400) << c.metadata;
        EXPECT_EQ(said(reply, "error"), c.error) << c.metadata;
    }
    EXPECT_EQ(register_with(token, std::string(good)).status, 201);
}

}  // namespace
}  // namespace gh::identity::oauth

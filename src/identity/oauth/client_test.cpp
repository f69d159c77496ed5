#include "identity/oauth/client.hpp"

#include <gtest/gtest.h>

namespace gh::identity::oauth {
namespace {

NewClient good() {
    NewClient client;
    client.name = "App";
    client.redirect_uris = {"https://app.example/back"};
    client.grants = {std::string(grant_code), std::string(grant_refresh)};
    client.scopes = {"openid"};
    return client;
}

TEST(Clients, CannotBeWhatWouldBeUselessOrUnsafe) {
    struct Case {
        std::string_view reason;
        void (*change)(NewClient&);
    };
    constexpr Case cases[] = {
        {"", [](NewClient&) {}},
        {"client.name", [](NewClient& c) { c.name = ""; }},
        {"client.name", [](NewClient& c) { c.name = "two\nlines"; }},
        {"client.name", [](NewClient& c) { c.name = "\xff"; }},
        {"client.grant", [](NewClient& c) { c.grants = {}; }},
        {"client.grant", [](NewClient& c) { c.grants = {"implicit"}; }},
        {"client.grant",
         [](NewClient& c) {
             c.authentication = ClientAuthentication::none;
             c.grants.emplace_back(grant_credentials);
         }},
        {"client.grant",
         [](NewClient& c) {
             c.grants = {std::string(grant_refresh)};
             c.redirect_uris = {};
         }},
        {"client.redirect_uri", [](NewClient& c) { c.redirect_uris = {}; }},
        {"client.redirect_uri", [](NewClient& c) { c.redirect_uris = {"https://app.example/#x"}; }},
        {"client.redirect_uri", [](NewClient& c) { c.grants = {std::string(grant_credentials)}; }},
        {"client.redirect_uri",
         [](NewClient& c) {
             for (std::size_t i = 0; i < redirect_uris_max; ++i)
                 c.redirect_uris.push_back("https://app.example/" + std::to_string(i));
         }},
        {"client.scope", [](NewClient& c) { c.scopes = {}; }},
        {"client.scope", [](NewClient& c) { c.scopes = {"a b"}; }},
        {"client.resource", [](NewClient& c) { c.resources = {"api"}; }},
        {"client.resource", [](NewClient& c) { c.serves = {"api"}; }},
        {"client.certificate",
         [](NewClient& c) { c.authentication = ClientAuthentication::certificate; }},
        {"client.certificate", [](NewClient& c) { c.certificate_name = "dns:a"; }},
    };
    for (const auto& c : cases) {
        auto client = good();
        c.change(client);
        const auto judged = checked(client);
        EXPECT_EQ(judged ? "" : judged.error().reason, c.reason);
    }
}

TEST(Clients, WithACertificateHaveTokensThatAreBoundToIt) {
    auto client = good();
    client.authentication = ClientAuthentication::certificate;
    client.certificate_name = "dns:worker.example";
    EXPECT_TRUE(checked(client)->certificate_bound);
}

TEST(Clients, AreNamedByTheWayTheyProveThemselves) {
    for (const auto* name :
         {"none", "client_secret_basic", "client_secret_post", "tls_client_auth"}) {
        EXPECT_EQ(name_of(*client_authentication_of(name)), name);
    }
    EXPECT_FALSE(client_authentication_of("private_key_jwt"));
}

}  // namespace
}  // namespace gh::identity::oauth

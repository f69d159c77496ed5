#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/testing.hpp"

namespace gh::identity::oauth {
namespace {

class DeviceGrantTest : public ServerTest {
 protected:
    Client add_device_client() {
        return add_client([](NewClient& client) {
            client.name = "Box <tv>";
            client.authentication = ClientAuthentication::none;
            client.redirect_uris = {};
            client.grants = {std::string(grant_device), std::string(grant_refresh)};
        });
    }
    api::Reply begin(const Client& client, const std::string& scope = "openid") {
        return ask_as(client, "/oauth/device", {{"scope", scope}});
    }
    api::Reply poll(const Client& client, const std::string& device_code) {
        return ask_token(client,
                         {{"grant_type", std::string(grant_device)}, {"device_code", device_code}});
    }
    api::Reply look_at_code(const std::string& code) {
        return look("/oauth/device?user_code=" + code);
    }
    /// The page that asks, whoever has signed in before.
    api::Reply consent_page(const std::string& code) {
        auto page = look_at_code(code);
        if (page.body.contains("name=\"password\"")) page = sign_in_on(page);
        return page;
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, DeviceGrantTest, storage::both_engines, storage::engine_name);

TEST_P(DeviceGrantTest, WaitsForItsUser) {
    const auto client = add_device_client();
    const auto begun = begin(client);
    ASSERT_EQ(begun.status, 200) << begun.body;
    EXPECT_EQ(said(begun, "verification_uri"), "https://as.example/oauth/device");
    const auto device_code = said(begun, "device_code"), user_code = said(begun, "user_code");
    EXPECT_EQ(user_code.size(), 9U);
    EXPECT_EQ(said(begun, "verification_uri_complete"),
              "https://as.example/oauth/device?user_code=" + user_code);
    EXPECT_EQ(said(poll(client, device_code), "error"), "authorization_pending");

    const auto page = consent_page(user_code);
    EXPECT_TRUE(page.body.contains("Box &lt;tv&gt;"));
    EXPECT_TRUE(page.body.contains(user_code));
    EXPECT_TRUE(field_of(page, "Content-Security-Policy").contains("frame-ancestors 'none'"));
    EXPECT_TRUE(allow_on(page).body.contains("connected"));
    EXPECT_EQ(last_act(), "oauth.device_allow");
    const auto tokens = poll(client, device_code);
    ASSERT_EQ(tokens.status, 200) << tokens.body;
    EXPECT_EQ(*claims_of(said(tokens, "access_token")).find_string("sub"), "ann");
    EXPECT_NE(said(tokens, "id_token"), "");
    EXPECT_EQ(refresh(client, said(tokens, "refresh_token")).status, 200);
}

TEST_P(DeviceGrantTest, ACodeIsUsedOnceAndAskedForByTheUserOnce) {
    const auto client = add_device_client();
    const auto begun = begin(client);
    const auto page = consent_page(said(begun, "user_code"));
    ASSERT_EQ(allow_on(page).status, 200);
    EXPECT_EQ(submit_form(page, {{"choice", "deny"}}).status, 404) << "it was decided";
    const auto tokens = poll(client, said(begun, "device_code"));
    const auto again = poll(client, said(begun, "device_code"));
    EXPECT_EQ(again.code, "oauth.device_replayed");
    EXPECT_EQ(said(again, "error"), "invalid_grant");
    EXPECT_EQ(last_act(), "oauth.device_replayed");
    EXPECT_EQ(refresh(client, said(tokens, "refresh_token")).code, "oauth.grant_ended");
}

TEST_P(DeviceGrantTest, WhoAsksTooOftenHasToSlowDown) {
    const auto client = add_device_client();
    const auto code = said(begin(client), "device_code");
    EXPECT_EQ(said(poll(client, code), "error"), "authorization_pending");
    now += seconds(4);
    EXPECT_EQ(said(poll(client, code), "error"), "slow_down");
    now += seconds(9);
    EXPECT_EQ(said(poll(client, code), "error"), "slow_down") << "ten seconds by now";
    now += seconds(15);
    EXPECT_EQ(said(poll(client, code), "error"), "authorization_pending");
    now = start + device_lifetime;
    EXPECT_EQ(said(poll(client, code), "error"), "expired_token");
}

TEST_P(DeviceGrantTest, TheUserMayRefuse) {
    const auto client = add_device_client();
    const auto begun = begin(client);
    submit_form(consent_page(said(begun, "user_code")), {{"choice", "deny"}});
    EXPECT_EQ(last_act(), "oauth.device_deny");
    EXPECT_EQ(said(poll(client, said(begun, "device_code")), "error"), "access_denied");
}

TEST_P(DeviceGrantTest, CodesBelongToTheirClientAndScopes) {
    const auto client = add_device_client(), other = add_device_client();
    EXPECT_EQ(said(begin(client, "users:write"), "error"), "invalid_scope");
    EXPECT_EQ(said(ask_as(add_client(), "/oauth/device", {}), "error"), "unauthorized_client");
    const auto begun = begin(client);
    EXPECT_EQ(poll(other, said(begun, "device_code")).code, "oauth.device_client");
    EXPECT_EQ(poll(client, "gh_dc-0123456789abcdef_" + std::string(43, 'A')).code,
              "oauth.device_unknown");
}

TEST_P(DeviceGrantTest, GuessingCodesIsSlowedDown) {
    const auto client = add_device_client();
    const auto good = said(begin(client), "user_code");
    ASSERT_TRUE(consent_page(good).body.contains("value=\"allow\""));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(look_at_code("BBBB-BBBB").status, 404);
    const auto slowed = look_at_code(good);
    EXPECT_EQ(slowed.status, 429);
    EXPECT_NE(field_of(slowed, "Retry-After"), "");
    EXPECT_EQ(look_at_code("nonsense").status, 404);
    EXPECT_EQ(look("/oauth/device").status, 200);
}

TEST_P(DeviceGrantTest, AFormOfAnotherDeviceOrBrowserCountsForNothing) {
    const auto client = add_device_client();
    const auto one = said(begin(client), "user_code"), other = said(begin(client), "user_code");
    const auto page = consent_page(one);
    const auto seal = between(page.body, "name=\"seal\" value=\"", "\"");
    const Pairs allow{{"form", "consent"}, {"seal", seal}, {"choice", "allow"}};
    const auto code = *read_user_code(other);
    EXPECT_EQ(submit("/oauth/device/approve?user_code=" + code, allow).code, "oauth.form");
    EXPECT_EQ(submit("/oauth/device/approve", allow).code, "oauth.form");
    cookies["__Host-gatehouse_form"] = std::string(43, 'A');
    EXPECT_EQ(submit("/oauth/device/approve?user_code=" + *read_user_code(one), allow).code,
              "oauth.form");
}

TEST(UserCodes, AreReadAsPeopleTypeThem) {
    EXPECT_EQ(read_user_code("bcdf-ghjk"), "BCDFGHJK");
    EXPECT_EQ(read_user_code(" BCDF GHJK "), "BCDFGHJK");
    for (const auto* bad : {"", "BCDFGHJ", "BCDFGHJKL", "ACDFGHJK", "BCDF'GHJK", "BCDFGHJ\xc3\x89"})
        EXPECT_FALSE(read_user_code(bad)) << bad;
    const auto code = new_user_code();
    EXPECT_EQ(read_user_code(shown_user_code(code)), code);
    EXPECT_NE(new_user_code(), code);
}

}  // namespace
}  // namespace gh::identity::oauth

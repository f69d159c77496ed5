#include "identity/oauth/cookies.hpp"
#include "identity/oauth/testing.hpp"

namespace gh::identity::oauth {
namespace {

class AuthorizeTest : public ServerTest {
 protected:
    bool asks_to_sign_in(const api::Reply& reply) {
        return reply.body.contains("name=\"password\"") && field_of(reply, "Location").empty();
    }
    bool asks_for_consent(const api::Reply& reply) {
        return reply.body.contains("value=\"allow\"") && field_of(reply, "Location").empty();
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, AuthorizeTest, storage::both_engines, storage::engine_name);

TEST_P(AuthorizeTest, NothingIsSentAnywhereBeforeClientAndRedirectUriAreProven) {
    const auto client = add_client();
    const auto request = authorization_of(client);
    const Pairs cases[] = {
        with(request, "client_id", "0000000000000000"),
        with(request, "client_id", "' OR 1=1 --"),
        with(request, "client_id", ""),
        with(request, "redirect_uri", "https://evil.example/"),
        with(request, "redirect_uri", "https://app.example/back/../evil"),
        with(request, "redirect_uri", "https://app.example/back#x"),
        with(request, "redirect_uri", "https://app.example/back?next=https://evil.example"),
        with(request, "redirect_uri", "javascript:alert(1)"),
        with(request, "redirect_uri", "//evil.example"),
    };
    for (const auto& c : cases) {
        const auto reply = look_at(c);
        EXPECT_EQ(reply.status, 400);
        EXPECT_EQ(field_of(reply, "Location"), "");
        EXPECT_FALSE(reply.body.contains("evil"));
    }
    auto twice = request;
    twice.emplace_back("redirect_uri", "https://app.example/back");
    EXPECT_EQ(look_at(twice).code, "oauth.malformed");
}

TEST_P(AuthorizeTest, OtherErrorsGoBackToTheClient) {
    const auto client = add_client();
    struct Case {
        std::string name, value, error;
    };
    const Case cases[] = {
        {"response_type", "token", "unsupported_response_type"},
        {"response_type", "", "invalid_request"},
        {"response_mode", "fragment", "invalid_request"},
        {"code_challenge", "", "invalid_request"},
        {"code_challenge", "short", "invalid_request"},
        {"code_challenge_method", "plain", "invalid_request"},
        {"code_challenge_method", "", "invalid_request"},
        {"scope", "openid users:write", "invalid_scope"},
        {"scope", "\"", "invalid_scope"},
        {"resource", "https://other.example/", "invalid_target"},
        {"request", "eyJ", "request_not_supported"},
        {"request_uri", "https://evil.example/", "request_uri_not_supported"},
        {"prompt", "none login", "invalid_request"},
        {"prompt", "dance", "invalid_request"},
        {"max_age", "-1", "invalid_request"},
        {"dpop_jkt", "x", "invalid_request"},
        {"nonce", std::string(600, 'n'), "invalid_request"},
        {"prompt", "none", "login_required"},
    };
    for (const auto& c : cases) {
        const auto reply = look_at(with(authorization_of(client), c.name, c.value));
        EXPECT_EQ(reply.status, 303) << c.name;
        EXPECT_EQ(redirected(reply, "error"), c.error) << c.name << " " << c.value;
        EXPECT_EQ(redirected(reply, "state"), "s t&te");
        EXPECT_EQ(redirected(reply, "iss"), "https://as.example");
        EXPECT_TRUE(field_of(reply, "Location").starts_with("https://app.example/back?"));
    }
}

TEST_P(AuthorizeTest, ItsPagesRunNothingAndAreFramedByNobody) {
    const auto client = add_client();
    const auto sign_in_page = look_at(authorization_of(client));
    const auto consent_page = sign_in_on(sign_in_page);
    EXPECT_TRUE(asks_to_sign_in(sign_in_page));
    EXPECT_TRUE(asks_for_consent(consent_page));
    for (const auto* page : {&sign_in_page, &consent_page}) {
        const auto policy = field_of(*page, "Content-Security-Policy");
        EXPECT_TRUE(policy.contains("default-src 'none'"));
        EXPECT_TRUE(policy.contains("frame-ancestors 'none'"));
        EXPECT_TRUE(policy.contains("form-action 'self' https://app.example;"));
        EXPECT_FALSE(policy.contains("unsafe"));
        EXPECT_FALSE(page->body.contains("<script"));
        EXPECT_TRUE(page->body.contains("App &lt;one&gt;"));
        EXPECT_FALSE(page->body.contains("App <one>"));
    }
    const auto style = between(sign_in_page.body, "<style>", "</style>");
    const auto digest = crypto::sha256(style);
    EXPECT_TRUE(field_of(sign_in_page, "Content-Security-Policy")
                    .contains("'sha256-" + codec::encode_base64(crypto::text_of(digest)) + "'"));
    for (const auto& [name, value] : consent_page.fields) {
        if (name != "Set-Cookie") continue;
        EXPECT_TRUE(value.starts_with("__Host-gatehouse_session=gh_se-"));
        EXPECT_TRUE(value.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600; Secure"));
    }
    const auto hint = with(authorization_of(client), "login_hint", "\"><script>alert(1)</script>");
    cookies.clear();
    EXPECT_FALSE(look_at(hint).body.contains("<script"));
}

TEST_P(AuthorizeTest, WrongPasswordsAreSlowedDown) {
    const auto client = add_client();
    auto page = look_at(authorization_of(client));
    for (int i = 0; i < 6; ++i) {
        page = sign_in_on(page, "wrong");
        EXPECT_TRUE(asks_to_sign_in(page));
        EXPECT_FALSE(page.body.contains("value=\"wrong\""));
    }
    // On a slow machine the first waits are over before the next attempt; each is twice the one before.
    for (int i = 0; i < 20 && page.status != 429; ++i) page = sign_in_on(page, "wrong");
    page = sign_in_on(page);
    EXPECT_EQ(page.status, 429);
    EXPECT_NE(field_of(page, "Retry-After"), "");
    EXPECT_FALSE(cookies.contains("__Host-gatehouse_session"));
}

TEST_P(AuthorizeTest, AFormOfAnotherBrowserOrRequestOrSiteCountsForNothing) {
    const auto client = add_client(), other = add_client();
    const auto request = authorization_of(client);
    const auto consent_page = sign_in_on(look_at(request));
    const auto target = "/oauth/authorize?" + form_of(request);
    const auto seal = between(consent_page.body, "name=\"seal\" value=\"", "\"");
    const Pairs allow{{"form", "consent"}, {"seal", seal}, {"choice", "allow"}};
    const auto own = cookies;

    EXPECT_EQ(submit(target, with(allow, "seal", "")).code, "oauth.form");
    EXPECT_EQ(submit(target, with(allow, "seal", "1700000000." + std::string(43, 'A'))).code,
              "oauth.form");
    EXPECT_EQ(submit(target, with(allow, "form", "sign_in")).code, "oauth.form");
    EXPECT_EQ(
        submit("/oauth/authorize?" + form_of(with(request, "scope", "openid email")), allow).code,
        "oauth.form");
    EXPECT_EQ(
        submit("/oauth/authorize?" + form_of(with(request, "client_id", other.id)), allow).code,
        "oauth.form");
    cookies["__Host-gatehouse_form"] = std::string(43, 'A');
    EXPECT_EQ(submit(target, allow).code, "oauth.form");
    cookies = own;
    cookies.erase("__Host-gatehouse_session");
    EXPECT_EQ(submit(target, allow).code, "oauth.form");
    cookies = own;
    std::string both;
    for (const auto& [name, value] : own) both += name + "=" + value + "; ";
    const Pairs from_afar{{"Cookie", both}, {"Origin", "https://evil.example"}};
    EXPECT_EQ(ask("POST", target, allow, from_afar).code, "oauth.form");
    EXPECT_EQ(ask("POST", target, allow, {{"Cookie", both}, {"Origin", "null"}}).code,
              "oauth.form");
    now += std::chrono::minutes(16);
    EXPECT_EQ(submit(target, allow).code, "oauth.form");
    now -= std::chrono::minutes(16);
    EXPECT_EQ(
        ask("POST", target, allow, {{"Cookie", both}, {"Origin", "https://as.example"}}).status,
        303);
}

TEST_P(AuthorizeTest, ConsentIsRememberedForLessAndAskedForMore) {
    const auto client = add_client();
    ASSERT_NE(code_for(client), "");
    EXPECT_NE(redirected(look_at(authorization_of(client)), "code"), "");
    EXPECT_NE(redirected(look_at(with(authorization_of(client), "scope", "openid")), "code"), "");
    EXPECT_NE(redirected(look_at(with(authorization_of(client), "prompt", "none")), "code"), "");
    EXPECT_TRUE(asks_for_consent(look_at(with(authorization_of(client), "scope", "email"))));
    EXPECT_TRUE(asks_for_consent(look_at(with(authorization_of(client), "prompt", "consent"))));
    auto more = with(authorization_of(client), "resource", "urn:example:files");
    EXPECT_TRUE(asks_for_consent(look_at(more)));
    EXPECT_EQ(redirected(look_at(with(more, "prompt", "none")), "error"), "consent_required");
    EXPECT_TRUE(asks_for_consent(look_at(authorization_of(add_client()))));
}

TEST_P(AuthorizeTest, ARedirectUriThatOthersMayListenAtIsAskedForEachTime) {
    const auto client = add_client([](NewClient& each) {
        each.authentication = ClientAuthentication::none;
        each.redirect_uris = {"http://127.0.0.1/back"};
    });
    const auto request =
        with(authorization_of(client), "redirect_uri", "http://127.0.0.1:49152/back");
    const auto back = go_through(request);
    EXPECT_TRUE(field_of(back, "Location").starts_with("http://127.0.0.1:49152/back?code="));
    EXPECT_TRUE(asks_for_consent(look_at(request)));
    EXPECT_EQ(redirected(look_at(with(request, "prompt", "none")), "error"), "consent_required");
}

TEST_P(AuthorizeTest, TheUserMayRefuseOrBeSomebodyElse) {
    const auto client = add_client();
    const auto page = sign_in_on(look_at(authorization_of(client)));
    const auto refused = submit_form(page, {{"choice", "deny"}});
    EXPECT_EQ(redirected(refused, "error"), "access_denied");
    EXPECT_EQ(redirected(refused, "code"), "");
    const auto other = submit_form(page, {{"choice", "switch"}});
    EXPECT_TRUE(asks_to_sign_in(other));
    EXPECT_TRUE(asks_to_sign_in(look_at(authorization_of(client))));
}

TEST_P(AuthorizeTest, OldSessionsAndPromptAskForThePasswordAgain) {
    const auto client = add_client();
    ASSERT_NE(code_for(client), "");
    const auto again = with(authorization_of(client), "prompt", "login");
    const auto page = look_at(again);
    EXPECT_TRUE(asks_to_sign_in(page));
    EXPECT_NE(redirected(sign_in_on(page), "code"), "") << "and not in a circle";
    now += seconds(100);
    EXPECT_TRUE(asks_to_sign_in(look_at(with(authorization_of(client), "max_age", "99"))));
    EXPECT_NE(redirected(look_at(with(authorization_of(client), "max_age", "100")), "code"), "");
    now += session_lifetime;
    EXPECT_TRUE(asks_to_sign_in(look_at(authorization_of(client))));
}

TEST_P(AuthorizeTest, ASessionEndsWithTheUsersRights) {
    const auto client = add_client();
    ASSERT_NE(code_for(client), "");
    ASSERT_TRUE(run_to_end(users->set_password(user_id, "x", false, now)));
    EXPECT_TRUE(asks_to_sign_in(look_at(authorization_of(client))));
}

TEST_P(AuthorizeTest, TakesItsRequestAsAFormToo) {
    const auto client = add_client();
    const auto page = submit("/oauth/authorize", authorization_of(client));
    EXPECT_TRUE(asks_to_sign_in(page));
    EXPECT_NE(redirected(allow_on(sign_in_on(page)), "code"), "");
}

TEST(Cookies, AreFoundByTheirWholeName) {
    http::Fields fields;
    fields.add("Cookie", "xa=1; a=2;b=3 ; c=");
    fields.add("Cookie", "d=4");
    EXPECT_EQ(find_cookie(fields, "a"), "2");
    EXPECT_EQ(find_cookie(fields, "b"), "3");
    EXPECT_EQ(find_cookie(fields, "c"), "");
    EXPECT_EQ(find_cookie(fields, "d"), "4");
    EXPECT_FALSE(find_cookie(fields, "x"));
    fields.add("Cookie", "a=5");
    EXPECT_FALSE(find_cookie(fields, "a")) << "which of the two?";
}

}  // namespace
}  // namespace gh::identity::oauth

#include "identity/oauth/token_exchange.hpp"

#include "identity/oauth/testing.hpp"
#include "identity/principal.hpp"

namespace gh::identity::oauth {
namespace {

KnownToken token_with(std::vector<std::string> roles, std::vector<std::string> scopes,
                      std::vector<std::string> audience, SystemTime expires) {
    KnownToken token;
    token.claims.subject = "ann";
    token.claims.roles = std::move(roles);
    token.claims.scopes = std::move(scopes);
    token.claims.expires = expires;
    token.audience = std::move(audience);
    token.said = codec::json::parse("{}").value();
    return token;
}

constexpr SystemTime moment{seconds(1'700'000'000)};
constexpr std::string_view us = "https://as.example";

Client agent() {
    Client client;
    client.id = "0123456789abcdef";
    client.scopes = {"a", "b", "c"};
    client.resources = {"urn:r:1", "urn:r:2"};
    return client;
}

TEST(Delegation, IsNeverMoreThanBothHave) {
    const auto subject = token_with({"admin", "user"}, {"a", "b", "d"},
                                    {"urn:r:1", "urn:r:3", std::string(us)}, moment + seconds(900));
    auto actor =
        token_with({"user", "x"}, {"b", "c", "d"}, {"urn:r:1", "urn:r:2"}, moment + seconds(300));
    actor.claims.subject = "bot";
    const auto both = delegate(subject, &actor, agent(), {}, us, seconds(1'800), moment).value();
    EXPECT_EQ(both.roles, std::vector<std::string>{"user"});
    EXPECT_EQ(both.scopes, std::vector<std::string>{"b"});
    EXPECT_EQ(both.audience, std::vector<std::string>{"urn:r:1"});
    EXPECT_EQ(both.lifetime, seconds(300));
    EXPECT_EQ(both.actor, R"({"sub":"bot"})");

    const auto alone = delegate(subject, nullptr, agent(), {}, us, seconds(60), moment).value();
    EXPECT_TRUE(alone.roles.empty());
    EXPECT_EQ(alone.scopes, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(alone.audience, (std::vector<std::string>{"urn:r:1", std::string(us)}));
    EXPECT_EQ(alone.lifetime, seconds(60));
    EXPECT_EQ(alone.actor, R"({"sub":"0123456789abcdef"})");
}

TEST(Delegation, GivesWhatIsWantedOrNothing) {
    const auto subject =
        token_with({"user"}, {"a", "d"}, {"urn:r:1", "urn:r:3"}, moment + seconds(900));
    struct Case {
        std::string_view reason;
        DelegationWish wish;
    };
    const Case cases[] = {
        {"", {}},
        {"", {{"a"}, {"urn:r:1"}}},
        {"oauth.scope", {{"b"}, {}}},  // the client's, not the user's
        {"oauth.scope", {{"d"}, {}}},  // the user's, not the client's
        {"oauth.resource", {{}, {"urn:r:2"}}},
        {"oauth.resource", {{}, {"urn:r:3"}}},
        {"oauth.resource", {{}, {std::string(us)}}},
    };
    for (const auto& c : cases) {
        const auto given = delegate(subject, nullptr, agent(), c.wish, us, seconds(60), moment);
        EXPECT_EQ(given ? "" : given.error().reason, c.reason);
    }
    const auto nothing = token_with({}, {"d"}, {"urn:r:1"}, moment + seconds(900));
    EXPECT_EQ(delegate(nothing, nullptr, agent(), {}, us, seconds(60), moment).error().reason,
              "oauth.scope");
}

TEST(Delegation, RemembersWhoActedBeforeAndEndsAtEight) {
    auto subject = token_with({}, {"a"}, {std::string(us)}, moment + seconds(900));
    std::string act;
    for (std::size_t depth = 0; depth < actors_max; ++depth) {
        const auto given = delegate(subject, nullptr, agent(), {}, us, seconds(60), moment).value();
        EXPECT_EQ(given.actors.size(), depth + 1);
        act = given.actor;
        subject.said = codec::json::parse(R"({"act":)" + act + "}").value();
    }
    EXPECT_EQ(delegate(subject, nullptr, agent(), {}, us, seconds(60), moment).error().reason,
              "oauth.act_depth");
}

class TokenExchangeTest : public ServerTest {
 protected:
    void SetUp() override {
        ServerTest::SetUp();
        if (IsSkipped()) return;
        app = add_client();
        bot = add_client([this](NewClient& client) {
            client.name = "bot";
            client.redirect_uris = {};
            client.grants = {std::string(grant_exchange), std::string(grant_credentials)};
            client.scopes = {"users:read", "files:read"};
            client.resources = {};
            client.serves = {issuer->name()};
        });
        const auto tokens = redeem(app, code_for(app));
        user_token = said(tokens, "access_token");
        id_token = said(tokens, "id_token");
        refresh_token = said(tokens, "refresh_token");
    }
    api::Reply exchange(const Client& client, const std::string& subject, Pairs more = {}) {
        more.emplace_back("grant_type", std::string(grant_exchange));
        more.emplace_back("subject_token", subject);
        more.emplace_back("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
        return ask_token(client, more);
    }
    Client app, bot;
    std::string user_token, id_token, refresh_token;
};
INSTANTIATE_TEST_SUITE_P(Engines, TokenExchangeTest, storage::both_engines, storage::engine_name);

TEST_P(TokenExchangeTest, SaysWhoActsForWhom) {
    const auto reply = exchange(bot, user_token);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(said(reply, "issued_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    EXPECT_EQ(said(reply, "scope"), "users:read");
    EXPECT_EQ(said(reply, "refresh_token"), "");
    const auto token = claims_of(said(reply, "access_token"));
    EXPECT_EQ(*token.find_string("sub"), "ann");
    EXPECT_EQ(*token.find_string("client_id"), bot.id);
    EXPECT_EQ(*token.find("act")->find_string("sub"), bot.id);
    EXPECT_TRUE(token.find("roles")->array()->empty());
    const auto record = acts().back();
    EXPECT_EQ(record.action, "oauth.exchange");
    EXPECT_EQ(record.act, std::vector<std::string>{bot.id});
    const auto next = exchange(bot, said(reply, "access_token"));
    const auto act = claims_of(said(next, "access_token")).find("act")->find("act");
    ASSERT_NE(act, nullptr);
}

TEST_P(TokenExchangeTest, EndsWithWhatItCameFromAndNotLater) {
    now += seconds(1'000);
    const auto derived = said(exchange(bot, user_token), "access_token");
    EXPECT_EQ(claims_of(derived).find("exp")->integer(),
              claims_of(user_token).find("exp")->integer());
    EXPECT_TRUE(is_active(bot, derived));
    EXPECT_EQ(ask_as(app, "/oauth/revoke", {{"token", refresh_token}}).status, 200);
    EXPECT_FALSE(is_active(bot, derived));
    EXPECT_EQ(exchange(bot, user_token).code, "oauth.subject_token");
}

TEST_P(TokenExchangeTest, EndsWithWhoActsAndWithEveryTokenItCameFrom) {
    const auto wide = said(ask_token(bot, {{"grant_type", "client_credentials"}}), "access_token");
    const std::pair<std::string, std::string> type{"actor_token_type",
                                                   "urn:ietf:params:oauth:token-type:access_token"};
    const auto first =
        said(exchange(bot, user_token, {{"actor_token", wide}, type}), "access_token");
    const auto id_of = [&](const std::string& token) {
        return std::string(*claims_of(token).find_string("jti"));
    };
    const std::pair<RevocationKind, std::string> ends[] = {
        {RevocationKind::token, id_of(user_token)}, {RevocationKind::token, id_of(wide)},
        {RevocationKind::token, id_of(first)},      {RevocationKind::subject, bot.id},
        {RevocationKind::client, bot.id},           {RevocationKind::subject, "Ann"}};
    for (const auto& [kind, value] : ends) {
        const auto second = exchange(bot, first);
        ASSERT_EQ(second.status, 200) << second.body;
        RevocationSource source;
        const auto token = known_token(*server, said(second, "access_token"), now);
        ASSERT_TRUE(token);
        const auto principal =
            principal_of(token->claims, access::PrincipalType::user, access::RevokedBy::token_list);
        EXPECT_FALSE(source.covers(*principal));
        EXPECT_EQ(principal->actors, (std::vector<std::string>{bot.id, bot.id}));
        source.add({{kind, value, now + seconds(1), now + seconds(3'600)}}, now);
        EXPECT_TRUE(source.covers(*principal)) << name_of(kind) << ' ' << value;
    }
}

TEST_P(TokenExchangeTest, TakesGoodAccessTokensOnlyAndFromThoseTheyWereMeantFor) {
    const auto stranger = add_client([](NewClient& client) {
        client.redirect_uris = {};
        client.grants = {std::string(grant_exchange)};
    });
    EXPECT_EQ(exchange(stranger, user_token).code, "oauth.subject_token");
    EXPECT_EQ(exchange(bot, id_token).code, "oauth.subject_token");
    EXPECT_EQ(exchange(bot, refresh_token).code, "oauth.subject_token");
    EXPECT_EQ(exchange(bot, "nonsense").code, "oauth.subject_token");
    EXPECT_EQ(exchange(app, user_token).code, "oauth.grant_not_allowed");
    EXPECT_EQ(exchange(bot, user_token, {{"requested_token_type", "urn:x"}}).code,
              "oauth.token_type");
    EXPECT_EQ(exchange(bot, user_token, {{"scope", "files:read"}}).code, "oauth.scope");
    EXPECT_EQ(exchange(bot, user_token, {{"audience", "urn:other"}}).code, "oauth.resource");
    EXPECT_EQ(exchange(bot, user_token, {{"audience", "https://as.example"}}).status, 200);
}

TEST_P(TokenExchangeTest, AnActorsTokenIsItsOwnAndNarrows) {
    const auto own =
        said(ask_token(bot, {{"grant_type", "client_credentials"}, {"scope", "files:read"}}),
             "access_token");
    const std::pair<std::string, std::string> type{"actor_token_type",
                                                   "urn:ietf:params:oauth:token-type:access_token"};
    EXPECT_EQ(exchange(bot, user_token, {{"actor_token", own}, type}).code, "oauth.scope")
        << "nothing in common";
    const auto wide = said(ask_token(bot, {{"grant_type", "client_credentials"}}), "access_token");
    EXPECT_EQ(exchange(bot, user_token, {{"actor_token", wide}, type}).status, 200);
    EXPECT_EQ(exchange(bot, user_token, {{"actor_token", user_token}, type}).code,
              "oauth.actor_token");
    const auto delegated = said(exchange(bot, user_token), "access_token");
    EXPECT_EQ(exchange(bot, user_token, {{"actor_token", delegated}, type}).code,
              "oauth.actor_token");
    EXPECT_EQ(exchange(bot, user_token, {type}).code, "oauth.malformed");
}

}  // namespace
}  // namespace gh::identity::oauth

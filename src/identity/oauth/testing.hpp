#pragma once

// An authorization server with a user and clients, over an empty database of either engine, and a browser to look at it.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/testing.hpp"
#include "codec/base64.hpp"
#include "codec/form.hpp"
#include "codec/json.hpp"
#include "codec/percent.hpp"
#include "crypto/digest.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/parameters.hpp"
#include "identity/oauth/server.hpp"
#include "storage/testing.hpp"

namespace gh::identity::oauth {

using storage::run_to_end;
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string form_of(const Pairs& pairs) {
    std::string text;
    for (const auto& [name, value] : pairs) {
        if (!text.empty()) text += '&';
        text += codec::percent_encode(name) + "=" + codec::percent_encode(value);
    }
    return text;
}

inline std::string basic(std::string_view id, std::string_view secret) {
    return "Basic " + codec::encode_base64(std::string(id) + ":" + std::string(secret));
}

/// What stands between two marks of a text; empty where they do not.
inline std::string between(std::string_view text, std::string_view before, std::string_view after) {
    const auto from = text.find(before);
    if (from == std::string_view::npos) return {};
    text.remove_prefix(from + before.size());
    return std::string(text.substr(0, text.find(after)));
}

inline std::string field_of(const api::Reply& reply, std::string_view name) {
    for (const auto& [each, value] : reply.fields) {
        if (each == name) return value;
    }
    return {};
}

/// A member of a JSON answer that is text; empty where there is none.
inline std::string said(const api::Reply& reply, std::string_view name) {
    const auto body = codec::json::parse(reply.body);
    const auto* text = body ? body->find_string(name) : nullptr;
    return text ? *text : std::string();
}

/// A parameter of the query that a redirection leads to.
inline std::string redirected(const api::Reply& reply, std::string_view name) {
    const auto location = field_of(reply, "Location");
    const auto form =
        codec::parse_form(location.substr(std::min(location.find('?') + 1, location.size())));
    const auto* value = form ? form->find(name) : nullptr;
    return value ? *value : std::string();
}

/// Claims of a JWS, unchecked.
inline codec::json::Value claims_of(std::string_view token) {
    const auto payload = between(token, ".", ".");
    return codec::json::parse(codec::decode_base64url(payload).value()).value();
}

inline const std::string verifier(43, 'v');
inline std::string challenge_of(std::string_view text) {
    const auto digest = crypto::sha256(text);
    return codec::encode_base64url(crypto::text_of(digest));
}

class ServerTest : public storage::EngineTest {
 protected:
    static constexpr auto scheme = crypto::PasswordScheme::argon2id;
    static constexpr std::string_view redirect_uri = "https://app.example/back";

    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        fallback.emplace(*database, storage::Journal::open(folder.path / "journal", {}).value(),
                         registry, log);
        audit_log.emplace(*fallback, registry, log);
        revocations.learn({}, now);
        users.emplace(*database);
        sign_in.emplace(SignIn::Parts{*users,
                                      pool,
                                      throttle,
                                      scheme,
                                      {password_hash(), password_hash()},
                                      SignInCounters(registry)});
        issuer.emplace("https://as.example", signing_keys());
        server.emplace(parts());
        table = routes(*server);
        NewUser ann{.name = "ann",
                    .email = "ann@example.com",
                    .roles = {"user"},
                    .password_hash = password_hash()};
        user_id = run_to_end(users->create(ann, now)).value().id;
    }
    Parts parts() {
        return {.database = *database,
                .users = *users,
                .sign_in = *sign_in,
                .throttle = throttle,
                .issuer = *issuer,
                .revocations = revocations,
                .roles = roles,
                .hasher = hasher,
                .replays = replays,
                .audit = *audit_log,
                .password_grant = password_grant,
                .now = [this] { return now; }};
    }
    static const std::string& password_hash() {
        static const auto hash =
            crypto::hash_password(scheme, crypto::Secret("correct horse")).value();
        return hash;
    }
    static std::shared_ptr<const SigningKeys> signing_keys() {
        struct Store final : crypto::KeyStore {
            Result<crypto::Secret> load(std::string_view) override {
                return fail(ErrorKind::not_found, "key.missing");
            }
            Result<void> store(std::string_view, const crypto::Secret&) override { return {}; }
        } store;
        return SigningKeys::keep(store, codec::JoseAlgorithm::es256, {}, start).value();
    }

    /// What was recorded, in order.
    std::vector<audit::Record> acts() {
        static constexpr storage::Statement select{
            .name = "test.acts", .sql = "SELECT record FROM audit_records ORDER BY leaf_index"};
        const auto rows = run_to_end(database->query(select)).value();
        std::vector<audit::Record> all;
        for (std::size_t i = 0; i < rows.size(); ++i)
            all.push_back(audit::parse_record(rows[i].text(0)).value());
        return all;
    }
    std::string last_act() {
        const auto all = acts();
        return all.empty() ? "" : all.back().action;
    }

    /// A client of the usual kind; `change` makes it another one.
    template <class Change>
    Client add_client(Change change) {
        NewClient client;
        client.name = "App <one>";
        client.authentication = ClientAuthentication::secret_basic;
        client.redirect_uris = {std::string(redirect_uri)};
        client.grants = {std::string(grant_code), std::string(grant_refresh)};
        client.scopes = {"openid", "profile", "email", "users:read"};
        client.resources = {"https://api.example/", "urn:example:files"};
        change(client);
        auto made = run_to_end(server->clients().create(client, now));
        EXPECT_TRUE(made) << describe(made.error());
        secrets[made->client.id] = made->secret;
        return made->client;
    }
    Client add_client() {
        return add_client([](NewClient&) {});
    }
    Client add_public_client() {
        return add_client(
            [](NewClient& client) { client.authentication = ClientAuthentication::none; });
    }

    /// @param target  path and query
    api::Reply ask(std::string_view method, const std::string& target, const Pairs& body = {},
                   const Pairs& fields = {}) {
        api::FakeCall call(method, target);
        for (const auto& [name, value] : fields) call.with(name, value);
        if (!body.empty()) call.send(form_of(body));
        return run(call);
    }
    api::Reply run(const api::FakeCall& fake) {
        const auto call = fake.call();
        for (const auto& route : table) {
            if (route.method != call.head.method_text || route.path != call.path) continue;
            auto reply = run_to_end(route.handle(call));
            EXPECT_TRUE(reply) << describe(reply.error());
            return reply ? *reply : api::Reply{.status = 599};
        }
        ADD_FAILURE() << "no route " << call.path;
        return {.status = 404};
    }
    /// To the token endpoint, as `client` proves itself.
    api::Reply ask_token(const Client& client, Pairs body) {
        return ask_as(client, "/oauth/token", std::move(body));
    }
    api::Reply ask_as(const Client& client, const std::string& path, Pairs body) {
        Pairs fields;
        if (client.authentication == ClientAuthentication::secret_basic) {
            fields.emplace_back("Authorization", basic(client.id, secrets[client.id]));
        } else {
            body.emplace_back("client_id", client.id);
        }
        if (client.authentication == ClientAuthentication::secret_post)
            body.emplace_back("client_secret", secrets[client.id]);
        return ask("POST", path, body, fields);
    }

    Pairs authorization_of(const Client& client) {
        return {{"response_type", "code"},
                {"client_id", client.id},
                {"redirect_uri", std::string(redirect_uri)},
                {"scope", "openid users:read"},
                {"state", "s t&te"},
                {"nonce", "n-1"},
                {"code_challenge", challenge_of(verifier)},
                {"code_challenge_method", "S256"}};
    }
    static Pairs with(Pairs pairs, const std::string& name, const std::string& value) {
        std::erase_if(pairs, [&](const auto& pair) { return pair.first == name; });
        if (!value.empty()) pairs.emplace_back(name, value);
        return pairs;
    }

    /// A browser: it keeps cookies.
    api::Reply look(const std::string& target) {
        return kept(ask("GET", target, {}, cookie_field()));
    }
    api::Reply look_at(const Pairs& request) {
        return look("/oauth/authorize?" + form_of(request));
    }
    api::Reply submit(const std::string& target, const Pairs& body) {
        return kept(ask("POST", target, body, cookie_field()));
    }
    /// Fills in the form that a page shows.
    api::Reply submit_form(const api::Reply& page, Pairs more) {
        auto action = between(page.body, "action=\"", "\"");
        for (auto at = action.find("&amp;"); at != std::string::npos; at = action.find("&amp;"))
            action.replace(at, 5, "&");
        more.emplace_back("form", between(page.body, "name=\"form\" value=\"", "\""));
        more.emplace_back("seal", between(page.body, "name=\"seal\" value=\"", "\""));
        return submit(action, more);
    }
    api::Reply sign_in_on(const api::Reply& page, const std::string& password = "correct horse") {
        return submit_form(page, {{"username", "ann"}, {"password", password}});
    }
    api::Reply allow_on(const api::Reply& page) { return submit_form(page, {{"choice", "allow"}}); }
    /// All the way, whatever is asked on it.
    api::Reply go_through(const Pairs& request) {
        auto page = look_at(request);
        if (page.body.contains("name=\"password\"")) page = sign_in_on(page);
        if (page.body.contains("value=\"allow\"")) page = allow_on(page);
        return page;
    }
    std::string code_for(const Client& client) {
        return redirected(go_through(authorization_of(client)), "code");
    }
    api::Reply redeem(const Client& client, const std::string& code) {
        return ask_token(client, {{"grant_type", "authorization_code"},
                                  {"code", code},
                                  {"redirect_uri", std::string(redirect_uri)},
                                  {"code_verifier", verifier}});
    }
    api::Reply refresh(const Client& client, const std::string& token, Pairs more = {}) {
        more.emplace_back("grant_type", "refresh_token");
        more.emplace_back("refresh_token", token);
        return ask_token(client, more);
    }
    /// Is it good, and not revoked?
    bool is_active(const Client& client, const std::string& token) {
        return ask_as(client, "/oauth/introspect", {{"token", token}})
            .body.starts_with(R"({"active":true)");
    }

    static constexpr SystemTime start{seconds(1'700'000'000)};
    SystemTime now = start;
    bool password_grant = false;
    std::optional<UserRepository> users;
    net::WorkPool pool{{.threads = 1, .queue_max = 4, .name = "hash"}};
    LoginThrottle throttle;
    std::optional<SignIn> sign_in;
    std::optional<TokenIssuer> issuer;
    RevocationSource revocations;
    RoleSource roles;
    DpopReplays replays;
    telemetry::NoLog sink;
    telemetry::Log log{sink};
    std::optional<storage::Fallback> fallback;
    std::optional<audit::Log> audit_log;
    std::shared_ptr<const ApiKeyHasher> hasher =
        std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    std::optional<Server> server;
    std::vector<api::Route> table;
    std::map<std::string, std::string> secrets;
    std::map<std::string, std::string> cookies;
    std::string user_id;

 private:
    Pairs cookie_field() const {
        std::string all;
        for (const auto& [name, value] : cookies)
            all += (all.empty() ? "" : "; ") + name + "=" + value;
        if (all.empty()) return {};
        return {{"Cookie", all}};
    }
    api::Reply kept(api::Reply reply) {
        for (const auto& [name, value] : reply.fields) {
            if (name != "Set-Cookie") continue;
            const auto cookie = value.substr(0, value.find('='));
            cookies[cookie] = between(value, "=", ";");
            if (value.contains("Max-Age=0")) cookies.erase(cookie);
        }
        return reply;
    }
};

}  // namespace gh::identity::oauth

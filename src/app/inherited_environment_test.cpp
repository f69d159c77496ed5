#include "app/inherited_environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "config/dotenv.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

const std::string strong = "k8Zq2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0Jsu";
const std::string longer = "3f1d7a9c5e2b8046d1c3f5a7092e4b6883a1d5f7c9e0b2446a8c1e3f50729b4d";

const std::string file =
    "listeners:\n"
    "  - {name: public, bind: \"[::]:8443\", tls: {}, serve: [gateway]}\n"
    "  - {name: admin, bind: 127.0.0.1:9901, serve: [health, metrics]}\n"
    "upstreams:\n"
    "  - {name: b, endpoints: [\"http://a\"]}\n"
    "routes:\n"
    "  - {match: {path: /a}, upstream: b, access: public, cors: {origins: [\"https://old\"], "
    "max_age: 1m}}\n"
    "  - {match: {path: /b}, upstream: b, access: public}\n";

Result<ReadSettings> read(Variables variables, const std::string& yaml = file) {
    const Surroundings surroundings{.environment = config::Environment(std::move(variables)),
                                    .check_secret = crypto::check_secret_strength};
    return read_settings_text(yaml, "f", "/etc/gatehouse", {}, surroundings);
}

Settings good(Variables variables, const std::string& yaml = file) {
    auto result = read(std::move(variables), yaml);
    EXPECT_TRUE(result) << result.error().detail;
    return result ? std::move(result->settings) : Settings{};
}

std::string refused(Variables variables, const std::string& yaml = file) {
    const auto result = read(std::move(variables), yaml);
    return result ? "" : result.error().detail;
}

TEST(InheritedEnvironment, AnEmptyOneChangesNothing) {
    Variables empty;
    for (const auto& variable : inherited_variables()) empty.emplace(variable.name, "");
    EXPECT_EQ(good(empty), good({}));
}

TEST(InheritedEnvironment, ASharedSecretBecomesAnIssuer) {
    for (const auto* name : {"JWT_SECRET_KEY", "JWT_SECRET"}) {
        SCOPED_TRACE(name);
        const auto result = read({{name, strong}});
        ASSERT_TRUE(result) << result.error().detail;
        const auto& issuers = result->settings.auth.trusted_issuers;
        ASSERT_EQ(issuers.size(), 1U);
        EXPECT_EQ(issuers[0].issuer, "legacy");
        EXPECT_FALSE(issuers[0].issuer_required);
        EXPECT_TRUE(issuers[0].any_audience);
        EXPECT_EQ(issuers[0].algorithm, codec::JoseAlgorithm::hs256);
        EXPECT_EQ(issuers[0].secret.view(), strong);
        ASSERT_EQ(result->warnings.size(), 1U);
        EXPECT_EQ(result->warnings[0], std::string(name) +
                                           ": tokens signed with it are believed, whatever their "
                                           "audience (issuer \"legacy\")");
    }
}

TEST(InheritedEnvironment, TwoNamesOfOneVariableMustAgree) {
    EXPECT_EQ(
        good({{"JWT_SECRET_KEY", strong}, {"JWT_SECRET", strong}}).auth.trusted_issuers.size(), 1U);
    EXPECT_EQ(good({{"JWT_SECRET_KEY", ""}, {"JWT_SECRET", strong}}).auth.trusted_issuers.size(),
              1U);
    EXPECT_EQ(refused({{"JWT_SECRET_KEY", strong}, {"JWT_SECRET", longer}}),
              "environment: JWT_SECRET_KEY: JWT_SECRET is set too, and to something else: they are "
              "one variable with two "
              "names, allowed: one of them, or the same value");
}

TEST(InheritedEnvironment, TheSecretGoesToTheIssuerThatRefersToIt) {
    const auto settings = good(
        {{"JWT_SECRET_KEY", strong}},
        "auth:\n  trusted_issuers:\n    - {issuer: mine, algorithm: HS256, audience: api, secret: "
        "\"${env:JWT_SECRET_KEY}\"}\n");
    ASSERT_EQ(settings.auth.trusted_issuers.size(), 1U);
    EXPECT_EQ(settings.auth.trusted_issuers[0].issuer, "mine");
    EXPECT_FALSE(settings.auth.trusted_issuers[0].any_audience);

    const auto named = good({{"JWT_SECRET", strong}, {"OTHER", longer}},
                            "auth:\n  trusted_issuers:\n    - {issuer: legacy, algorithm: HS256, "
                            "audience: api, secret: "
                            "\"${env:OTHER}\"}\n");
    ASSERT_EQ(named.auth.trusted_issuers.size(), 1U);
    EXPECT_EQ(named.auth.trusted_issuers[0].secret.view(), strong);
    EXPECT_EQ(named.auth.trusted_issuers[0].audience.at(0), "api");

    EXPECT_EQ(
        refused({{"JWT_SECRET", strong}},
                "auth:\n  trusted_issuers:\n    - {issuer: legacy, jwks_file: k, audience: api}\n"),
        "environment: JWT_SECRET: the issuer \"legacy\" of the file has another kind of key, "
        "allowed: one of the two");
}

TEST(InheritedEnvironment, WeakSecretsAreRefusedWithoutBeingShown) {
    for (const auto* weak : {"change-me-in-production", "YOUR_JWT_SECRET_HERE", "short", "secret",
                             "a-string-secret-at-least-256-bits-long"}) {
        for (const auto* name : {"JWT_SECRET_KEY", "API_KEYS"}) {
            SCOPED_TRACE(std::string(name) + "=" + weak);
            const auto said = refused({{name, weak}});
            EXPECT_TRUE(said.starts_with("environment: " + std::string(name) +
                                         ": cannot be used as a secret: "))
                << said;
            if (std::string_view(weak) != "secret") {
                EXPECT_FALSE(said.contains(weak)) << said;
            }
        }
    }
}

TEST(InheritedEnvironment, AnAlgorithmWantsASecretThatIsLongEnough) {
    using codec::JoseAlgorithm;
    EXPECT_EQ(good({{"JWT_SECRET_KEY", longer}, {"JWT_ALGORITHM", "HS512"}})
                  .auth.trusted_issuers.at(0)
                  .algorithm,
              JoseAlgorithm::hs512);
    EXPECT_EQ(refused({{"JWT_SECRET_KEY", strong}, {"JWT_ALGORITHM", "HS512"}}),
              "environment: JWT_ALGORITHM: wants a secret of at least 64 bytes (RFC 7518 §3.2)");
    EXPECT_EQ(refused({{"JWT_SECRET_KEY", strong}, {"JWT_ALGORITHM", "none"}}),
              "environment: JWT_ALGORITHM: \"none\" is no algorithm for a shared secret, allowed: "
              "HS256, HS384, HS512");
    EXPECT_EQ(refused({{"JWT_SECRET_KEY", strong}, {"JWT_ALGORITHM", "RS256"}}),
              "environment: JWT_ALGORITHM: \"RS256\" is no algorithm for a shared secret, allowed: "
              "HS256, HS384, HS512");
    const auto alone = read({{"JWT_ALGORITHM", "HS256"}});
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->warnings.at(0), "JWT_ALGORITHM: has no effect: JWT_SECRET_KEY is not set");
}

TEST(InheritedEnvironment, ApiKeysAreSplitAndEmptyOnesNeverCount) {
    const auto settings = good({{"API_KEYS", " " + strong + ",, " + longer + " ,"}});
    const auto& keys = settings.first_users.api_keys;
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].view(), strong);
    EXPECT_EQ(keys[1].view(), longer);
    EXPECT_TRUE(good({{"API_KEYS", ",, ,"}}).first_users.api_keys.empty());
    EXPECT_NE(refused({{"API_KEYS", "gh_" + strong}}), "");
    EXPECT_NE(refused({{"API_KEYS", "short"}}), "");
}

TEST(InheritedEnvironment, AuthenticationCannotBeSwitchedOffInProductionOrBeyondLoopback) {
    const std::string text = "environment: ENABLE_AUTH: authentication cannot be off ";
    EXPECT_TRUE(
        refused({{"ENABLE_AUTH", "false"}}).starts_with(text + "in the production profile"));
    EXPECT_TRUE(refused({{"ENABLE_AUTH", "false"}}, "profile: development\n" + file)
                    .starts_with(text + "while a listener is reachable"));
    const std::string loopback =
        "profile: development\nlisteners: [{name: a, bind: 127.0.0.1:1, serve: [gateway]}]\n";
    EXPECT_FALSE(good({{"ENABLE_AUTH", "false"}}, loopback).auth.enabled);
    EXPECT_TRUE(
        good({{"ENABLE_AUTH", "true"}}, loopback + "auth: {enabled: false}\n").auth.enabled);
}

TEST(InheritedEnvironment, EachHstsVariableChangesItsPartOnly) {
    const auto header = [](Variables variables) {
        return good(std::move(variables)).listeners.at(0).hsts.header_value();
    };
    EXPECT_EQ(header({}), "max-age=31536000; includeSubDomains");
    EXPECT_EQ(header({{"ENABLE_HSTS", "true"},
                      {"HSTS_MAX_AGE", "31536000"},
                      {"HSTS_INCLUDE_SUBDOMAINS", "true"},
                      {"HSTS_PRELOAD", "true"}}),
              "max-age=31536000; includeSubDomains; preload");
    EXPECT_EQ(header({{"HSTS_MAX_AGE", "60"}}), "max-age=60; includeSubDomains");
    EXPECT_EQ(header({{"HSTS_INCLUDE_SUBDOMAINS", "false"}}), "max-age=31536000");
    EXPECT_EQ(header({{"HSTS_PRELOAD", "1"}}), "max-age=31536000; includeSubDomains; preload");
    EXPECT_EQ(header({{"ENABLE_HSTS", "False"}}), "");
    EXPECT_EQ(refused({{"HSTS_MAX_AGE", "1y"}}),
              "environment: HSTS_MAX_AGE: \"1y\" is no number of seconds, allowed: 0 to 315360000");
    EXPECT_EQ(refused({{"ENABLE_HSTS", "maybe"}}),
              "environment: ENABLE_HSTS: is not a boolean, allowed: true, false");
}

TEST(InheritedEnvironment, RedirectsComeAndGoButNothingIsServedInPlainText) {
    const auto on = good({{"ENABLE_HTTPS_REDIRECT", "true"}});
    ASSERT_EQ(on.listeners.size(), 3U);
    EXPECT_EQ(on.listeners[2].name, "redirect");
    EXPECT_EQ(on.listeners[2].redirect_to, "public");
    EXPECT_EQ(on.listeners[2].bind.text(), "[::]:8080");
    EXPECT_TRUE(on.listeners[2].serve.empty());
    const std::string own =
        "listeners:\n  - {name: a, bind: \"[::]:1\", tls: {}, serve: [gateway]}\n"
        "  - {name: b, bind: \"[::]:2\", redirect_to: a}\n";
    EXPECT_EQ(good({{"ENABLE_HTTPS_REDIRECT", "true"}}, own).listeners.size(), 2U);
    const auto off = good({{"ENABLE_HTTPS_REDIRECT", "false"}}, own);
    ASSERT_EQ(off.listeners.size(), 1U);
    EXPECT_TRUE(off.listeners[0].tls);
    EXPECT_EQ(refused({{"ENABLE_HTTPS_REDIRECT", "true"}},
                      "listeners: [{name: a, bind: 127.0.0.1:1, serve: [gateway]}]\n"),
              "environment: ENABLE_HTTPS_REDIRECT: there is no listener with tls to redirect to");
    EXPECT_EQ(
        refused({{"ENABLE_HTTPS_REDIRECT", "true"}},
                "listeners:\n  - {name: a, bind: \"[::]:8080\", tls: {}, serve: [gateway]}\n"),
        "environment: ENABLE_HTTPS_REDIRECT: [::]:8080 is taken by the listener a");
}

TEST(InheritedEnvironment, OriginsApplyToEveryRouteAndHostsToAll) {
    const auto settings =
        good({{"ALLOWED_ORIGINS", "http://localhost:3000, https://yourdomain.com:443"},
              {"ALLOWED_HOSTS", "localhost,YourDomain.com"}});
    const std::vector<std::string> origins = {"http://localhost:3000", "https://yourdomain.com"};
    EXPECT_EQ(settings.routes.at(0).cors->origins, origins);
    EXPECT_EQ(settings.routes.at(0).cors->max_age.count(), 60);
    EXPECT_EQ(settings.routes.at(1).cors->origins, origins);
    EXPECT_FALSE(settings.routes.at(1).cors->credentials);
    EXPECT_EQ(settings.allowed_hosts, (std::vector<std::string>{"localhost", "yourdomain.com"}));

    EXPECT_TRUE(good({{"ALLOWED_ORIGINS", "*"}}).routes.at(1).cors->any_origin);
    EXPECT_EQ(refused({{"ALLOWED_ORIGINS", "*"}},
                      "upstreams: [{name: b, endpoints: [\"http://a\"]}]\nroutes:\n  - {match: "
                      "{path: /}, upstream: b, "
                      "access: public, cors: {origins: [\"https://a\"], credentials: true}}\n"),
              "environment: ALLOWED_ORIGINS: \"*\" together with the credentials that routes[0] "
              "allows would let every "
              "page act as its visitor, allowed: a list of origins");
    EXPECT_EQ(refused({{"ALLOWED_ORIGINS", "https://a, b"}}),
              "environment: ALLOWED_ORIGINS: \"b\" is not an origin, allowed: SCHEME://HOST or "
              "SCHEME://HOST:PORT without "
              "a path, or *");
    EXPECT_EQ(refused({{"ALLOWED_HOSTS", "*"}}),
              "environment: ALLOWED_HOSTS: \"*\" is not a host, allowed: a name, *.NAME or an "
              "address, without port");
}

TEST(InheritedEnvironment, MetricsComeAndGo) {
    const auto served = [](const Settings& settings) {
        return std::ranges::count_if(settings.listeners, [](const auto& listener) {
            return listener.serves(net::Service::metrics);
        });
    };
    const auto off = good({{"ENABLE_METRICS", "false"}});
    EXPECT_EQ(served(off), 0);
    EXPECT_TRUE(off.listeners.at(1).serves(net::Service::health));
    const std::string only =
        "listeners:\n  - {name: a, bind: \"[::]:1\", tls: {}, serve: [gateway]}\n";
    const auto on = good({{"ENABLE_METRICS", "true"}}, only);
    ASSERT_EQ(on.listeners.size(), 2U);
    EXPECT_EQ(on.listeners[1].bind.text(), "127.0.0.1:9901");
    const auto joined = good({{"ENABLE_METRICS", "true"}},
                             only + "  - {name: b, bind: 127.0.0.1:2, serve: [health]}\n");
    ASSERT_EQ(joined.listeners.size(), 2U);
    EXPECT_TRUE(joined.listeners[1].serves(net::Service::metrics));
    const auto gone = good({{"ENABLE_METRICS", "false"}},
                           only + "  - {name: b, bind: 127.0.0.1:2, serve: [metrics]}\n");
    EXPECT_EQ(gone.listeners.size(), 1U);
}

TEST(InheritedEnvironment, LabelsAndLevels) {
    const auto settings = good(
        {{"LOG_LEVEL", "WARNING"}, {"ENVIRONMENT", "development"}, {"RELEASE_VERSION", "1.2"}});
    EXPECT_EQ(settings.telemetry.log_level, telemetry::LogLevel::warning);
    EXPECT_EQ(settings.telemetry.environment, "development");
    EXPECT_EQ(settings.profile, Profile::production);  // a label is no profile
    EXPECT_EQ(settings.telemetry.release, "1.2");
    EXPECT_EQ(good({{"LOG_LEVEL", "critical"}}).telemetry.log_level, telemetry::LogLevel::error);
    EXPECT_EQ(refused({{"LOG_LEVEL", "loud"}}),
              "environment: LOG_LEVEL: \"loud\" is unknown, allowed: DEBUG, INFO, WARNING, ERROR, "
              "CRITICAL");
    EXPECT_EQ(
        refused({{"ENVIRONMENT", "\x1b[31m"}}),
        "environment: ENVIRONMENT: holds bytes that are not UTF-8 text, or control characters");
    EXPECT_EQ(refused({{"ENVIRONMENT", std::string(129, 'x')}}),
              "environment: ENVIRONMENT: has 129 bytes, allowed: 1 to 128");
}

TEST(InheritedEnvironment, ListsAndAgesHaveLimitsAtTheirEdge) {
    std::string hosts;
    for (int i = 0; i < 1000; ++i) hosts += "h" + std::to_string(i) + ",";
    EXPECT_EQ(good({{"ALLOWED_HOSTS", hosts}}).allowed_hosts.size(), 1000U);
    EXPECT_EQ(refused({{"ALLOWED_HOSTS", hosts + "one-more"}}),
              "environment: ALLOWED_HOSTS: has 1001 entries, allowed: at most 1000");
    EXPECT_EQ(good({{"HSTS_MAX_AGE", "315360000"}}).listeners.at(0).hsts.max_age.count(),
              315'360'000);
    for (const auto* age : {"315360001", "-1", "1.5", "0x10", "99999999999999999999"}) {
        EXPECT_TRUE(refused({{"HSTS_MAX_AGE", age}}).contains("allowed: 0 to 315360000")) << age;
    }
}

TEST(InheritedEnvironment, ASecretDoesNotReplaceAnotherKindOfKey) {
    EXPECT_EQ(refused({{"JWT_SECRET_KEY", strong}},
                      "auth: {trusted_issuers: [{issuer: legacy, audience: any, jwks_uri: "
                      "https://idp.example/jwks}]}\n"),
              "environment: JWT_SECRET_KEY: the issuer \"legacy\" of the file has another kind of "
              "key, allowed: one of the two");
}

TEST(InheritedEnvironment, VariablesOfRoomsThatAreNotBuiltAreNotRead) {
    EXPECT_EQ(good({{"RABBITMQ_HOST", "z"}}), good({}));
}

TEST(InheritedEnvironment, ADatabaseUrlIsTakenApart) {
    const auto settings =
        good({{"DATABASE_URL", "postgresql+asyncpg://gate:h%40sh@db.example:5433/house"},
              {"POSTGRES_POOL_MIN_SIZE", "2"},
              {"POSTGRES_POOL_MAX_SIZE", "50"},
              {"POSTGRES_POOL_TIMEOUT", "3"}});
    EXPECT_EQ(storage::text_of(settings.storage.url.value()),
              "postgresql://gate@db.example:5433/house?sslmode=verify-full");
    EXPECT_EQ(settings.storage.password.view(), "h@sh");
    EXPECT_EQ(settings.storage.pool.min, 2U);
    EXPECT_EQ(settings.storage.pool.max, 50U);
    EXPECT_EQ(settings.storage.pool.acquire_timeout, milliseconds(3'000));
    const auto embedded = good({{"DATABASE_URL", "sqlite:/var/lib/g.db"}}).storage;
    EXPECT_EQ(storage::text_of(embedded.url.value()), "sqlite:/var/lib/g.db");
    EXPECT_EQ(refused({{"DATABASE_URL", "mysql://gate:hush@db/h"}}),
              "environment: DATABASE_URL: neither sqlite:PATH nor postgresql://user@host/database");
}

TEST(InheritedEnvironment, APostgresqlIsMadeOfItsParts) {
    const auto settings = good({{"POSTGRES_HOST", "db.example"},
                                {"POSTGRES_PORT", "5433"},
                                {"POSTGRES_DB", "house"},
                                {"POSTGRES_USER", "gate"},
                                {"POSTGRES_PASSWORD", "hush"}});
    EXPECT_EQ(storage::text_of(settings.storage.url.value()),
              "postgresql://gate@db.example:5433/house?sslmode=verify-full");
    EXPECT_EQ(settings.storage.password.view(), "hush");
    // Without a server the others are somebody else's.
    const auto result = read({{"POSTGRES_PASSWORD", "hush"}});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->settings, good({}));
    EXPECT_EQ(result->warnings.size(), 1U);
    EXPECT_NE(refused({{"POSTGRES_DB", "a"}, {"POSTGRES_DATABASE", "b"}, {"POSTGRES_HOST", "c"}}),
              "");
    EXPECT_NE(refused({{"POSTGRES_HOST", "a b"}}), "");
    EXPECT_NE(refused({{"POSTGRES_HOST", "db"}, {"POSTGRES_PORT", "0"}}), "");
}

TEST(InheritedEnvironment, FirstUsersAreRead) {
    const auto settings = good({{"VALID_USERS", "ada:one:two:of ada, bob:three wishes"},
                                {"ADMIN_INITIAL_PASSWORD", "four of diamonds"},
                                {"JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "5"}});
    ASSERT_EQ(settings.first_users.imported.size(), 2U);
    EXPECT_EQ(settings.first_users.imported[0].name, "ada");
    EXPECT_EQ(settings.first_users.imported[0].password.view(), "one:two:of ada");
    EXPECT_EQ(settings.first_users.admin_password.view(), "four of diamonds");
    EXPECT_EQ(settings.auth.access_token_ttl, std::chrono::minutes(5));
    for (const auto* wrong : {"ada", "ada:", ":x", "a b:c"})
        EXPECT_FALSE(refused({{"VALID_USERS", wrong}}).empty()) << wrong;
    EXPECT_FALSE(refused({{"VALID_USERS", "ada"}}).contains("ada"));
}

std::string content_of(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(EnvironmentExample, IsWhatTheTableSays) {
    EXPECT_EQ(content_of(std::string(GATEHOUSE_TESTS_DIR) + "/../.env.example"),
              environment_example());
}

TEST(EnvironmentExample, NamesExactlyTheVariablesThatAreReadAndChangesNothing) {
    std::set<std::string, std::less<>> wanted;
    for (const auto& variable : inherited_variables()) {
        wanted.emplace(variable.name);
        if (!variable.alias.empty()) wanted.emplace(variable.alias);
    }
    const auto parsed = config::parse_dotenv(environment_example(), ".env.example", {});
    ASSERT_TRUE(parsed) << parsed.error().line_text();
    std::set<std::string, std::less<>> found;
    for (const auto& [name, value] : parsed->all()) found.insert(name);
    EXPECT_EQ(found, wanted);
    EXPECT_EQ(good(parsed->all()), good({}));
}

TEST(EnvironmentExample, ItsExamplesAreUnderstood) {
    for (const auto& variable : inherited_variables()) {
        if (variable.example.empty()) continue;
        EXPECT_EQ(refused({{std::string(variable.name), std::string(variable.example)}}), "")
            << variable.name;
    }
}

}  // namespace
}  // namespace gh::app

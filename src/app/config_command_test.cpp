#include "app/config_command.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "codec/json.hpp"
#include "config/yaml.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

namespace fs = std::filesystem;
using config::Node;

const std::string strong = "k8Zq2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0Jsu";

Surroundings surroundings() {
    return {.environment = config::Environment(std::map<std::string, std::string, std::less<>>{
                {"LEGACY_JWT_SECRET", strong},
                {"ROBOT_API_KEY", strong},
                {"MODELS_TOKEN", "hunter2"},
                {"GATEHOUSE_DB_PASSWORD", "hunter3"},
                {"OTLP_AUTHORIZATION", "Bearer of-a-test"},
                {"LOKI_AUTHORIZATION", "Bearer of-a-test"},
                {"ERRORS_DSN", "https://of-a-test@sentry.example/1"},
                {"ACME_HMAC_KEY", "hunter4"},
                {"AZURE_CLIENT_SECRET", "hunter5"},
                {"PORT", "7"}}),
            .check_secret = crypto::check_secret_strength};
}

fs::path sample_file() { return fs::path(GATEHOUSE_TESTS_DIR) / "../docs/gatehouse.yaml"; }

std::string sample_text() {
    std::ifstream stream(sample_file());
    return {std::istreambuf_iterator<char>(stream), {}};
}

Node sample_tree() {
    auto tree = config::parse_yaml(sample_text(), "gatehouse.yaml");
    EXPECT_TRUE(tree);
    return tree ? *std::move(tree) : Node{};
}

/// Paths of the keys that stand in a tree, written like those of a schema. Below `free` maps any key may stand.
void collect(const Node& node, const std::string& path, const std::set<std::string>& free,
             std::set<std::string>& out) {
    for (std::size_t i = 0; i < node.size(); ++i) {
        if (node.kind() == Node::Kind::sequence) {
            collect(node.child(i), path + "[]", free, out);
        } else if (node.kind() == Node::Kind::map && !free.contains(path)) {
            const auto key = path.empty() ? node.key(i).name : path + "." + node.key(i).name;
            out.insert(key);
            collect(node.child(i), key, free, out);
        }
    }
}

TEST(SampleFile, ShowsEveryKeyThatThereIs) {
    // A certificate may also be one map instead of a list of them.
    const std::set<std::string> other_spelling = {"listeners[].tls.certificate.cert_file",
                                                  "listeners[].tls.certificate.key_file"};
    // What opens the vault is one of several; the others stand there as comments, as does what wants a vault to be there.
    const std::set<std::string> others = {
        "vault.key", "vault.passphrase", "vault.credential", "vault.kernel_keyring",
        "vault.tpm", "vault.azure_key",  "vault.variables"};
    for (const auto& path : others) {
        const auto line = "\n  # " + path.substr(path.find('.') + 1) + ": ";
        EXPECT_TRUE(sample_text().contains(line)) << path << " is missing in docs/gatehouse.yaml";
    }
    std::set<std::string> known;
    for (auto& path : config::key_paths(settings_type().shape())) {
        if (!other_spelling.contains(path) && !others.contains(path)) known.insert(std::move(path));
    }
    std::set<std::string> shown;
    collect(sample_tree(), {},
            {"routes[].match.header", "routes[].inject.headers", "telemetry.traces.headers",
             "telemetry.loki.headers", "telemetry.loki.labels", "bus.conversation_messages_max_of"},
            shown);
    for (const auto& path : known)
        EXPECT_TRUE(shown.contains(path)) << path << " is missing in docs/gatehouse.yaml";
    for (const auto& path : shown)
        EXPECT_TRUE(known.contains(path)) << path << " of docs/gatehouse.yaml is no key";
}

TEST(SampleFile, IsAGoodConfigurationWithTheDefaultsOfTheCode) {
    const auto read = read_settings({.config_file = sample_file()}, surroundings());
    ASSERT_TRUE(read) << read.error().detail;
    const auto& settings = read->settings;
    EXPECT_EQ(settings.limits, net::LimitsConfig{});
    EXPECT_EQ(settings.workers, Settings{}.workers);
    EXPECT_EQ(settings.profile, Settings{}.profile);
    EXPECT_EQ(settings.data_dir.filename(), "data");
    EXPECT_EQ(settings.listeners.at(0).tls, net::TlsConfig{});
    EXPECT_EQ(settings.listeners.at(0).hsts, net::HstsConfig{});
    const auto& upstream = settings.upstreams.at(0);
    const gateway::UpstreamConfig defaults;
    EXPECT_EQ(upstream.balance, defaults.balance);
    EXPECT_EQ(upstream.health_check, gateway::HealthCheckConfig{});
    EXPECT_EQ(upstream.circuit_breaker, defaults.circuit_breaker);
    EXPECT_EQ(upstream.timeouts, defaults.timeouts);
    EXPECT_EQ(upstream.retry, defaults.retry);
    EXPECT_EQ(upstream.connections_max, defaults.connections_max);
    EXPECT_EQ(upstream.pending_max, defaults.pending_max);
    EXPECT_EQ(upstream.resolve_interval, defaults.resolve_interval);
    const auto route = std::ranges::find(settings.routes, "/api/", &gateway::RouteConfig::name);
    ASSERT_NE(route, settings.routes.end());
    const gateway::RouteConfig plain;
    EXPECT_EQ(route->request_body_max, plain.request_body_max);
    EXPECT_EQ(route->request_body, plain.request_body);
    EXPECT_EQ(route->access_log, plain.access_log);
    EXPECT_EQ(route->allow_encoded_slash, plain.allow_encoded_slash);
    EXPECT_EQ(route->security_headers, plain.security_headers);
    gateway::CorsConfig cors;
    cors.origins = {"http://localhost:3000"};
    EXPECT_EQ(route->cors, cors);
    const auto& issuer = settings.auth.trusted_issuers.at(0);
    const identity::TrustedIssuerConfig bare;
    EXPECT_EQ(issuer.subject_claim, bare.subject_claim);
    EXPECT_EQ(issuer.roles_claim, bare.roles_claim);
    EXPECT_EQ(issuer.scopes_claim, bare.scopes_claim);
    EXPECT_EQ(issuer.leeway, bare.leeway);
    EXPECT_EQ(issuer.refresh, bare.refresh);
    const identity::AuthConfig own;
    EXPECT_EQ(settings.auth.access_token_ttl, own.access_token_ttl);
    EXPECT_EQ(settings.auth.login_token_ttl, own.login_token_ttl);
    EXPECT_EQ(settings.auth.first_users, own.first_users);
    EXPECT_EQ(settings.auth.signing_algorithm, own.signing_algorithm);
    EXPECT_EQ(settings.auth.password_hash, own.password_hash);
    EXPECT_EQ(settings.auth.password_grant, own.password_grant);
    EXPECT_EQ(settings.storage.pool, storage::PoolConfig{});
    EXPECT_EQ(settings.storage.slow_query, storage::StorageConfig{}.slow_query);
    EXPECT_EQ(settings.telemetry.access_log, exporting::AccessLogConfig{});
    EXPECT_EQ(settings.telemetry.log_level, exporting::TelemetryConfig{}.log_level);
}

class CommandTest : public testing::Test {
 protected:
    CommandTest() {
        std::string pattern = (fs::temp_directory_path() / "gatehouse-command-XXXXXX").native();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~CommandTest() override { fs::remove_all(folder_); }
    Overrides with(const std::string& yaml) const {
        std::ofstream(folder_ / "g.yaml") << yaml;
        return {.config_file = folder_ / "g.yaml"};
    }
    fs::path folder_;
};

TEST_F(CommandTest, CheckExplainsAGoodFile) {
    const auto result = config_check(
        with("data_dir: /d\nlisteners:\n  - {name: public, bind: \"[::]:8443\", tls: {}, serve: "
             "[gateway, health]}\n"
             "  - {name: plain, bind: \"[::]:8080\", redirect_to: public}\n"
             "upstreams:\n  - {name: b, endpoints: [\"http://127.0.0.1:8000\", \"https://c\"]}\n"
             "routes:\n  - {match: {path_prefix: /api/, methods: [GET, POST], host: h.example, "
             "header: {X-Key: "
             "\"${env:MODELS_TOKEN}\"}}, upstream: b, access: {scopes: [x, y]}, rate_limit: "
             "[{requests: 100, per: 1m}]}\n"
             "  - {match: {path: /health}, upstream: b, access: public}\n"
             "auth: {api_keys: [{id: k, value: \"${env:ROBOT_API_KEY}\"}]}\n"),
        surroundings());
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out,
              "profile production, data in /d\n"
              "listeners\n"
              "  public       [::]:8443              TLS, certificate of the internal CA; serves "
              "the gateway, health\n"
              "  plain        [::]:8080              plain; redirects to public\n"
              "routes, first match wins\n"
              "  [0] GET,POST /api/... on h.example with X-Key -> b; scopes x y; 100 per 1m by "
              "client_ip\n"
              "  [1] any method /health -> b; public\n"
              "upstreams\n"
              "  b            http://127.0.0.1:8000, https://c\n"
              "authentication on: 0 trusted issuer(s), 1 API key(s)\n"
              "warning: listener public: /api/system/health is answered by Gatehouse itself, not "
              "by routes[0] (/api/)\n"
              "warning: listener public: /health is answered by Gatehouse itself, not by routes[1] "
              "(/health)\n"
              "the configuration is good\n");
}

TEST_F(CommandTest, CheckAndShowRefuseABadFileWithExitCode2) {
    const auto overrides = with("data_dir: x\nworkrs: 2\n");
    for (const auto& result :
         {config_check(overrides, surroundings()), config_show(overrides, surroundings())}) {
        EXPECT_EQ(result.exit_code, 2);
        EXPECT_EQ(result.out, "");
        EXPECT_EQ(result.err, (folder_ / "g.yaml").native() +
                                  ":2: workrs: unknown key, did you mean workers? allowed: "
                                  "data_dir, profile, workers, "
                                  "limits, listeners, trusted_proxies, allowed_hosts, upstreams, "
                                  "routes, auth, audit, storage, vault, pki, agents, bus, plans, "
                                  "health, telemetry\n");
    }
}

TEST_F(CommandTest, ShowPrintsNoSecretAndReferencesAsWritten) {
    const auto result = config_show({.config_file = sample_file()}, surroundings());
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(result.out.contains(strong)) << result.out;
    EXPECT_FALSE(result.out.contains("hunter2")) << result.out;
    EXPECT_FALSE(result.out.contains("hunter4")) << result.out;
    EXPECT_FALSE(result.out.contains("hunter5")) << result.out;
    EXPECT_TRUE(result.out.contains("secret: \"${env:LEGACY_JWT_SECRET}\"")) << result.out;
    EXPECT_TRUE(result.out.contains("Authorization: \"Bearer ${env:MODELS_TOKEN}\"")) << result.out;
    EXPECT_TRUE(result.out.contains("X-User: \"${principal.subject}\"")) << result.out;

    // Secrets that came from the environment or stand in the file have no reference to show.
    auto with_keys = surroundings();
    with_keys.environment = config::Environment(std::map<std::string, std::string, std::less<>>{
        {"API_KEYS", strong}, {"JWT_SECRET", strong}});
    const auto masked = config_show(with("{}"), with_keys);
    ASSERT_EQ(masked.exit_code, 0) << masked.err;
    EXPECT_FALSE(masked.out.contains(strong)) << masked.out;
    EXPECT_TRUE(masked.out.contains("secret: \"********\"")) << masked.out;
}

TEST_F(CommandTest, WhatAVariableOverridesIsShownAsItIsNow) {
    auto overriding = surroundings();
    overriding.environment = config::Environment(std::map<std::string, std::string, std::less<>>{
        {"LEVEL", "error"}, {"LOG_LEVEL", "debug"}});
    const auto result = config_show(with("telemetry: {log_level: \"${env:LEVEL}\"}"), overriding);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.out.contains("log_level: debug")) << result.out;
}

TEST_F(CommandTest, WhatIsShownIsAConfigurationThatComesToTheSame) {
    for (const auto& overrides : {Overrides{.config_file = sample_file()}, with("{}")}) {
        const auto first = config_show(overrides, surroundings());
        ASSERT_EQ(first.exit_code, 0) << first.err;
        const auto again = config_show(with(first.out), surroundings());
        ASSERT_EQ(again.exit_code, 0) << again.err << first.out;
        EXPECT_EQ(again.out, first.out);
    }
}

TEST(Schema, IsJsonAndNamesEveryKey) {
    const auto result = config_schema();
    EXPECT_EQ(result.exit_code, 0);
    const auto schema = codec::json::parse(result.out);
    ASSERT_TRUE(schema) << schema.error().detail;
    EXPECT_EQ(*schema->find_string("$schema"), "https://json-schema.org/draft/2020-12/schema");
    EXPECT_EQ(schema->find("additionalProperties")->boolean(), false);
    std::set<std::string> top;
    for (const auto& [name, value] : *schema->find("properties")->object()) {
        top.insert(name);
        EXPECT_NE(value.find_string("description"), nullptr) << name;
    }
    const auto tree = sample_tree();
    for (std::size_t i = 0; i < tree.size(); ++i)
        EXPECT_TRUE(top.contains(tree.key(i).name)) << tree.key(i).name;
    EXPECT_EQ(top.size(), tree.size());
}

}  // namespace
}  // namespace gh::app

#include "app/settings.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "crypto/burned.hpp"

namespace gh::app {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string, std::less<>>;

const std::string strong = "k8Zq2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0Jsu";

Surroundings surroundings(Variables variables = {}) {
    variables.try_emplace("STRONG", strong);
    return {.environment = config::Environment(std::move(variables)),
            .check_secret = crypto::check_secret_strength};
}

Result<ReadSettings> read(const std::string& yaml, Variables variables = {},
                          const Overrides& overrides = {}) {
    return read_settings_text(yaml, "f", "/etc/gatehouse", overrides,
                              surroundings(std::move(variables)));
}

std::string problems(const Result<ReadSettings>& read) { return read ? "" : read.error().detail; }

std::string warnings(const Result<ReadSettings>& read) {
    std::string out;
    if (!read) return "refused: " + read.error().detail;
    for (const auto& warning : read->warnings) out += warning + "\n";
    return out;
}

const std::string minimal =
    "upstreams:\n"
    "  - {name: b, endpoints: [\"http://127.0.0.1:8000\"]}\n"
    "routes:\n"
    "  - {match: {path_prefix: /}, upstream: b, access: public}\n";

TEST(Settings, TheDefaultListenersAreTlsForAllAndAdministrationOnLoopback) {
    const auto read_well = read(minimal);
    ASSERT_EQ(problems(read_well), "");
    EXPECT_EQ(warnings(read_well), "");
    const auto& settings = read_well->settings;
    ASSERT_EQ(settings.listeners.size(), 2U);
    EXPECT_EQ(settings.listeners[0].bind.text(), "[::]:8443");
    ASSERT_TRUE(settings.listeners[0].tls);
    EXPECT_TRUE(settings.listeners[0].tls->certificates.empty());
    EXPECT_TRUE(settings.listeners[0].serves(net::Service::gateway));
    EXPECT_FALSE(settings.listeners[0].serves(net::Service::metrics));
    EXPECT_EQ(settings.listeners[1].bind.text(), "127.0.0.1:9901");
    EXPECT_EQ(settings.data_dir, "/etc/gatehouse/data");
    EXPECT_EQ(settings.profile, Profile::production);
    EXPECT_EQ(settings.workers, 0U);
    EXPECT_TRUE(settings.auth.enabled);
    EXPECT_FALSE(settings.wants_first_key);
    EXPECT_EQ(settings.limits, net::LimitsConfig{});
    EXPECT_EQ(settings.telemetry, exporting::TelemetryConfig{});
}

TEST(Settings, ContradictionsBetweenPartsAreRefusedWithTheirLine) {
    struct Case {
        std::string yaml, wanted;
    };
    const std::string listeners =
        "listeners:\n  - {name: a, bind: \"[::]:8443\", tls: {}, serve: [gateway]}\n";
    const Case cases[] = {
        {"upstreams: []\nroutes:\n  - match: {path: /}\n    upstream: nope\n    access: public\n",
         "f:4: routes[0].upstream: there is no upstream \"nope\", allowed: none is configured"},
        {minimal + "  - {match: {path: /x}, upstream: c, access: public}\n",
         "f:5: routes[1].upstream: there is no upstream \"c\", allowed: b"},
        {minimal + "  - match:\n      path: /x\n      listener: admin\n    upstream: b\n    "
                   "access: public\n",
         "f:7: routes[1].match.listener: \"admin\" is no listener that serves the gateway, "
         "allowed: public"},
        {minimal + "  - match:\n      path: /x\n      listener: nope\n    upstream: b\n    access: "
                   "public\n",
         "f:7: routes[1].match.listener: \"nope\" is no listener that serves the gateway, allowed: "
         "public"},
        {listeners + "  - {name: a, bind: 127.0.0.1:1, serve: [health]}\n",
         "f:3: listeners[1]: the name \"a\" is taken by an entry above"},
        {listeners + "  - name: b\n    bind: \"[::]:8443\"\n    redirect_to: a\n",
         "f:4: listeners[1].bind: [::]:8443 is taken by the listener a"},
        {listeners + "  - {name: b, bind: 0.0.0.0:8443, redirect_to: a}\n",
         "f:3: listeners[1].bind: 0.0.0.0:8443 is taken by the listener a"},
        {listeners + "  - name: b\n    bind: 127.0.0.1:1\n    redirect_to: c\n",
         "f:5: listeners[1].redirect_to: there is no listener \"c\", allowed: a"},
        {listeners + "  - {name: b, bind: 127.0.0.1:1, serve: [health]}\n  - {name: c, bind: "
                     "127.0.0.1:2, redirect_to: b}\n",
         "f:4: listeners[2].redirect_to: the listener b has no tls, allowed: a"},
        {"upstreams:\n  - {name: b, endpoints: [\"http://a\"]}\n  - {name: b, endpoints: "
         "[\"http://a\"]}\n",
         "f:3: upstreams[1]: the name \"b\" is taken by an entry above"},
        {"auth:\n  trusted_issuers:\n    - {issuer: a, jwks_file: k, audience: any}\n    - "
         "{issuer: a, jwks_file: l, "
         "audience: any}\n",
         "f:4: auth.trusted_issuers[1]: the name \"a\" is taken by an entry above"},
        {"auth:\n  enabled: false\n",
         "f:2: auth.enabled: authentication cannot be off in the production profile, allowed: "
         "true, or profile: development with every listener on loopback"},
        {"profile: development\nauth:\n  enabled: false\n",
         "f:3: auth.enabled: authentication cannot be off while a listener is reachable from other "
         "machines, allowed: true, "
         "or every listener on loopback"},
        {"storage: {url: x}\n",
         "f:1: storage.url: neither sqlite:PATH nor postgresql://user@host/database"},
        {"pki: {url: \"http://ca.example.com/pki\"}\n",
         "f:1: pki.url: \"http://ca.example.com/pki\" is no URL without a path, allowed: "
         "http://HOST and http://HOST:PORT, or https"},
        {"pki: {url: \"ftp://ca.example.com\"}\n",
         "f:1: pki.url: \"ftp://ca.example.com\" is no URL without a path, allowed: "
         "http://HOST and http://HOST:PORT, or https"},
        {"telemetry:\n  loky: {url: x}\n",
         "f:2: telemetry.loky: unknown key, did you mean loki? allowed: access_log, log_level, "
         "redaction, environment, release, traces, loki, sentry_dsn, sentry"},
        {"listeners: []\n", "f:1: listeners: has 0 entries, allowed: 1 to 100"},
        {"workers: 0\n", "f:1: workers: \"0\" is out of range, allowed: 1 to 256"},
        {"profile: casual\n",
         "f:1: profile: \"casual\" is unknown, allowed: production, development"},
        {"trusted_proxies:\n  - 10.0.0.1/8\n",
         "f:2: trusted_proxies[0]: \"10.0.0.1/8\" has bits set behind its prefix: it says less "
         "than it seems to"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(problems(read(c.yaml)), c.wanted);
    }
}

TEST(Settings, MistakesOfAllPartsAreToldAtOnceAndNoneTwice) {
    EXPECT_EQ(problems(read("colour: blue\nworkers: many\n" + minimal +
                            "  - {match: {path: /x}, upstream: nope, access: public}\n")),
              "f:1: colour: unknown key, allowed: data_dir, profile, workers, limits, listeners, "
              "trusted_proxies, "
              "allowed_hosts, upstreams, routes, auth, audit, storage, vault, pki, agents, bus, "
              "plans, health, "
              "telemetry\n"
              "f:2: workers: \"many\" is not a whole number, allowed: 1 to 256\n"
              "f:7: routes[1].upstream: there is no upstream \"nope\", allowed: b");
    // A list that could not be read says nothing about what refers to it.
    EXPECT_EQ(problems(read(
                  "upstreams: 5\nroutes:\n  - {match: {path: /x}, upstream: b, access: public}\n")),
              "f:1: upstreams: is a single value, wanted: a list");
}

TEST(Settings, AcmeClientsOfOtherMachinesWantAnUrl) {
    const auto told = [](const std::string& bind, const std::string& more) {
        return problems(read(minimal + "listeners:\n  - {name: a, bind: \"" + bind +
                             "\", tls: {}, serve: [api]}\n" + more));
    };
    const std::string enabled = "pki: {acme: {enabled: true}}\n";
    EXPECT_TRUE(told("0.0.0.0:443", enabled).contains("pki.acme.url"));
    EXPECT_TRUE(told("[::]:443", enabled).contains("https://ca.example.com"));
    EXPECT_EQ(told("127.0.0.1:443", enabled), "");
    EXPECT_EQ(told("0.0.0.0:443", enabled + "auth: {issuer: \"https://a.example/x\"}\n"), "");
    EXPECT_EQ(told("0.0.0.0:443", "pki: {acme: {enabled: true, url: \"https://a.example\"}}\n"),
              "");
    EXPECT_EQ(told("0.0.0.0:443", "pki: {acme: {enabled: false}}\n"), "");
}

TEST(Settings, PortZeroMayBeAskedForTwice) {
    EXPECT_EQ(problems(read("listeners:\n  - {name: a, bind: 127.0.0.1:0, serve: [gateway]}\n"
                            "  - {name: b, bind: 127.0.0.1:0, serve: [health]}\n")),
              "");
}

const std::string loopback =
    "listeners:\n"
    "  - {name: a, bind: 127.0.0.1:1, serve: [gateway]}\n";

std::string with_secret(const std::string& secret) {
    return "auth:\n  trusted_issuers:\n    - {issuer: i, algorithm: HS256, audience: any, secret: "
           "\"" +
           secret + "\"}\n";
}

TEST(Settings, SecretsAreReferencesAndGoodExceptInDevelopmentOnLoopback) {
    const std::string literal =
        "a secret must not stand in the configuration itself, allowed: ${env:NAME} or ${file:PATH}";
    const std::string where = "f:3: auth.trusted_issuers[0].secret: ";
    // A good one, by reference.
    EXPECT_EQ(problems(read(with_secret("${env:STRONG}"))), "");
    // In the file itself.
    EXPECT_EQ(problems(read(with_secret(strong))), where + literal);
    // Weak.
    for (const auto* weak :
         {"change-me-in-production", "CHANGE_ME_IN_PRODUCTION", "YOUR_JWT_SECRET_HERE", "short"}) {
        SCOPED_TRACE(weak);
        const auto refused = problems(read(with_secret("${env:WEAK}"), {{"WEAK", weak}}));
        EXPECT_TRUE(refused.starts_with(where + "cannot be used as a secret: ")) << refused;
        EXPECT_FALSE(refused.contains(weak)) << refused;
        const auto passed = read("profile: development\n" + loopback + with_secret("${env:WEAK}"),
                                 {{"WEAK", weak}});
        ASSERT_EQ(problems(passed), "");
        EXPECT_TRUE(warnings(passed).contains("cannot be used as a secret")) << warnings(passed);
    }
    // Development, but reachable: as strict as production.
    EXPECT_TRUE(problems(read("profile: development\n" + with_secret(strong))).contains(literal));
    // Development on loopback.
    EXPECT_EQ(problems(read("profile: development\n" + loopback + with_secret(strong))), "");
    // Published ones nowhere.
    const auto published =
        problems(read("profile: development\n" + loopback + with_secret("${env:PUBLISHED}"),
                      {{"PUBLISHED", "a-string-secret-at-least-256-bits-long"}}));
    EXPECT_TRUE(published.contains("cannot be used as a secret")) << published;
    EXPECT_FALSE(published.contains("a-string-secret")) << published;
    // API keys as well.
    EXPECT_EQ(problems(read("auth:\n  api_keys:\n    - {id: k, value: " + strong + "}\n")),
              "f:3: auth.api_keys[0].value: " + literal);
}

TEST(Settings, WhatIsLegalButSeldomMeantIsWarnedOf) {
    struct Case {
        std::string yaml, wanted;
    };
    const std::string head = "upstreams:\n  - {name: b, endpoints: [\"http://a\"]}\n";
    const Case cases[] = {
        {head, "there are no routes: the gateway answers 404 to everything\n"},
        {head + "routes:\n  - {match: {path_prefix: /}, upstream: b, access: public}\n  - {match: "
                "{path: /x}, upstream: b, "
                "access: public}\n",
         "routes[1] (/x) is never reached: routes[0] (/) matches all that it does\n"},
        {head + "routes:\n  - {match: {path_prefix: /}, upstream: b, access: {role: user}}\n", ""},
        {head + "routes:\n  - {match: {path_prefix: /}, upstream: b, access: {client_certificate: "
                "true}}\n",
         ""},
        {"auth: {trusted_issuers: [{issuer: i, jwks_file: k, audience: any}]}\n" + head +
             "routes:\n  - {match: {path_prefix: /}, upstream: b, access: {role: usr}}\n",
         "route /: \"usr\" is no built-in role; only who carries exactly that one may\n"},
        {"listeners:\n  - {name: a, bind: 127.0.0.1:1, serve: [gateway, health, metrics]}\n" +
             head +
             "routes:\n  - {match: {path_prefix: /health/}, upstream: b, access: public}\n  - "
             "{match: {path: /metrics}, "
             "upstream: b, access: public}\n  - {match: {path_prefix: /api}, upstream: b, access: "
             "public}\n",
         "listener a: /health/live, /health/ready are answered by Gatehouse itself, not by "
         "routes[0] (/health/)\n"
         "listener a: /metrics is answered by Gatehouse itself, not by routes[1] (/metrics)\n"
         "listener a: /api/system/health is answered by Gatehouse itself, not by routes[2] "
         "(/api)\n"},
        {"listeners:\n  - {name: a, bind: 127.0.0.1:1, serve: [gateway]}\n" + head +
             "routes:\n  - {match: {path_prefix: /}, upstream: b, access: {client_certificate: "
             "true}}\n",
         "route /: no listener asks for client certificates, so nobody may\n"},
        {"listeners:\n  - {name: a, bind: \"[::]:1\", serve: [metrics]}\n",
         "listener a: metrics are open to whoever reaches [::]:1\n"},
        {"listeners:\n  - {name: a, bind: \"[::]:1\", tls: {}, hsts: {preload: true, max_age: 1d}, "
         "serve: [health]}\n",
         "listener a: browsers take preload only with include_subdomains and a max_age of a year "
         "or more\n"},
        {"profile: development\n" + loopback + "auth: {enabled: false}\n",
         "there are no routes: the gateway answers 404 to everything\n"
         "authentication is off: everybody on this machine is let in\n"
         "the development profile is on: weak secrets pass\n"},
        {"profile: development\n" + minimal,
         "the development profile relaxes nothing: a listener is reachable from other machines\n"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(warnings(read(c.yaml)), c.wanted);
    }
}

class FilesTest : public testing::Test {
 protected:
    FilesTest() {
        std::string pattern = (fs::temp_directory_path() / "gatehouse-settings-XXXXXX").native();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~FilesTest() override { fs::remove_all(folder_); }
    fs::path write(const char* name, const std::string& content) const {
        std::ofstream(folder_ / name) << content;
        return folder_ / name;
    }
    fs::path folder_;
};

TEST_F(FilesTest, ADotenvBesideTheFileIsLaidBelowTheEnvironment) {
    const auto file = write("gatehouse.yaml", "telemetry: {release: \"${env:RELEASE}\"}\n");
    write(".env", "RELEASE=dotenv\nENVIRONMENT=dotenv\nLOG_LEVEL=DEBUG\n");
    const auto read =
        read_settings({.config_file = file}, surroundings({{"ENVIRONMENT", "process"}}));
    ASSERT_EQ(problems(read), "");
    EXPECT_EQ(read->settings.telemetry.release, "dotenv");
    EXPECT_EQ(read->settings.telemetry.environment, "process");
    EXPECT_EQ(read->settings.telemetry.log_level, telemetry::LogLevel::debug);
    EXPECT_EQ(read->settings.data_dir, folder_ / "data");
    EXPECT_EQ(read->environment.find("RELEASE"), "dotenv");
}

TEST_F(FilesTest, AnotherDotenvMayBeNamedAndMustThenExist) {
    const auto file = write("gatehouse.yaml", "");
    write(".env", "LOG_LEVEL=DEBUG\n");
    const auto other = write("other", "LOG_LEVEL=ERROR\n");
    const auto read = read_settings({.config_file = file, .env_file = other}, surroundings());
    ASSERT_EQ(problems(read), "");
    EXPECT_EQ(read->settings.telemetry.log_level, telemetry::LogLevel::error);

    const auto missing = folder_ / "missing";
    EXPECT_EQ(problems(read_settings({.config_file = file, .env_file = missing}, surroundings())),
              missing.native() + ": No such file or directory");
    const auto broken = write("broken", "A=1\nB='x\n");
    EXPECT_EQ(problems(read_settings({.config_file = file, .env_file = broken}, surroundings())),
              broken.native() + ":2: B: has a quote that is not closed");
}

TEST_F(FilesTest, AFileThatCannotBeReadIsNamed) {
    const auto missing = folder_ / "missing.yaml";
    EXPECT_EQ(problems(read_settings({.config_file = missing}, surroundings())),
              missing.native() + ": No such file or directory");
    EXPECT_EQ(problems(read_settings({.config_file = folder_}, surroundings())),
              folder_.native() + ": is not a regular file");
    const auto broken = write("broken.yaml", "a: [\n");
    EXPECT_TRUE(problems(read_settings({.config_file = broken}, surroundings()))
                    .starts_with(broken.native() + ":2: not YAML: "));
}

TEST(CommandLine, AnUpstreamAloneIsProtectedWithSafeDefaults) {
    const auto read = read_settings({.upstream = "http://127.0.0.1:8000"}, surroundings());
    ASSERT_EQ(problems(read), "");
    EXPECT_EQ(warnings(read), "");
    const auto& settings = read->settings;
    EXPECT_EQ(settings.data_dir, fs::current_path() / "data");
    EXPECT_EQ(settings.profile, Profile::production);
    ASSERT_EQ(settings.routes.size(), 1U);
    EXPECT_EQ(settings.routes[0].access.kind, gateway::AccessConfig::Kind::authenticated);
    EXPECT_EQ(settings.upstreams.at(0).endpoints.at(0).text(), "http://127.0.0.1:8000");
    EXPECT_EQ(settings.listeners.at(0).bind.text(), "[::]:8443");
    EXPECT_TRUE(settings.listeners[0].tls);
    EXPECT_TRUE(settings.listeners.at(1).bind.loopback());
    EXPECT_TRUE(settings.wants_first_key);

    const auto open =
        read_settings({.upstream = "http://127.0.0.1:8000", .open_to_all = true}, surroundings());
    ASSERT_EQ(problems(open), "");
    EXPECT_EQ(open->settings.routes.at(0).access.kind, gateway::AccessConfig::Kind::anyone);
    EXPECT_FALSE(open->settings.wants_first_key);

    const auto keyed =
        read_settings({.upstream = "http://127.0.0.1:8000"}, surroundings({{"API_KEYS", strong}}));
    ASSERT_EQ(problems(keyed), "");
    EXPECT_FALSE(keyed->settings.wants_first_key);
}

TEST(CommandLine, OverridesFileAndEnvironment) {
    const Overrides overrides{.listen = "127.0.0.1:0",
                              .data_dir = "/var/lib/gatehouse/",
                              .profile = Profile::development};
    const auto overridden = read("data_dir: /other\n" + minimal, {}, overrides);
    ASSERT_EQ(problems(overridden), "");
    EXPECT_EQ(overridden->settings.listeners.at(0).bind.text(), "127.0.0.1:0");
    EXPECT_EQ(overridden->settings.data_dir, "/var/lib/gatehouse/");
    EXPECT_EQ(overridden->settings.profile, Profile::development);
}

TEST(CommandLine, WrongUsageIsSaidAsSuch) {
    struct Case {
        Overrides overrides;
        std::string wanted;
    };
    const Case cases[] = {
        {{}, "command line: wanted: --config FILE or --upstream URL"},
        {{.config_file = "f", .upstream = "http://a"},
         "command line: --upstream: not together with --config, which names its upstreams itself"},
        {{.config_file = "f", .open_to_all = true},
         "command line: --public: only with --upstream; in a file each route says its access"},
        {{.upstream = "127.0.0.1:80"},
         "command line: --upstream: \"127.0.0.1:80\" is not an http or https URL, allowed: "
         "http://HOST:PORT or https://HOST:PORT"},
        {{.upstream = "http://a", .listen = "8443"},
         "command line: --listen: \"8443\" has no port, allowed: an address and a port, such as "
         "127.0.0.1:8443 or "
         "\"[::]:8443\""},
        {{.upstream = "http://a", .listen = "127.0.0.1:9901"},
         "command line: listeners[1].bind: 127.0.0.1:9901 is taken by the listener public"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.wanted);
        EXPECT_EQ(problems(read_settings(c.overrides, surroundings())), c.wanted);
    }
    EXPECT_EQ(
        problems(read("listeners:\n  - {name: a, bind: 127.0.0.1:1, serve: [gateway]}\n", {},
                      {.listen = "[::]:1"})),
        "command line: --listen: the gateway would be served without encryption to other machines");
    EXPECT_EQ(problems(read("listeners:\n  - {name: a, bind: 127.0.0.1:1, serve: [health]}\n", {},
                            {.listen = "[::]:1"})),
              "command line: --listen: no listener serves the gateway");
}

}  // namespace
}  // namespace gh::app

#include "app/acme_aim.hpp"

#include <gtest/gtest.h>

#include <map>

#include "crypto/burned.hpp"

namespace gh::app {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

const std::string minimal =
    "upstreams:\n"
    "  - {name: b, endpoints: [\"http://127.0.0.1:8000\"]}\n"
    "routes:\n"
    "  - {match: {path_prefix: /}, upstream: b, access: public}\n";
const std::string file = minimal +
                         "listeners:\n"
                         "  - {name: public, bind: \"[::]:8443\", tls: {}, serve: [gateway]}\n"
                         "  - {name: admin, bind: 127.0.0.1:9901, serve: [health, metrics]}\n";

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

TEST(AcmeAim, IsForTheNamesThatCanBeOrdered) {
    auto settings =
        good({{"PKI_SERVER_URL", "https://ca.example.com"},
              {"ALLOWED_HOSTS",
               "localhost,127.0.0.1,*.example.com,b.example.com,a.localhost,a.example.com"}});
    const auto aim = acme_aim(settings);
    ASSERT_TRUE(aim);
    EXPECT_EQ(aim->config.domains, (std::vector<std::string>{"b.example.com", "a.example.com"}));
    EXPECT_FALSE(aim->http_first) << "nobody else reaches a listener without tls";
    settings.pki.acme_client.domains = {"c.example.com"};
    EXPECT_EQ(acme_domains(settings), std::vector<std::string>{"c.example.com"});
    settings.listeners.push_back({.name = "plain", .bind = {"::", 8080}, .redirect_to = "public"});
    EXPECT_TRUE(acme_aim(settings)->http_first);
    settings.listeners[0].tls->acme = false;
    EXPECT_FALSE(acme_aim(settings));
}

TEST(AcmeSettings, ACertificateOfACaIsForNamesThatAreSaid) {
    const std::string acme =
        minimal +
        "listeners:\n  - {name: a, bind: \"[::]:443\", tls: {certificate: acme}, serve: "
        "[gateway]}\n";
    const auto wants_names = refused({}, acme);
    EXPECT_TRUE(wants_names.empty() || wants_names.contains("pki.acme_client.domains"))
        << "a machine with a domain has a name";
    const auto external = [&](const std::string& more) {
        return refused({{"HMAC", "c2FtcGxl"}, {"BAD", "!"}},
                       acme + "pki: {acme_client: {domains: [a.example.com]" + more + "}}\n");
    };
    EXPECT_EQ(external(""), "");
    EXPECT_EQ(external(", external_account: {key_id: \"1\", hmac_key: \"${env:HMAC}\"}"), "");
    EXPECT_TRUE(external(", external_account: {key_id: \"1\"}").contains("wanted: both"));
    EXPECT_TRUE(
        external(", external_account: {hmac_key: \"${env:HMAC}\"}").contains("wanted: both"));
    EXPECT_TRUE(external(", external_account: {key_id: a, hmac_key: \"${env:BAD}\"}")
                    .contains("no base64url"));
    EXPECT_TRUE(external(", challenge: dns-01").contains("allowed: any, http-01, tls-alpn-01"));
    EXPECT_TRUE(external(", contacts: [nobody]").contains("is no mail address"));
    EXPECT_TRUE(external(", contacts: [\"a@b.example?x\"]").contains("is no mail address"));
    EXPECT_TRUE(external(", directory: \"http://ca.example/d\"").contains("is not an https URL"));
    for (const auto* name : {"localhost", "10.0.0.1", "\"*.example.com\"", "a_b.example.com"}) {
        const auto told =
            refused({}, acme + "pki: {acme_client: {domains: [" + std::string(name) + "]}}\n");
        EXPECT_TRUE(told.contains("is no name that can be ordered")) << told;
    }
}

TEST(AcmeVariables, ACaGivesListenersTheirCertificate) {
    const std::string hosts = "localhost,api.example.com";
    const auto settings = good({{"PKI_SERVER_URL", "https://ca.example.com:8443/"},
                                {"ALLOWED_HOSTS", hosts},
                                {"VCC_CA_PASSWORD", "kid:1:c2FtcGxl"}});
    const auto& client = settings.pki.acme_client;
    EXPECT_EQ(client.directory, "https://ca.example.com:8443/acme/directory");
    EXPECT_TRUE(settings.listeners.at(0).tls->acme);
    EXPECT_FALSE(settings.listeners.at(1).tls);
    EXPECT_EQ(client.external_account.key_id, "kid:1");
    EXPECT_EQ(client.external_account.hmac_key.view(), "c2FtcGxl");
    EXPECT_EQ(good({{"PKI_SERVER_URL", "https://ca.example.com/dir"}}).pki.acme_client.directory,
              "https://ca.example.com/dir");
    EXPECT_TRUE(refused({{"PKI_SERVER_URL", "http://ca.example.com"}}).contains("PKI_SERVER_URL"));
    const auto files = good({{"PKI_SERVER_URL", "https://ca.example.com"}},
                            "listeners:\n  - {name: a, bind: \"[::]:1\", tls: {certificate: "
                            "{cert_file: a, key_file: b}}, serve: [gateway]}\n");
    EXPECT_FALSE(files.listeners.at(0).tls->acme) << "files are somebody's choice";
}

TEST(AcmeVariables, APasswordThatIsNoKeyOfAnAccountIsPassedOverWhereNoCaIsAsked) {
    for (const auto* other : {"plain as day", ":c2FtcGxl", "kid:", "kid:c2Ft cGxl"}) {
        const auto passed = read({{"VCC_CA_PASSWORD", other}});
        ASSERT_TRUE(passed);
        EXPECT_EQ(passed->settings.pki.acme_client.external_account.key_id, "");
        ASSERT_EQ(passed->warnings.size(), 1U);
        EXPECT_TRUE(passed->warnings[0].contains("it is not used"));
        EXPECT_FALSE(passed->warnings[0].contains(other));
        const auto told =
            refused({{"VCC_CA_PASSWORD", other}, {"PKI_SERVER_URL", "https://ca.example.com"}});
        EXPECT_TRUE(told.contains("wanted: KEY-ID:HMAC-KEY")) << told;
    }
    const auto by_file = good({{"VCC_CA_PASSWORD", "c2FtcGxl"}},
                              file +
                                  "pki: {acme_client: {external_account: {key_id: k, hmac_key: "
                                  "\"${env:VCC_CA_PASSWORD}\"}}}\n");
    EXPECT_EQ(by_file.pki.acme_client.external_account.key_id, "k");
    EXPECT_EQ(by_file.pki.acme_client.external_account.hmac_key.view(), "c2FtcGxl");
}

}  // namespace
}  // namespace gh::app

#include <gtest/gtest.h>

#include <map>

#include "app/settings.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

Result<ReadSettings> read(const char* dsn, const std::string& telemetry) {
    const std::map<std::string, std::string, std::less<>> variables{{"SENTRY_DSN", dsn}};
    const Surroundings surroundings{.environment = config::Environment(variables),
                                    .check_secret = crypto::check_secret_strength};
    const std::string file =
        "listeners: [{name: a, bind: 127.0.0.1:1, serve: [gateway]}]\n"
        "upstreams: [{name: b, endpoints: [\"http://a\"]}]\n"
        "routes: [{match: {path: /a}, upstream: b, access: public}]\n";
    return read_settings_text(file + telemetry, "f", "/etc/gatehouse", {}, surroundings);
}

std::string dsn_of(const char* dsn, const std::string& telemetry = "") {
    const auto result = read(dsn, telemetry);
    return result ? std::string(result->settings.telemetry.sentry.dsn.view())
                  : result.error().detail;
}

TEST(InheritedLabels, ADsnOfSentryIsReadAndNeverRepeated) {
    EXPECT_EQ(dsn_of(" https://abc@o1.ingest.sentry.io/42 "), "https://abc@o1.ingest.sentry.io/42");
    EXPECT_EQ(dsn_of("http://abc@localhost:9000/42"), "http://abc@localhost:9000/42");
    const auto* plain = "http://abc@sentry.example/42";
    EXPECT_EQ(dsn_of(plain, "telemetry: {sentry: {insecure: true}}\n"), plain);
    EXPECT_TRUE(dsn_of(plain).contains("plain http to another machine"));
    for (const auto* wrong :
         {"abc", "https://o1.ingest.sentry.io/42", "https://hushhush@sentry.io"}) {
        EXPECT_EQ(dsn_of(wrong),
                  "environment: SENTRY_DSN: is no DSN of Sentry, wanted: "
                  "https://PUBLIC_KEY@HOST/PROJECT_ID")
            << wrong;
    }
}

TEST(InheritedLabels, ADsnOfTheFileIsOverridden) {
    EXPECT_EQ(
        dsn_of("https://abc@sentry.example/42", "telemetry: {sentry_dsn: \"${env:SENTRY_DSN}\"}\n"),
        "https://abc@sentry.example/42");
    EXPECT_TRUE(dsn_of("", "telemetry: {sentry_dsn: \"https://hush@sentry.example/42\"}\n")
                    .contains("telemetry.sentry_dsn"));  // a secret in the file
    EXPECT_EQ(dsn_of("", "telemetry: {sentry_dsn: \"\"}\n"), "");
}

}  // namespace
}  // namespace gh::app

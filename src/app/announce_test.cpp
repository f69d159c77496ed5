#include "app/announce.hpp"

#include <gtest/gtest.h>

#include "app/testing.hpp"

namespace gh::app {
namespace {

const std::string one_backend =
    "listeners:\n"
    "  - {name: public, bind: 127.0.0.1:8443, tls: {}, serve: [gateway]}\n"
    "upstreams: [{name: b, endpoints: [\"http://127.0.0.1:8000\"]}]\n"
    "routes: [{match: {path_prefix: /}, upstream: b, access: authenticated}]\n";

struct Said {
    std::string out, log;
};

Said said_of(const Settings& settings, const FirstKey* key = nullptr,
             const std::vector<std::string>& warnings = {}) {
    KeptLines lines;
    telemetry::Log log(lines);
    ::testing::internal::CaptureStdout();
    ReadSettings read;
    read.warnings = warnings;
    announce_reading(read, log);
    announce(settings, "/data/ca.pem", key, log);
    return {::testing::internal::GetCapturedStdout(), lines.text};
}

TEST(Announce, ShowsANewKeyOnStandardOutputAndNeverInTheLog) {
    FirstKey key;
    key.text = "gh_first-key_SECRET";
    const auto said = said_of(settings_of(one_backend), &key);
    EXPECT_TRUE(said.out.contains("stands in front of http://127.0.0.1:8000")) << said.out;
    EXPECT_TRUE(said.out.contains("API key, shown this once: gh_first-key_SECRET\n")) << said.out;
    EXPECT_TRUE(
        said.out.contains("curl --cacert /data/ca.pem -H 'X-API-Key: gh_first-key_SECRET' "
                          "https://localhost:8443/\n"))
        << said.out;
    EXPECT_FALSE(said.log.contains("SECRET")) << said.log;
}

TEST(Announce, OfAKeyThatWasShownSaysHowToGetAnother) {
    const FirstKey key;
    const auto said = said_of(settings_of(one_backend), &key);
    EXPECT_TRUE(said.out.contains("delete keys/first-api-key in the data directory")) << said.out;
    EXPECT_TRUE(said.out.contains("X-API-Key: YOUR-KEY")) << said.out;
}

TEST(Announce, SaysNothingOnStandardOutputToWhoWroteAFile) {
    const auto said = said_of(settings_of(one_backend), nullptr, {"a route nobody may pass"});
    EXPECT_EQ(said.out, "");
    EXPECT_TRUE(said.log.contains(R"("level":"WARNING","component":"config")")) << said.log;
    EXPECT_TRUE(said.log.contains("a route nobody may pass")) << said.log;
    EXPECT_TRUE(said.log.contains(R"("address":"127.0.0.1:8443","tls":true)")) << said.log;
    EXPECT_FALSE(said.log.contains("AUTHENTICATION IS OFF")) << said.log;
}

TEST(Announce, WarnsAloudWhenAuthenticationIsOff) {
    const auto said =
        said_of(settings_of(one_backend + "profile: development\nauth: {enabled: false}\n"));
    EXPECT_TRUE(said.log.contains(
        R"("level":"WARNING","component":"auth","message":"AUTHENTICATION IS OFF)"))
        << said.log;
}

TEST(Announce, WarnsOfLoginsThatLastLong) {
    const std::string_view warning = "tokens of /api/v1/auth/login live long";
    auto with_api = [](std::string yaml) {
        return yaml.replace(yaml.find("[gateway]"), 9, "[gateway, api]");
    };
    const auto usual = said_of(settings_of(with_api(one_backend)));
    EXPECT_TRUE(usual.log.contains(warning)) << usual.log;
    EXPECT_TRUE(usual.log.contains(R"("seconds":86400)")) << usual.log;
    const auto less = one_backend + "auth: {login_token_ttl: 8h}\n";
    EXPECT_FALSE(said_of(settings_of(with_api(less))).log.contains(warning));
    EXPECT_FALSE(said_of(settings_of(one_backend)).log.contains(warning))
        << "there is no such path";
}

}  // namespace
}  // namespace gh::app

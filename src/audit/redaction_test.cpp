#include "audit/redaction.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::audit {
namespace {

TEST(Redaction, KnowsNamesThatWantQuiet) {
    for (const auto* name :
         {"password", "new_password", "DB-Password", "client_secret", "token", "refresh.token",
          "api_key", "API Key", "Authorization", "cookie", "private_key", "ssh_passphrase"}) {
        EXPECT_TRUE(names_secret(name)) << name;
    }
    for (const auto* name :
         {"", "token_id", "secret_path", "passwords_changed", "key_id", "route", "cookies_set"}) {
        EXPECT_FALSE(names_secret(name)) << name;
    }
}

TEST(Redaction, KnowsTheShapeOfSecrets) {
    const std::string run(43, 'x');
    const std::string secrets[] = {
        "eyJhbGciOiJub25lIn0.e30.",
        "token=eyJhbGciOiJub25lIn0.e30.c2ln and more",  // secret-scan: allow {"alg":"none"}
        "see a.eyJhbGciOiJub25lIn0.e30.c2ln",
        "gh_ci_" + run,
        "key gh_" + std::string(32, 'a') + "_" + run + ".",
        "-----BEGIN EC PRIVATE KEY-----\nMHc",  // secret-scan: allow the line alone, without a key
        "PRIVATE+KEY+log+c74f20a3+AYEK",
        "Bearer abcdefghijklmnop",
        "basic dXNlcjpwYXNzd29yZA==",
        "postgres://gatehouse:hunter2@db.example/gatehouse",
        "two: redis://a/b https://u:p@host",
    };
    for (const auto& text : secrets) EXPECT_TRUE(looks_secret(text)) << text;
}

TEST(Redaction, LeavesTheRestAlone) {
    const std::string texts[] = {
        "",
        "alice@example.com",
        "eyJ is how JWTs begin",
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJub25lIn0.e30",
        "eyJ..",
        "gh_ci",
        "gh_" + std::string(44, 'x'),
        "basic plan",
        "Basic authentication",
        "bearer",
        "https://example.com/a:b@c",
        "https://alice@example.com/",
        "https://example.com:8443/x",
        "-----BEGIN CERTIFICATE-----",
        "3f0c2d34-9f5a-7c11-8c55-0123456789ab",
        std::string(64, 'a'),  // a fingerprint
    };
    for (const auto& text : texts) EXPECT_FALSE(looks_secret(text)) << text;
}

TEST(Redaction, CostsNoMoreForATextOfMarks) {
    // Quadratic work over a megabyte would not come to an end within the test's time.
    for (const std::string_view mark : {"eyJ", "eyJ ", "gh_ ", "://", "://a:", "bearer "}) {
        std::string text;
        while (text.size() < 1'000'000) text += mark;
        EXPECT_FALSE(looks_secret(text)) << mark;
    }
}

}  // namespace
}  // namespace gh::audit

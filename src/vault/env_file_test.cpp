#include "vault/env_file.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

std::vector<config::DotenvAssignment> read(std::string_view text) {
    auto all = config::parse_dotenv_assignments(text, ".env", {});
    EXPECT_TRUE(all);
    return all ? *std::move(all) : std::vector<config::DotenvAssignment>{};
}

std::string found_in(std::string_view text) {
    std::string found;
    for (const auto& each : secrets_of(read(text)))
        found += each.name + "=" + std::string(each.value.view()) + ";";
    return found;
}

TEST(EnvFile, SecretsAreToldByNameAndByValue) {
    struct Case {
        std::string_view name, value;
        bool secret;
    };
    const Case cases[] = {
        {"JWT_SECRET_KEY", "x", true},
        {"POSTGRES_PASSWORD", "1234", true},
        {"NEO4J_PASSWORD", "x", true},
        {"COUCHDB_PASSWORD", "x", true},
        {"VCC_CA_PASSWORD", "x", true},
        {"VALID_USERS", "ann:pw,bob:pw", true},
        {"API_KEYS", "a,b", true},
        {"ENCRYPTION_KEY", "x", true},
        {"AWS_SECRET_ACCESS_KEY", "x", true},
        {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", false},
        {"smtp.pass", "x", true},
        {"jwtSecret", "x", true},
        {"SENTRY_DSN", "x", true},
        {"TOKENS", "a b", true},
        {"MAX_TOKENS", "4096", false},
        {"TOKEN_TTL", "10m", false},
        {"ACCESS_TOKEN_EXPIRE_MINUTES", "30", false},
        {"JWT_SECRET_FILE", "/run/jwt", false},
        {"NEXT_PUBLIC_KEY", "x", false},
        {"STRIPE_PUBLISHABLE_KEY", "x", false},
        {"ENABLE_SECURE_SECRETS", "true", false},
        {"REQUIRE_PASSWORD", "yes", false},
        {"ADMIN_PASSWORD", "", false},
        {"DEBUG", "x", false},
        {"COMPASS", "north", false},
        {"DATABASE_URL", "postgresql://u:pw@h/db", true},
        {"DATABASE_URL", "postgresql://u@h/db", false},
        {"STORAGE", "AccountName=a;AccountKey=b;", true},
        {"STORAGE", "AccountName=a;AccountKey=;", false},
        {"SERVER", "Host=h; password=pw", true},
        {"LLM", "sk-0123456789012345678901", true},
        {"LLM", "sk-short", false},
        {"GIT", "ghp_012345678901234567890123456789012345", true},
        {"PEM", "-----BEGIN PRIVATE KEY-----\nabc", true},
    };
    for (const auto& c : cases)
        EXPECT_EQ(is_secret_variable(c.name, c.value), c.secret) << c.name << "=" << c.value;
}

TEST(EnvFile, ANameCountsOnceWithItsLastValue) {
    EXPECT_EQ(found_in("A_KEY=one\nB=2\nA_KEY=two\n"), "A_KEY=two;");
    EXPECT_EQ(found_in("A_KEY=one\nA_KEY=\n"), "");
    EXPECT_EQ(found_in(""), "");
}

TEST(EnvFile, WhatTookASecretInIsOne) {
    EXPECT_EQ(found_in("A_KEY=one\nB=x${A_KEY}\nC=y${B}\nD=${E:-z}\n"),
              "A_KEY=one;B=xone;C=yxone;");
}

TEST(EnvFile, ItsLinesBecomeCommentsAndNothingElseChanges) {
    const std::string_view text =
        "# mine\r\n"
        "  export A_KEY = 'one' # rotate in May\r\n"
        "B=2 # two\n"
        "\n"
        "C_KEY=\"first\nsecond\"\n"
        "A_KEY=again\n"
        "D=4";
    const MovedVariable moved[] = {{"A_KEY", "env/A_KEY"}, {"C_KEY", "env/C_KEY"}};
    const auto assignments = read(text);
    const auto rest = without(text, assignments, moved);
    EXPECT_EQ(rest,
              "# mine\r\n"
              "# A_KEY (migrated to encrypted storage): gatehouse secrets get env/A_KEY "
              "# rotate in May\r\n"
              "B=2 # two\n"
              "\n"
              "# C_KEY (migrated to encrypted storage): gatehouse secrets get env/C_KEY\n"
              "# A_KEY (migrated to encrypted storage): gatehouse secrets get env/A_KEY\n"
              "D=4");
    EXPECT_EQ(found_in(rest), "");
    EXPECT_EQ(without(text, assignments, {}), text);
}

TEST(EnvFile, LinesThatStillHoldAValueAreFound) {
    const std::string_view text =
        "A_KEY=long enough\n# it was long enough\nB=1\nSHORT_KEY=B\nC='not long enough'\n";
    const auto secrets = secrets_of(read(text));
    EXPECT_EQ(lines_with(text, secrets), (std::vector<std::uint32_t>{1, 2, 5}));
    EXPECT_TRUE(lines_with("B=1\n", secrets).empty());
}

}  // namespace
}  // namespace gh::vault

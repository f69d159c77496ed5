#include "vault/env_file.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::vector<config::DotenvAssignment> read(std::string_view text,
                                           const config::Environment& process = {}) {
    auto all = config::parse_dotenv_assignments(text, ".env", process);
    EXPECT_TRUE(all);
    return all ? *std::move(all) : std::vector<config::DotenvAssignment>{};
}

std::vector<EnvRow> rows_in(std::string_view text, const EnvReasons& stay = {},
                            const config::Environment& process = {}) {
    return rows_of(read(text, process), "env/", stay);
}

std::string found_in(std::string_view text) {
    std::string found;
    for (const auto& each : rows_in(text))
        found += each.name + "=" + std::string(each.value.view()) + ";";
    return found;
}

/// "+A" moves, "-A" stays, "!A" is refused.
std::string fates(const std::vector<EnvRow>& rows) {
    std::string all;
    for (const auto& row : rows) {
        all += row.fate == EnvRow::Fate::moves ? '+' : row.fate == EnvRow::Fate::stays ? '-' : '!';
        all += row.name + " ";
    }
    return all;
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
        {"JWT_SECRET_KEY", "81726354900918273645546372819028", true},
        {"JWT_SECRET", "123456", true},
        {"PIN", "4711", true},
        {"DB_PW", "x", true},
        {"ROOT_PW", "1234", true},
        {"DB_PASSWORD_2", "1234", true},
        {"secretKey", "x", true},
        {"APIKey", "x", true},
        {"NEO4J_AUTH", "neo4j/pw", true},
        {"ENABLE_AUTH", "true", false},
        {"AUTH_PROVIDER", "google", false},
        {"VAULT_SECRET_ID", "0d4ab1ce-8f6e", true},
        {"NOTIFY", "https://hooks.slack.com/services/T0/B0/x", true},
        {"NOTIFY", "https://slack.com/help", false},
        {"MAX_PASSWORD_ATTEMPTS", "5", false},
        {"PASSWORDS_KEPT", "5", false},
        {"TLS_KEY", "/etc/tls/key.pem", false},
        {"TLS_KEY", "/run/secrets/tls", false},
        {"TLS_KEY", "/9j4AAQSkZJRgABAQEAYABgAAD2wBDAAgGBgcG", true},
        {"SECRETS_BACKEND", "vault", false},
        {"KEY_ROTATION", "weekly", false},
    };
    for (const auto& c : cases)
        EXPECT_EQ(is_secret_variable(c.name, c.value), c.secret) << c.name << "=" << c.value;
}

TEST(EnvFile, ANameCountsOnceAndLinesThatDifferAreRefused) {
    EXPECT_EQ(found_in("A_KEY=one\nB=2\nA_KEY=one\n"), "A_KEY=one;");
    EXPECT_EQ(fates(rows_in("A_KEY=one\nB=2\nA_KEY=one\n")), "+A_KEY ");
    for (const auto* text :
         {"A_KEY=one\nA_KEY=two\n", "A_KEY=one\nA_KEY=\n", "A_KEY=\nA_KEY=two\n"}) {
        const auto rows = rows_in(text);
        EXPECT_EQ(fates(rows), "!A_KEY ") << text;
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_EQ(rows[0].state,
                  "refused: lines 1 and 2 give it different values; leave one of them");
    }
    EXPECT_EQ(found_in("A_KEY=\nA_KEY=\n"), "");
    EXPECT_EQ(found_in(""), "");
}

TEST(EnvFile, WhatARemainingLineMentionsStays) {
    const EnvReasons opens = {{"ENCRYPTION_KEY", "it opens the vault"}};
    const auto rows = rows_in(
        "MASTER_SECRET=one\nHALF_KEY=${MASTER_SECRET}2\nENCRYPTION_KEY=${HALF_KEY}\nA_KEY=x\n",
        opens);
    EXPECT_EQ(fates(rows), "-MASTER_SECRET -HALF_KEY -ENCRYPTION_KEY +A_KEY ");
    EXPECT_EQ(rows[0].state, "stays: line 2 mentions it, and HALF_KEY stays");
    EXPECT_EQ(rows[2].state, "stays: it opens the vault");
    // A placeholder that remains, and a line of a name whose value came later.
    EXPECT_EQ(fates(rows_in("DB_PASSWORD=Tr7xwq\nOTHER_SECRET=changeme\nURL=x${DB_PASSWORD}\n")),
              "+DB_PASSWORD !OTHER_SECRET +URL ");
    EXPECT_EQ(fates(rows_in("DB_PASSWORD=Tr7xwq\nOTHER_SECRET=${DB_PASSWORD}${NOPE}\n")),
              "-DB_PASSWORD !OTHER_SECRET ");
    EXPECT_EQ(fates(rows_in("A=plain\nB=${A}/x\nA=sk-0123456789012345678901\n")), "!A ");
    // The process sets the name as well: whoever reads the file elsewhere takes the line above.
    const config::Environment process(Variables{{"A_KEY", "outside"}});
    EXPECT_EQ(fates(rows_in("A_KEY=one\nENCRYPTION_KEY=${A_KEY}\n", opens, process)),
              "-A_KEY -ENCRYPTION_KEY ");
}

TEST(EnvFile, ARowThatIsRefusedLaterKeepsWhatItMentions) {
    const auto assignments = read("A_KEY=one\nB_KEY=${A_KEY}\n");
    auto rows = rows_of(assignments, "env/", {});
    EXPECT_EQ(fates(rows), "+A_KEY +B_KEY ");
    rows[1].fate = EnvRow::Fate::refused;
    keep_what_is_mentioned(rows, assignments);
    EXPECT_EQ(fates(rows), "-A_KEY !B_KEY ");
}

TEST(EnvFile, WhatNobodySetIsNotSealedAsNothing) {
    const auto rows = rows_in("REF_PASSWORD=pre-${UNSET}-post\nB_PASSWORD=pre-${UNSET:-x}-post\n");
    EXPECT_EQ(fates(rows), "!REF_PASSWORD +B_PASSWORD ");
    EXPECT_EQ(rows[0].state, "refused: ${UNSET} is not set here; write what it stands for");
    const config::Environment process(Variables{{"UNSET", "set"}});
    const auto taken = rows_in("REF_PASSWORD=pre-${UNSET}-post\n", {}, process);
    EXPECT_EQ(fates(taken), "+REF_PASSWORD ");
    EXPECT_EQ(taken[0].state, "with UNSET of the environment of this command");
}

TEST(EnvFile, WhatIsNoPathIsRefused) {
    const std::string name(513, 'A');
    EXPECT_EQ(fates(rows_in(name + "_KEY=x\n")), "!" + name + "_KEY ");
}

TEST(EnvFile, SettingsAreWhatGoesWithTheFile) {
    const auto assignments = read("DEBUG=1\nA_KEY=x\nEMPTY=\nDEBUG=2\n");
    EXPECT_EQ(settings_of(assignments, rows_of(assignments, "env/", {})),
              std::vector<std::string>{"DEBUG"});
}

TEST(EnvFile, AVariableThatWouldChangeIsFound) {
    const std::string_view text = "A=1\nB=${A}\nC_KEY=x\n";
    const auto rows = rows_in(text);
    EXPECT_EQ(changed_in("A=1\nB=${A}\n", text, rows, {}), std::nullopt);
    EXPECT_EQ(changed_in("B=${A}\n", text, rows, {}), "A");
    const config::Environment process(Variables{{"A", "1"}});
    EXPECT_EQ(changed_in("A=2\nB=${A}\n", text, rows, process), "A");
    EXPECT_EQ(changed_in("A='\n", text, rows, {}), "the file");
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
        "C_KEY=\"first\nsecond\"#third\n"
        "A_KEY=one\n"
        "D=4";
    const auto assignments = read(text);
    auto rows = rows_of(assignments, "env/", {});
    const auto rest = without(text, assignments, rows);
    EXPECT_EQ(rest,
              "# mine\r\n"
              "# A_KEY (migrated to encrypted storage): gatehouse secrets get env/A_KEY "
              "# rotate in May\r\n"
              "B=2 # two\n"
              "\n"
              "# C_KEY (migrated to encrypted storage): gatehouse secrets get env/C_KEY #third\n"
              "# A_KEY (migrated to encrypted storage): gatehouse secrets get env/A_KEY\n"
              "D=4");
    EXPECT_EQ(found_in(rest), "");
    for (auto& row : rows) row.fate = EnvRow::Fate::stays;
    EXPECT_EQ(without(text, assignments, rows), text);
}

TEST(EnvFile, LinesThatStillHoldAValueAreFound) {
    const std::string_view text =
        "A_KEY=long enough\n# it was long enough\nB=1\nSHORT_KEY=B\nC='not long enough'\n";
    auto rows = rows_in(text);
    EXPECT_EQ(lines_with(text, rows), (std::vector<std::uint32_t>{1, 2, 5}));
    EXPECT_TRUE(lines_with("B=1\n", rows).empty());
    rows[0].fate = EnvRow::Fate::stays;
    EXPECT_TRUE(lines_with(text, rows).empty());
}

}  // namespace
}  // namespace gh::vault

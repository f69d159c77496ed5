#include <gtest/gtest.h>

#include <map>

#include "app/inherited_environment.hpp"

namespace gh::app {
namespace {

using config::Environment;
using Variables = std::map<std::string, std::string, std::less<>>;

TEST(VaultVariables, StandInForWhatIsNotSet) {
    const Environment outside(Variables{{"JWT_SECRET_KEY", "outside"}, {"API_KEYS", ""}});
    const Environment vault(Variables{{"JWT_SECRET_KEY", "vault"},
                                      {"API_KEYS", "vault"},
                                      {"DATABASE_URL", "vault"},
                                      {"POSTGRES_DB", "vault"},
                                      {"ENCRYPTION_KEY", "vault"}});
    const auto all = with_vault(outside, vault);
    EXPECT_EQ(all.find("JWT_SECRET_KEY"), "outside");
    EXPECT_EQ(all.find("API_KEYS"), "vault");
    for (const auto* name : {"DATABASE_URL", "POSTGRES_DB", "ENCRYPTION_KEY"})
        EXPECT_FALSE(all.find(name)) << name;
}

TEST(VaultVariables, ANameAndItsAliasAreOneVariable) {
    const Environment vault(Variables{{"JWT_SECRET_KEY", "vault"}});
    const auto outside_wins = with_vault(Environment(Variables{{"JWT_SECRET", "outside"}}), vault);
    EXPECT_EQ(outside_wins.find("JWT_SECRET"), "outside");
    EXPECT_FALSE(outside_wins.find("JWT_SECRET_KEY"));
    EXPECT_EQ(with_vault({}, Environment(Variables{{"JWT_SECRET", "vault"}})).find("JWT_SECRET"),
              "vault");
    config::Problems problems;
    refuse_secrets_outside(Environment(Variables{{"JWT_SECRET", "x"}}), problems);
    EXPECT_TRUE(problems.text().contains("JWT_SECRET: is a secret outside the vault"));
}

TEST(VaultVariables, SecretsOutsideAreNamed) {
    const Environment outside(Variables{{"JWT_SECRET_KEY", "x"},
                                        {"API_KEYS", ""},
                                        {"ENCRYPTION_KEY", "x"},
                                        {"POSTGRES_PASSWORD", "x"},
                                        {"ENABLE_AUTH", "true"}});
    config::Problems problems;
    refuse_secrets_outside(outside, problems);
    ASSERT_EQ(problems.all().size(), 1U);
    EXPECT_TRUE(problems.text().contains("JWT_SECRET_KEY: is a secret outside the vault"));
}

}  // namespace
}  // namespace gh::app

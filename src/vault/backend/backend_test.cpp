#include "vault/backend/backend.hpp"

#include <optional>

#include "storage/testing.hpp"
#include "vault/backend/environment_backend.hpp"
#include "vault/backend/sealed_backend.hpp"
#include "vault/secret_fields.hpp"
#include "vault/secret_testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;

TEST(NamesBelow, AreOneForEachFolderAndEachSecret) {
    const std::vector<std::string> paths{"a", "b/c", "b/d/e", "b/d/f", "bc", "b"};
    EXPECT_EQ(names_below(paths, ""), (std::vector<std::string>{"a", "b", "b/", "bc"}));
    EXPECT_EQ(names_below(paths, "b/"), (std::vector<std::string>{"c", "d/"}));
    EXPECT_TRUE(names_below(paths, "x/").empty());
}

class SealedBackendTest : public SecretsTest {
 protected:
    void SetUp() override {
        SecretsTest::SetUp();
        if (IsSkipped()) return;
        SealedActs acts;
        acts.changed = [](std::string) { return storage::Also<SecretChange>{}; };
        acts.read = [this](std::string path, std::uint64_t version) -> Task<Result<void>> {
            told.push_back(path + " " + std::to_string(version));
            co_return Result<void>{};
        };
        backend = sealed_backend(secrets(), std::move(acts));
    }
    std::unique_ptr<Backend> backend;
    std::vector<std::string> told;
};
INSTANTIATE_TEST_SUITE_P(Engines, SealedBackendTest, storage::both_engines, storage::engine_name);

TEST_P(SealedBackendTest, DoesWhatEveryBackendDoes) {
    const auto seen = run_to_end(check_backend(*backend)).value();
    ASSERT_EQ(seen.size(), 5U);
    for (const auto& each : seen) EXPECT_TRUE(each.outcome) << each.what;
    EXPECT_EQ(told.size(), 1U) << "what was read is told";
    ASSERT_TRUE(run_to_end(backend->set("team/a", one_field("value", "1"))));
    ASSERT_TRUE(run_to_end(backend->set("team/a", one_field("value", "2"))));
    EXPECT_EQ(field_of(run_to_end(backend->get("team/a")).value(), {}, "team/a").value(), "2");
    EXPECT_EQ(run_to_end(backend->list("team/")).value(), std::vector<std::string>{"a"});
    EXPECT_EQ(run_to_end(backend->get("none")).error().reason, "secret.unknown");
    ASSERT_TRUE(run_to_end(backend->remove("team/a")));
    EXPECT_EQ(run_to_end(backend->get("team/a")).error().reason, "secret.deleted");
}

TEST(EnvironmentBackend, ReadsAndNeverWrites) {
    const auto backend = environment_backend(config::Environment(
        {{"JWT_SECRET_KEY", "q7Zk2mXv9Rt4Wc8Y"}, {"TEAM_DATABASE", "x"}, {"PATH", "/usr/bin"}}));
    EXPECT_FALSE(backend->weakness().empty());
    const auto value = run_to_end(backend->get("env/JWT_SECRET_KEY")).value();
    EXPECT_EQ(field_of(value, {}, "x").value(), "q7Zk2mXv9Rt4Wc8Y");
    EXPECT_TRUE(run_to_end(backend->get("team/database")));
    EXPECT_EQ(run_to_end(backend->get("none")).error().reason, "secret.unknown");
    EXPECT_EQ(run_to_end(backend->get("../x")).error().reason, "secret.path");
    EXPECT_EQ(run_to_end(backend->list("env/")).value(),
              std::vector<std::string>{"JWT_SECRET_KEY"});
    const auto seen = run_to_end(check_backend(*backend)).value();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].outcome.error().reason, "backend.read_only");
    EXPECT_EQ(run_to_end(backend->remove("env/PATH")).error().reason, "backend.read_only");
}

}  // namespace
}  // namespace gh::vault

#include "vault/policy_repository.hpp"

#include "vault/secret_testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;
using Names = std::vector<std::string>;

class PolicyRepositoryTest : public SecretsTest {
 protected:
    Result<PolicyChange> write(std::string name, std::string document) {
        return run_to_end(policies().put(std::move(name), std::move(document), at(++clock_)));
    }
    std::string found(std::string name) {
        return run_to_end(policies().find(std::move(name))).value().value_or("(none)");
    }
    Capabilities may(Names names, std::string_view path) {
        const auto rules = run_to_end(policies().rules(std::move(names)));
        EXPECT_TRUE(rules);
        return rules ? rules->at(path, false) : Capabilities{};
    }
    PolicyRepository policies() { return PolicyRepository(*database); }
};

INSTANTIATE_TEST_SUITE_P(Engines, PolicyRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(PolicyRepositoryTest, KeepsPoliciesAsTheyWereWritten) {
    const std::string text = "# mine\npath \"a\" { capabilities = [\"read\"] }\n";
    ASSERT_TRUE(write("b", text));
    ASSERT_TRUE(write("a", "{}"));
    EXPECT_EQ(found("b"), text);
    EXPECT_EQ(found("c"), "(none)");
    EXPECT_EQ(run_to_end(policies().list()), (Names{"a", "b"}));
    ASSERT_TRUE(write("b", "{}"));
    EXPECT_EQ(found("b"), "{}");
    ASSERT_TRUE(run_to_end(policies().remove("b")));
    ASSERT_TRUE(run_to_end(policies().remove("b")));
    EXPECT_EQ(run_to_end(policies().list()), (Names{"a"}));
    EXPECT_EQ(reason(write("root", "{}")), "policy.name");
    EXPECT_EQ(reason(write("a", "path")), "policy.syntax");
    EXPECT_EQ(found("a"), "{}");
}

TEST_P(PolicyRepositoryTest, SaysWhatSomeAllowTogetherAsOfNow) {
    ASSERT_TRUE(write("reads", R"(path "a/*" { capabilities = ["read"] })"));
    ASSERT_TRUE(write("lists", R"(path "a/*" { capabilities = ["list"] })"));
    EXPECT_EQ(may({"reads", "lists", "unknown"}, "a/b"),
              (Capabilities{Capability::read, Capability::list}));
    EXPECT_TRUE(may({"unknown"}, "a/b").empty());
    EXPECT_TRUE(may({}, "a/b").empty());
    ASSERT_TRUE(write("reads", R"(path "a/*" { capabilities = ["deny"] })"));
    EXPECT_EQ(may({"reads", "lists"}, "a/b"), Capabilities{Capability::deny});
    ASSERT_TRUE(run_to_end(policies().remove("reads")));
    EXPECT_EQ(may({"reads", "lists"}, "a/b"), Capabilities{Capability::list});
}

TEST_P(PolicyRepositoryTest, LetsNobodyInWhereAPolicyCannotBeRead) {
    ASSERT_TRUE(write("broken", "{}"));
    auto work = [](storage::Session& session) {
        return session.script("UPDATE vault_policies SET document = 'path'");
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    EXPECT_EQ(reason(run_to_end(policies().rules({"broken"}))), "policy.unreadable");
}

}  // namespace
}  // namespace gh::vault

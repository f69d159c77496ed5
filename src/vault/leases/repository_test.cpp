#include "vault/leases/repository.hpp"

#include <gtest/gtest.h>

#include "vault/secret_testing.hpp"

namespace gh::vault::leases {
namespace {

using storage::run_to_end;

class LeaseRepositoryTest : public SecretsTest {
 protected:
    static SystemTime at(int second) { return SystemTime(seconds(1'000'000'000 + second)); }
    Repository leases() { return Repository(*database); }
    static Lease lease(const std::string& id) {
        Lease made;
        made.id = "database/creds/app/" + id;
        made.role = "app";
        made.connection = "server";
        made.username = "v-" + id;
        made.revocation = {"DROP ROLE \"{{name}}\""};
        made.holder = "user:ada";
        made.issued_at = at(0);
        made.expires_at = at(100);
        made.ends_at = at(1'000);
        made.next_at = at(60);
        return made;
    }
    Lease find(const std::string& id) {
        return run_to_end(leases().find("database/creds/app/" + id)).value();
    }
    Lease live(const std::string& id) {
        EXPECT_TRUE(run_to_end(leases().add(lease(id))));
        return run_to_end(leases().went_live("database/creds/app/" + id)).value();
    }
    std::vector<Lease> due(int second) { return run_to_end(leases().due(at(second))).value(); }
};

INSTANTIATE_TEST_SUITE_P(Engines, LeaseRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(LeaseRepositoryTest, ARoleIsMadeChangedAndRemoved) {
    Role role;
    role.name = "app";
    role.connection = "server";
    role.creation = {"A", "B"};
    role.default_ttl = seconds(60);
    ASSERT_TRUE(run_to_end(leases().put_role(role, at(0))));
    role.max_ttl = seconds(120);
    ASSERT_TRUE(run_to_end(leases().put_role(role, at(1))));
    const auto found = run_to_end(leases().find_role("app")).value();
    EXPECT_EQ(found.creation, role.creation);
    EXPECT_EQ(found.max_ttl, seconds(120));
    EXPECT_EQ(run_to_end(leases().role_names()).value(), std::vector<std::string>{"app"});
    ASSERT_TRUE(run_to_end(leases().remove_role("app")));
    EXPECT_EQ(reason(run_to_end(leases().find_role("app"))), "lease.role");
}

TEST_P(LeaseRepositoryTest, TheServerOfAConnectionIsTheOneThatWasMeant) {
    const auto meant = [&] { return run_to_end(leases().meant_server("app")).value(); };
    const auto also = [](const std::string& server) {
        return Repository::meant(
            "app", server,
            {.before = {},
             .after = [](storage::Session&, const SecretChange&) -> Task<Result<void>> {
                 co_return Result<void>{};
             }});
    };
    EXPECT_EQ(meant(), "");
    const auto write = [&](const std::string& server) {
        return run_to_end(
            secrets().put("database/app", crypto::Secret("{}"), std::nullopt, at(0), also(server)));
    };
    ASSERT_TRUE(write("postgresql://a@b/c"));
    ASSERT_TRUE(write("postgresql://a@b/d"));
    auto one = lease("held");
    one.connection = "app";
    const auto held = run_to_end(leases().add(std::move(one))).value();
    EXPECT_EQ(reason(write("postgresql://a@elsewhere/d")), "lease.in_use");
    EXPECT_EQ(reason(run_to_end(secrets().forget("database/app", at(1), also("")))),
              "lease.in_use");
    EXPECT_TRUE(write("postgresql://a@b/d")) << "another password, say";
    ASSERT_TRUE(run_to_end(leases().ended(held)));
    ASSERT_TRUE(put("database/app", R"({"url":"postgresql://a@elsewhere/d"})"));
    EXPECT_EQ(meant(), "postgresql://a@b/d") << "whoever else writes the secret";
    ASSERT_TRUE(run_to_end(secrets().forget("database/app", at(1), also(""))));
    EXPECT_EQ(meant(), "");
}

TEST_P(LeaseRepositoryTest, WhatNobodyGotIsEndedAMinuteLater) {
    ASSERT_TRUE(run_to_end(leases().add(lease("a"))));
    EXPECT_TRUE(due(59).empty());
    ASSERT_EQ(due(60).size(), 1U);
    EXPECT_TRUE(run_to_end(leases().take(due(60)[0], at(60))).value());
    EXPECT_EQ(find("a").state, State::ending);
    EXPECT_EQ(reason(run_to_end(leases().went_live("database/creds/app/a"))), "lease.changed");
    EXPECT_TRUE(run_to_end(leases().ids("database/creds/app/", 10)).value().empty());
    ASSERT_TRUE(run_to_end(leases().ended(find("a"))));
    EXPECT_EQ(reason(run_to_end(leases().find("database/creds/app/a"))), "lease.unknown");
}

TEST_P(LeaseRepositoryTest, ALiveOneLastsAsLongAsItIsRenewed) {
    const auto made = live("a");
    EXPECT_EQ(made.state, State::live);
    EXPECT_EQ(made.revocation, lease("a").revocation);
    EXPECT_TRUE(due(99).empty());
    const auto over = due(100).at(0);
    const auto renewed = run_to_end(leases().renew(made.id, at(300), at(99))).value();
    EXPECT_EQ(renewed.expires_at, at(300));
    EXPECT_EQ(renewed.renewed_at, at(99));
    EXPECT_FALSE(run_to_end(leases().take(over, at(100))).value()) << "it was renewed meanwhile";
    EXPECT_TRUE(due(299).empty());
    EXPECT_EQ(reason(run_to_end(leases().renew(made.id, at(400), at(300)))), "lease.unknown");
    EXPECT_TRUE(run_to_end(leases().take(due(300).at(0), at(300))).value());
    EXPECT_EQ(reason(run_to_end(leases().renew(made.id, at(400), at(300)))), "lease.unknown");
}

TEST_P(LeaseRepositoryTest, OneEndsItAndTheNextOneWhereThatFails) {
    const auto made = live("a");
    const auto ending = run_to_end(leases().begin_end(made.id, at(10))).value();
    EXPECT_TRUE(run_to_end(leases().take(ending, at(10))).value());
    EXPECT_FALSE(run_to_end(leases().take(ending, at(10))).value());
    EXPECT_EQ(run_to_end(leases().begin_end(made.id, at(11))).value().next_at, at(40));
    EXPECT_TRUE(due(39).empty()) << "another may be about it";
    const Error away{ErrorKind::unavailable, "storage.connection", "away\xff"};
    ASSERT_TRUE(run_to_end(leases().not_ended(due(40).at(0), away, at(50))));
    EXPECT_EQ(find("a").failures, 1U);
    EXPECT_EQ(find("a").error, "storage.connection: away");
    EXPECT_EQ(run_to_end(leases().overview()).value().failing, 1);
    EXPECT_TRUE(due(49).empty());
    EXPECT_EQ(due(50).size(), 1U);
}

TEST_P(LeaseRepositoryTest, ListsThoseBelowAPath) {
    for (const auto* id : {"a", "b", "c"}) live(id);
    auto other = lease("d");
    other.id = "database/creds/apple/d";
    ASSERT_TRUE(run_to_end(leases().add(other)));
    ASSERT_TRUE(run_to_end(leases().went_live(other.id)));
    EXPECT_EQ(run_to_end(leases().ids("database/creds/app/", 2)).value(),
              (std::vector<std::string>{"database/creds/app/a", "database/creds/app/b"}));
    EXPECT_EQ(run_to_end(leases().ids("database/", 10)).value().size(), 4U);
    EXPECT_EQ(run_to_end(leases().overview()).value().live, 4);
}

}  // namespace
}  // namespace gh::vault::leases

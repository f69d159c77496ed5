#include "identity/role_repository.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "identity/user_repository.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using storage::run_to_end;

class RoleRepositoryTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(
            storage::migrate(*database, storage::embedded_migrations(), SystemTime(seconds(1)))));
        roles = std::make_unique<RoleRepository>(*database);
    }
    Result<CustomRole> put(std::string name, std::vector<std::string> permissions) {
        return run_to_end(
            roles->put(std::move(name), std::move(permissions), SystemTime(seconds(5))));
    }
    std::unique_ptr<RoleRepository> roles;
};

INSTANTIATE_TEST_SUITE_P(Engines, RoleRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(RoleRepositoryTest, KeepsWhatARoleHolds) {
    ASSERT_TRUE(put("auditor", {"users:read", "audit:read", "users:read"}));
    ASSERT_TRUE(put("clerk", {}));
    ASSERT_TRUE(put("auditor", {"audit:read"}));
    const auto all = run_to_end(roles->list());
    ASSERT_TRUE(all) << describe(all.error());
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[0].name, "auditor");
    EXPECT_EQ((*all)[0].permissions, std::vector<std::string>{"audit:read"});
    EXPECT_EQ((*all)[1].name, "clerk");
    const auto held = custom_roles_of(*all);
    EXPECT_TRUE(held.at("auditor").has(access::Permission::audit_read));
    EXPECT_FALSE(held.at("auditor").has(access::Permission::users_read));
}

TEST_P(RoleRepositoryTest, RefusesWhatIsBuiltInOrUnknown) {
    EXPECT_EQ(put("admin", {}).error().reason, "role.name");
    EXPECT_EQ(put("No Role", {}).error().reason, "role.name");
    EXPECT_EQ(put("auditor", {"everything"}).error().reason, "role.permission");
    EXPECT_EQ(run_to_end(roles->remove("admin")).error().reason, "role.unknown");
    EXPECT_EQ(run_to_end(roles->remove("nobody")).error().reason, "role.unknown");
}

TEST_P(RoleRepositoryTest, RemovesOneThatNobodyHas) {
    ASSERT_TRUE(put("auditor", {"audit:read"}));
    UserRepository users(*database);
    const auto ada = run_to_end(
        users.create({.name = "ada", .email = {}, .roles = {"auditor"}, .password_hash = {}},
                     SystemTime(seconds(6))));
    ASSERT_TRUE(ada) << describe(ada.error());
    EXPECT_EQ(run_to_end(roles->remove("auditor")).error().reason, "role.in_use");
    ASSERT_TRUE(run_to_end(
        users.change(ada->id, {.roles = std::vector<std::string>{}}, SystemTime(seconds(7)))));
    EXPECT_TRUE(run_to_end(roles->remove("auditor")));
    EXPECT_TRUE(run_to_end(roles->list())->empty());
}

TEST(RoleSource, ChangesOnlyWhenTheRolesDo) {
    RoleSource source;
    const auto before = source.generation();
    source.publish({});
    EXPECT_EQ(source.generation(), before);
    access::CustomRoles roles;
    roles["auditor"].add(access::Permission::audit_read);
    source.publish(roles);
    EXPECT_NE(source.generation(), before);
    EXPECT_EQ(*source.current(), roles);
}

}  // namespace
}  // namespace gh::identity

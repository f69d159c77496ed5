#include "access/permission.hpp"

#include <gtest/gtest.h>

#include <set>

#include "access/access.hpp"

namespace gh::access {
namespace {

Principal someone(PrincipalType type, std::vector<std::string> roles,
                  std::vector<std::string> scopes = {}) {
    Principal who;
    who.type = type;
    who.subject = "ada";
    who.role = highest_role(roles);
    who.roles = std::move(roles);
    who.scopes = std::move(scopes);
    return who;
}

TEST(Permission, HasOneNameEachThatLeadsBack) {
    std::set<std::string_view> names;
    for (const auto& row : permission_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(permission_of(row.name), row.permission);
        EXPECT_EQ(name_of(row.permission), row.name);
        EXPECT_NE(row.least_role, Role::none) << row.name;  // else everybody would hold it
    }
    EXPECT_EQ(permission_of("users:READ"), std::nullopt);
    EXPECT_EQ(permission_of(""), std::nullopt);
}

TEST(Permission, IsHeldFromItsLeastRoleUpwards) {
    for (const auto& row : permission_table()) {
        for (const auto role : {Role::none, Role::guest, Role::user, Role::manager, Role::admin}) {
            EXPECT_EQ(permissions_of(role).has(row.permission), role >= row.least_role)
                << row.name << " " << static_cast<int>(role);
        }
    }
    EXPECT_EQ(permissions_of(Role::guest), PermissionSet{});
}

TEST(Permission, FollowsFromRolesAndIsNarrowedByScopes) {
    CustomRoles custom;
    custom["auditor"].add(Permission::audit_read);
    custom["guest"].add(Permission::users_write);  // a built-in name: not listened to
    using Type = PrincipalType;
    struct Case {
        std::string_view what;
        Principal who;
        bool audit, metrics;
    };
    const Case cases[] = {
        {"an admin", someone(Type::user, {"admin"}), true, true},
        {"a manager", someone(Type::user, {"manager"}), false, true},
        {"a guest", someone(Type::user, {"guest"}), false, false},
        {"a custom role", someone(Type::user, {"auditor"}), true, false},
        {"both", someone(Type::user, {"auditor", "manager"}), true, true},
        {"a role nobody made", someone(Type::user, {"Admin"}), false, false},
        {"an admin's narrow token", someone(Type::user, {"admin"}, {"metrics:read"}), false, true},
        {"an admin's token for elsewhere", someone(Type::delegated, {"admin"}, {"openid"}), false,
         false},
        {"a user who asked for more", someone(Type::user, {"user"}, {"audit:read"}), false, false},
        {"scopes without a role", someone(Type::user, {}, {"audit:read"}), false, false},
        {"an agent likewise", someone(Type::agent, {}, {"audit:read"}), false, false},
        {"a key for one thing", someone(Type::api_key, {}, {"metrics:read"}), false, true},
        {"a service likewise", someone(Type::service, {}, {"metrics:read", "x"}), false, true},
        {"a guest's key", someone(Type::api_key, {"guest"}, {"metrics:read"}), false, false},
        {"nobody", Principal{}, false, false},
    };
    for (const auto& c : cases) {
        const auto held = permissions_of(c.who, custom);
        EXPECT_EQ(held.has(Permission::audit_read), c.audit) << c.what;
        EXPECT_EQ(held.has(Permission::metrics_read), c.metrics) << c.what;
        EXPECT_FALSE(held.has(Permission::users_write) && c.who.role != Role::admin) << c.what;
    }
}

TEST(Permission, IsWhatARouteMayAskFor) {
    const auto route = Access::permission(Permission::audit_read);
    CustomRoles custom;
    custom["auditor"].add(Permission::audit_read);
    const auto auditor = someone(PrincipalType::user, {"auditor"});
    EXPECT_EQ(authorize(route, auditor, nullptr, custom).outcome, Outcome::allowed);
    EXPECT_EQ(authorize(route, auditor, nullptr).outcome, Outcome::denied);
    EXPECT_EQ(authorize(route, auditor, nullptr).reason, "access.permission");
    EXPECT_EQ(authorize(route, Principal{}, nullptr, custom).outcome, Outcome::unauthenticated);
    // A certificate shown by the way does not stand in for the permission.
    const ClientCertificate certificate;
    EXPECT_EQ(authorize(route, auditor, &certificate).outcome, Outcome::denied);
}

}  // namespace
}  // namespace gh::access

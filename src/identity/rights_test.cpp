#include "identity/rights.hpp"

#include <gtest/gtest.h>

#include "access/access.hpp"
#include "identity/principal.hpp"

namespace gh::identity {
namespace {

using access::Permission;
using Names = std::vector<std::string>;

const access::CustomRoles custom = [] {
    access::CustomRoles roles;
    roles["ops"];  // opens routes, holds nothing
    roles["helpdesk"].add(Permission::users_write);
    return roles;
}();

access::Principal giver(Names roles, Names scopes = {}) {
    access::Principal principal;
    principal.type = access::PrincipalType::user;
    principal.roles = std::move(roles);
    principal.scopes = std::move(scopes);
    settle_roles(principal);
    return principal;
}

bool may(const access::Principal& who, const Names& roles, const Names& scopes = {}) {
    return may_hand_out(who, {roles, scopes}, custom, Permission::keys_write);
}

TEST(RightsTest, RolesUpToOnesOwn) {
    EXPECT_TRUE(may(giver({"admin"}), {"admin", "manager", "guest", "ops", "helpdesk"}));
    EXPECT_TRUE(may(giver({"user"}), {"user", "guest"}));
    EXPECT_FALSE(may(giver({"user"}), {"user", "manager"}));
    EXPECT_FALSE(may(giver({"helpdesk"}), {"guest"}));
    EXPECT_TRUE(may(giver({}), {}));
}

TEST(RightsTest, RolesOfAnOperatorsMakingAreForWhoHasThemAndAdministrators) {
    EXPECT_FALSE(may(giver({"manager", "helpdesk"}), {"ops"}));
    EXPECT_TRUE(may(giver({"manager", "ops"}), {"ops"}));
    EXPECT_FALSE(may(giver({"admin"}, {"keys:write"}), {"helpdesk"})) << "narrowed to less";
    EXPECT_FALSE(may(giver({"ops"}), {"never-made"}));
}

TEST(RightsTest, ScopesThatNamePermissionsAreForWhoHoldsThem) {
    EXPECT_TRUE(may(giver({"admin"}), {}, {"users:write", "audit:read"}));
    EXPECT_FALSE(may(giver({"guest"}), {}, {"users:write"}));
    EXPECT_FALSE(may(giver({"user"}), {"user"}, {"users:write"})) << "a route may ask for it";
    EXPECT_TRUE(may(giver({"manager"}), {"user"}, {"users:read"}));
    EXPECT_FALSE(may(giver({"admin"}, {"users:write"}), {}, {"keys:write"}));
}

TEST(RightsTest, OtherScopesAreForWhoAdministersThemOrCarriesThem) {
    EXPECT_TRUE(may(giver({"admin"}), {}, {"payments:write"}));
    EXPECT_FALSE(may(giver({"manager"}), {}, {"payments:write"}));
    EXPECT_TRUE(may(giver({"user"}, {"payments:write"}), {}, {"payments:write"}));
    EXPECT_FALSE(may(giver({"user"}, {"payments:write"}), {}, {"payments:write", "payments:read"}));
}

TEST(RightsTest, PoliciesAreForWhoMayDoEverythingWithSecretsOrIsAKeyThatCarriesThem) {
    EXPECT_TRUE(may(giver({"admin"}), {}, {"policy:team"}));
    EXPECT_FALSE(may(giver({"manager"}), {}, {"policy:team"}));
    EXPECT_FALSE(may(giver({"admin"}, {"keys:write"}), {}, {"policy:team"})) << "over keys alone";
    EXPECT_FALSE(may(giver({"admin"}, {"keys:write", "secrets:write"}), {}, {"policy:team"}));
    EXPECT_TRUE(may(giver({"admin"}, {"secrets:read", "secrets:write"}), {}, {"policy:team"}));
    auto key = giver({}, {"policy:team"});
    EXPECT_FALSE(may(key, {}, {"policy:team"})) << "a token's scopes may be of others' choosing";
    key.type = access::PrincipalType::api_key;
    EXPECT_TRUE(may(key, {}, {"policy:team"}));
    EXPECT_FALSE(may(key, {}, {"policy:other"}));
}

}  // namespace
}  // namespace gh::identity

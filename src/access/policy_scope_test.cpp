#include "access/policy_scope.hpp"

#include <gtest/gtest.h>

namespace gh::access {
namespace {

using Names = std::vector<std::string>;

TEST(PolicyScope, IsCarriedByKeysAlone) {
    Principal principal;
    principal.scopes = {"policy:team", "secrets:read", "policy", "policy:B"};
    struct Case {
        PrincipalType type;
        std::string_view issuer;
        bool carries;
    };
    const Case cases[] = {{PrincipalType::api_key, "", true},
                          {PrincipalType::service, "", true},
                          {PrincipalType::service, "https://idp.example.com", false},
                          {PrincipalType::user, "", false},
                          {PrincipalType::agent, "", false},
                          {PrincipalType::certificate, "", false},
                          {PrincipalType::delegated, "", false},
                          {PrincipalType::anonymous, "", false}};
    for (const auto& c : cases) {
        principal.type = c.type;
        principal.issuer = c.issuer;
        EXPECT_EQ(policies_of(principal), c.carries ? (Names{"team", "b"}) : Names{})
            << name_of(c.type) << " " << c.issuer;
    }
}

TEST(PolicyScope, KnowsWhatAnOwnerHoldsToday) {
    Principal key;
    EXPECT_EQ(permissions_of_owner(key, {}), std::nullopt);
    key.roles = {"admin"};
    key.owner_roles = Names{"operators"};
    PermissionSet reads;
    reads.add(Permission::secrets_read);
    EXPECT_EQ(permissions_of_owner(key, {{"operators", reads}}), reads);
    EXPECT_EQ(permissions_of_owner(key, {}), PermissionSet{});
    key.owner_roles = Names{"admin"};
    EXPECT_EQ(permissions_of_owner(key, {}), permissions_of(Role::admin));
}

}  // namespace
}  // namespace gh::access

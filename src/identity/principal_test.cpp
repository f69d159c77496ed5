#include "identity/principal.hpp"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

TEST(Principal, TakesWhatATokenSays) {
    const Claims claims{.issuer = "idp",
                        .subject = "alice",
                        .token_id = "t1",
                        .roles = {"guest", "manager", "auditor"},
                        .scopes = {"read"},
                        .expires = SystemTime{std::chrono::seconds{9}}};
    const auto user = principal_of(claims, access::PrincipalType::user);
    EXPECT_EQ(user->type, access::PrincipalType::user);
    EXPECT_EQ(user->subject, "alice");
    EXPECT_EQ(user->issuer, "idp");
    EXPECT_EQ(user->token_id, "t1");
    EXPECT_EQ(user->roles_text, "guest,manager,auditor");
    EXPECT_EQ(user->role, access::Role::manager);
    EXPECT_EQ(user->scopes, std::vector<std::string>{"read"});
    EXPECT_EQ(user->expires, claims.expires);
    EXPECT_EQ(principal_of(claims, access::PrincipalType::agent)->type,
              access::PrincipalType::agent);
    Claims delegated = claims;
    delegated.delegated = true;
    EXPECT_EQ(principal_of(delegated, access::PrincipalType::agent)->type,
              access::PrincipalType::delegated);
}

TEST(Principal, OfACertificateHasNoRole) {
    const auto principal = principal_of(access::ClientCertificate{"admin", "ab12", "07"});
    EXPECT_EQ(principal->type, access::PrincipalType::certificate);
    EXPECT_EQ(principal->subject, "admin");
    EXPECT_EQ(principal->token_id, "07");
    EXPECT_EQ(principal->role, access::Role::none);
    EXPECT_EQ(principal->expires, std::nullopt);
}

}  // namespace
}  // namespace gh::identity

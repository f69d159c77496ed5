#include "access/access.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gh::access {
namespace {

Principal with_roles(std::vector<std::string> roles) {
    Principal principal{.type = PrincipalType::user, .subject = "ada", .roles = std::move(roles)};
    principal.role = highest_role(principal.roles);
    return principal;
}

Principal of_type(PrincipalType type) { return Principal{.type = type, .subject = "x"}; }

TEST(Access, MadeByDefaultLetsNobodyIn) {
    const Access access;
    EXPECT_EQ(authorize(access, with_roles({"admin"})).outcome, Outcome::denied);
    EXPECT_EQ(authorize(access, with_roles({"admin"})).reason, "access.nobody");
    EXPECT_EQ(authorize(access, Principal{}).outcome, Outcome::denied);
    const ClientCertificate certificate{.subject = "agent-7"};
    EXPECT_EQ(authorize(access, Principal{}, &certificate).outcome, Outcome::denied);
}

TEST(Access, LetsEveryRolePassItsOwnChecksAndThoseBelow) {
    const std::string names[] = {"guest", "user", "manager", "admin"};  // from low to high
    constexpr bool passes[4][4] = {
        // wants: guest, user, manager, admin
        {true, false, false, false},  // guest
        {true, true, false, false},   // user
        {true, true, true, false},    // manager
        {true, true, true, true},     // admin
    };
    for (int has = 0; has < 4; ++has) {
        for (int wants = 0; wants < 4; ++wants) {
            SCOPED_TRACE(names[has] + " asks where " + names[wants] + " is wanted");
            const auto decision = authorize(Access::role(names[wants]), with_roles({names[has]}));
            EXPECT_EQ(decision.outcome, passes[has][wants] ? Outcome::allowed : Outcome::denied);
            EXPECT_EQ(decision.reason, passes[has][wants] ? "" : "access.role");
        }
    }
}

TEST(Access, CountsTheHighestOfSeveralRoles) {
    EXPECT_EQ(
        authorize(Access::role("manager"), with_roles({"guest", "manager", "auditor"})).outcome,
        Outcome::allowed);
}

TEST(Access, ComparesRolesThatAreNotBuiltInAsWritten) {
    struct Case {
        std::string wanted;
        std::vector<std::string> roles;
        Outcome outcome;
    };
    const Case cases[] = {
        {"auditor", {"auditor"}, Outcome::allowed},
        {"auditor", {"user", "auditor"}, Outcome::allowed},
        {"auditor", {"Auditor"}, Outcome::denied},
        {"auditor", {"auditors"}, Outcome::denied},
        {"auditor",
         {"admin"},
         Outcome::denied},  // the hierarchy says nothing about names it does not have
        {"Admin", {"admin"}, Outcome::denied},
        {"auditor", {}, Outcome::denied},
        {"none", {}, Outcome::denied},
        {"", {""}, Outcome::denied},
        {"", {"admin"}, Outcome::denied},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.wanted);
        EXPECT_EQ(authorize(Access::role(c.wanted), with_roles(c.roles)).outcome, c.outcome);
    }
}

TEST(Access, WantsEveryScope) {
    struct Case {
        std::vector<std::string> wanted, held;
        Outcome outcome;
    };
    const Case cases[] = {
        {{"read"}, {"read"}, Outcome::allowed},
        {{"read", "write"}, {"write", "other", "read"}, Outcome::allowed},
        {{"read", "write"}, {"read"}, Outcome::denied},
        {{"read"}, {"READ"}, Outcome::denied},
        {{"read"}, {}, Outcome::denied},
        {{}, {"read"}, Outcome::denied},  // an empty wish is a mistake, not an open door
    };
    for (const auto& c : cases) {
        Principal principal = of_type(PrincipalType::api_key);
        principal.scopes = c.held;
        const auto decision = authorize(Access::scopes(c.wanted), principal);
        EXPECT_EQ(decision.outcome, c.outcome);
        EXPECT_EQ(decision.reason, c.outcome == Outcome::denied ? "access.scope" : "");
    }
}

TEST(Access, AsksStrangersWhoTheyAreBeforeItDeniesThem) {
    const Principal stranger;
    EXPECT_EQ(authorize(Access::anyone(), stranger).outcome, Outcome::allowed);
    for (const auto& access :
         {Access::authenticated(), Access::role("guest"), Access::role("auditor"),
          Access::scopes({"read"}), Access::client_certificate(), Access::agent(),
          Access::agent_or(Permission::messages_send)}) {
        const auto decision = authorize(access, stranger);
        EXPECT_EQ(decision.outcome, Outcome::unauthenticated);
        EXPECT_EQ(decision.reason, "access.anonymous");
    }
}

TEST(Access, IgnoresWhatAStrangerClaims) {
    Principal stranger = with_roles({"admin"});
    stranger.scopes = {"read"};
    stranger.type = PrincipalType::anonymous;
    EXPECT_EQ(authorize(Access::role("guest"), stranger).outcome, Outcome::unauthenticated);
    EXPECT_EQ(authorize(Access::scopes({"read"}), stranger).outcome, Outcome::unauthenticated);
}

TEST(Access, KnowsEachKindOfPrincipal) {
    struct Case {
        PrincipalType type;
        Outcome authenticated, certificate, agent;
    };
    constexpr auto yes = Outcome::allowed;
    constexpr auto no = Outcome::denied;
    constexpr Case cases[] = {
        {PrincipalType::user, yes, no, no},         {PrincipalType::api_key, yes, no, no},
        {PrincipalType::agent, yes, no, yes},       {PrincipalType::service, yes, no, no},
        {PrincipalType::certificate, yes, yes, no}, {PrincipalType::delegated, yes, no, no},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(name_of(c.type));
        const auto principal = of_type(c.type);
        EXPECT_EQ(authorize(Access::authenticated(), principal).outcome, c.authenticated);
        EXPECT_EQ(authorize(Access::client_certificate(), principal).outcome, c.certificate);
        EXPECT_EQ(authorize(Access::agent(), principal).outcome, c.agent);
    }
}

TEST(Access, AdmitsAgentsBesideThoseWhoHoldAPermission) {
    const auto access = Access::agent_or(Permission::messages_read);
    EXPECT_EQ(authorize(access, of_type(PrincipalType::agent)).outcome, Outcome::allowed);
    EXPECT_EQ(authorize(access, of_type(PrincipalType::delegated)).outcome, Outcome::denied);
    auto user = of_type(PrincipalType::user);
    EXPECT_EQ(authorize(access, user).reason, "access.permission");
    user.role = Role::manager;
    EXPECT_EQ(authorize(access, user).outcome, Outcome::allowed);
}

TEST(Access, AcceptsACertificateBesideAnotherCredential) {
    const ClientCertificate certificate{.subject = "agent-7"};
    const auto user = of_type(PrincipalType::user);
    EXPECT_EQ(authorize(Access::client_certificate(), user, &certificate).outcome,
              Outcome::allowed);
    EXPECT_EQ(authorize(Access::client_certificate(), user).outcome, Outcome::denied);
    EXPECT_EQ(authorize(Access::role("admin"), user, &certificate).outcome, Outcome::denied);
    EXPECT_EQ(authorize(Access::authenticated(), Principal{}, &certificate).outcome,
              Outcome::unauthenticated);
}

}  // namespace
}  // namespace gh::access

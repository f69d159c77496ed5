#include "access/principal.hpp"

#include <gtest/gtest.h>

#include "access/authenticator.hpp"

namespace gh::access {
namespace {

TEST(PrincipalType, HasTheNameThatUpstreamsAreTold) {
    struct Case {
        PrincipalType type;
        std::string_view name;
    };
    constexpr Case cases[] = {
        {PrincipalType::anonymous, "anonymous"}, {PrincipalType::user, "user"},
        {PrincipalType::api_key, "api_key"},     {PrincipalType::agent, "agent"},
        {PrincipalType::service, "service"},     {PrincipalType::certificate, "certificate"},
        {PrincipalType::delegated, "delegated"},
    };
    for (const auto& c : cases) EXPECT_EQ(name_of(c.type), c.name);
}

TEST(Role, IsBuiltInOnlyWhenSpelledExactly) {
    struct Case {
        std::string_view name;
        Role role;
    };
    constexpr Case cases[] = {
        {"guest", Role::guest},        {"user", Role::user},  {"manager", Role::manager},
        {"admin", Role::admin},        {"Admin", Role::none}, {"admin ", Role::none},
        {"administrator", Role::none}, {"none", Role::none},  {"", Role::none},
    };
    for (const auto& c : cases) EXPECT_EQ(role_of(c.name), c.role) << c.name;
}

TEST(Refusal, ShowsOneOfThreeTexts) {
    EXPECT_EQ(text_of(Refusal::missing), "Missing or invalid authentication credentials");
    EXPECT_EQ(text_of(Refusal::token), "Invalid authentication token");
    EXPECT_EQ(text_of(Refusal::login), "Invalid username or password");
}

}  // namespace
}  // namespace gh::access

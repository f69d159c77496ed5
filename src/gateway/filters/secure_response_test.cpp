#include "gateway/filters/secure_response.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

constexpr std::string_view nothing_allowed = "default-src 'none'; frame-ancestors 'none'";

class SecureResponseTest : public testing::Test {
 protected:
    /// An answer with one field.
    void answer(std::string_view name = {}, std::string_view value = {}) {
        house.again();
        auto& exchange = house.begin();
        if (!name.empty()) exchange.response.fields.add(name, value);
        SecureResponse().on_response(exchange);
    }
    FakeHouse house;
};

TEST_F(SecureResponseTest, ProtectsWhatProgramsAndWhatPeopleRead) {
    answer();
    EXPECT_EQ(house.answered("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(house.answered("X-Frame-Options"), "DENY");
    EXPECT_EQ(house.answered("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(house.answered("Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(house.answered("Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_TRUE(house.answered("Permissions-Policy").contains("camera=()"));

    house.route().config.security_headers = SecurityHeaders::page;
    answer();
    EXPECT_EQ(house.answered("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(house.answered("Referrer-Policy"), "strict-origin-when-cross-origin");

    house.route().config.security_headers = SecurityHeaders::none;
    answer();
    EXPECT_EQ(house.exchange.response.fields.size(), 0U);
}

TEST_F(SecureResponseTest, LeavesAloneWhatTheUpstreamSaidItself) {
    answer("x-frame-options", "SAMEORIGIN");
    EXPECT_EQ(house.answered("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(house.answered("X-Content-Type-Options"), "nosniff");
    answer("content-security-policy", "default-src 'self'");
    EXPECT_EQ(house.answered("Content-Security-Policy"), "default-src 'self'");
}

TEST_F(SecureResponseTest, SaysItselfWhetherTheHostIsForTlsOnly) {
    house.listener().hsts = "max-age=60";
    answer("Strict-Transport-Security", "max-age=0");
    EXPECT_EQ(house.answered("Strict-Transport-Security"), "max-age=60");
    house.route().config.security_headers = SecurityHeaders::none;
    answer();
    EXPECT_EQ(house.answered("Strict-Transport-Security"), "max-age=60");
    house.listener().hsts.clear();  // without TLS, say
    answer("Strict-Transport-Security", "max-age=1");
    EXPECT_EQ(house.answered("Strict-Transport-Security"), "");
}

TEST_F(SecureResponseTest, GivesAPolicyByMediaTypeWhateverItsCase) {
    house.route().config.csp = "script-src 'self'";
    struct Case {
        std::string_view type, policy;
    };
    constexpr Case cases[] = {
        {"application/json", nothing_allowed},
        {"Application/JSON", nothing_allowed},
        {"APPLICATION/problem+json; charset=utf-8", nothing_allowed},
        {"", nothing_allowed},
        {"; charset=utf-8", nothing_allowed},
        {"text/html", "script-src 'self'"},
        {"Text/HTML;charset=utf-8", "script-src 'self'"},
        {"TEXT/HTML ; charset=utf-8", "script-src 'self'"},
        {"text/html-not", ""},
        {"text/plain", ""},
        {"image/png", ""},
        {"applications/x", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.type);
        answer("Content-Type", c.type);
        EXPECT_EQ(house.answered("Content-Security-Policy"), c.policy);
    }
}

TEST_F(SecureResponseTest, ProtectsAnswersThatNoRouteClaimed) {
    house.route().config.security_headers = SecurityHeaders::none;
    auto& exchange = house.begin();
    exchange.route = nullptr;
    exchange.refuse(404, "route.unknown", "x");
    SecureResponse().on_response(exchange);
    EXPECT_EQ(house.answered("X-Frame-Options"), "DENY");
    EXPECT_EQ(house.answered("Content-Security-Policy"), nothing_allowed);
}

}  // namespace
}  // namespace gh::gateway

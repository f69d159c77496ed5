#include "gateway/filters/authenticate.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

class AuthenticateTest : public testing::Test {
 protected:
    Verdict pass() { return filter_.on_request(house.begin()); }

    FakeHouse house;
    Authenticate filter_{house.services, house.authenticator};
};

TEST_F(AuthenticateTest, NamesWhoAsks) {
    house.protect(access::Access::authenticated());
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->subject, "ada");
}

TEST_F(AuthenticateTest, TellsTheClientNoMoreThanOneOfThreeTexts) {
    house.protect(access::Access::authenticated());
    struct Case {
        std::string_view name, value, text, reason;
    };
    constexpr Case cases[] = {
        {"X-Other", "x", "Missing or invalid authentication credentials", "auth.missing"},
        {"Authorization", "Bearer stale", "Invalid authentication token", "jwt.expired"},
        {"Authorization", "", "Invalid authentication token", "jwt.expired"},
        {"X-API-Key", "bad", "Invalid authentication token", "jwt.expired"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        house.again();
        house.client.with(c.name, c.value);
        EXPECT_EQ(pass(), Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, 401);
        EXPECT_EQ(house.answered("WWW-Authenticate"), "Bearer");
        EXPECT_TRUE(house.exchange.body.contains(c.text)) << house.exchange.body;
        EXPECT_FALSE(house.exchange.body.contains(c.reason)) << house.exchange.body;
        EXPECT_EQ(house.exchange.auth_reason, c.reason);
        EXPECT_EQ(house.exchange.principal->type, access::PrincipalType::anonymous);
    }
    EXPECT_EQ(house.services.count.auth_refused.value(), std::size(cases));
}

TEST_F(AuthenticateTest, RefusesTwoOfAKindUnread) {
    struct Case {
        std::string_view first, second;
    };
    constexpr Case cases[] = {
        {"Authorization", "authorization"}, {"X-API-Key", "x-api-key"}, {"X-API-Key", "X_API_Key"}};
    for (const bool open : {true, false}) {
        for (const auto& c : cases) {
            SCOPED_TRACE(c.second);
            house.again();
            house.route().anyone = open;
            house.client.with(c.first, "good").with(c.second, "Bearer good");
            EXPECT_EQ(pass(), Verdict::answered);
            EXPECT_EQ(house.exchange.response.status, 401);
            EXPECT_EQ(house.exchange.auth_reason, "auth.repeated");
        }
    }
    EXPECT_EQ(house.authenticator.asked, 0);
}

TEST_F(AuthenticateTest, MindsNoBadCredentialWhereAnyoneMayPass) {
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.authenticator.asked, 0);

    house.again();
    house.client.with("Authorization", "Bearer stale");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->type, access::PrincipalType::anonymous);

    house.again();
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->subject, "ada");
}

TEST_F(AuthenticateTest, AsksNobodyWhereAuthenticationIsOff) {
    house.protect(access::Access::authenticated());
    house.snapshot->open = true;
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.authenticator.asked, 0);
}

TEST_F(AuthenticateTest, HandsOverTheCertificateOfTheConnection) {
    house.protect(access::Access::client_certificate());
    auto shown = std::make_shared<const access::ClientCertificate>();
    house.client.facts.certificate = shown;
    (void)pass();
    EXPECT_EQ(house.authenticator.certificate, shown.get());
}

}  // namespace
}  // namespace gh::gateway

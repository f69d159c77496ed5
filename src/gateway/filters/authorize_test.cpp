#include "gateway/filters/authorize.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using access::Access;

class AuthorizeTest : public testing::Test {
 protected:
    /// @return 0: walked on
    int status(bool known) {
        house.again();
        auto& exchange = house.begin();
        if (known) exchange.principal = house.authenticator.principal;
        const auto verdict = Authorize().on_request(exchange);
        EXPECT_EQ(verdict == Verdict::answered, exchange.response.status != 0);
        return exchange.response.status;
    }
    FakeHouse house;
};

TEST_F(AuthorizeTest, AsksWhatTheRouteSays) {
    struct Case {
        std::string_view name;
        Access access;
        int known, stranger;
    };
    const Case cases[] = {
        {"said nothing", Access{}, 403, 403},
        {"authenticated", Access::authenticated(), 0, 401},
        {"a lower role", Access::role("user"), 0, 401},
        {"the role", Access::role("manager"), 0, 401},
        {"a higher role", Access::role("admin"), 403, 401},
        {"a role of another name", Access::role("auditor"), 403, 401},
        {"a role without a name", Access::role(""), 403, 401},
        {"scopes held", Access::scopes({"read", "write"}), 0, 401},
        {"one scope more", Access::scopes({"read", "delete"}), 403, 401},
        {"no scopes", Access::scopes({}), 403, 401},
        {"agents", Access::agent(), 403, 401},
        {"a certificate", Access::client_certificate(), 403, 401},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        house.protect(c.access);
        EXPECT_EQ(status(true), c.known);
        EXPECT_EQ(status(false), c.stranger);
    }
}

TEST_F(AuthorizeTest, TakesACertificateOfTheConnectionWhoeverElseIsNamed) {
    house.protect(Access::client_certificate());
    house.client.facts.certificate = std::make_shared<const access::ClientCertificate>();
    EXPECT_EQ(status(true), 0);
    EXPECT_EQ(status(false), 0);
}

TEST_F(AuthorizeTest, KeepsFromTheClientWhatWouldHaveSufficed) {
    house.protect(Access::role("admin"));
    EXPECT_EQ(status(true), 403);
    EXPECT_FALSE(house.exchange.body.contains("admin")) << house.exchange.body;
    EXPECT_FALSE(house.exchange.body.contains("role")) << house.exchange.body;
    EXPECT_EQ(house.exchange.auth_reason, "access.role");
    EXPECT_EQ(house.answered("WWW-Authenticate"), "");  // other credentials would not be asked for

    EXPECT_EQ(status(false), 401);
    EXPECT_EQ(house.answered("WWW-Authenticate"), "Bearer");
}

TEST_F(AuthorizeTest, AsksNothingOfAnOpenRouteNorInAnOpenHouse) {
    EXPECT_EQ(status(false), 0);
    house.protect(Access::role("admin"));
    house.snapshot->open = true;
    EXPECT_EQ(status(false), 0);
}

}  // namespace
}  // namespace gh::gateway

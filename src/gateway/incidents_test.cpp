#include "gateway/incidents.hpp"

#include <gtest/gtest.h>

#include "gateway/access_log.hpp"
#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using Kind = access::Incident::Kind;

struct Case {
    std::string_view what, method, code, auth_reason;
    unsigned status;
    std::optional<Kind> kind;
};

TEST(Incidents, AreWhatAttacksAreMadeOf) {
    const std::vector<Case> cases{
        {"a made-up key", "GET", "auth.required", "key.unknown", 401, Kind::guess},
        {"nothing was shown", "GET", "auth.required", "auth.missing", 401, {}},
        {"it was good once", "GET", "auth.required", "jwt.expired", 401, {}},
        {"it was ended", "GET", "auth.required", "auth.revoked", 401, {}},
        {"our own sign-in", "POST", "auth.failed", "", 401, Kind::guess},
        {"a backend's sign-in", "POST", "", "", 401, Kind::guess},
        {"a backend's page", "GET", "", "", 401, {}},
        {"nothing there", "GET", "route.unknown", "", 404, Kind::probe},
        {"nothing there, says the backend", "GET", "", "", 404, Kind::probe},
        {"two lengths", "POST", "http.content_length", "", 400, Kind::smuggling},
        {"a chunk that is none", "POST", "http.body_malformed", "", 400, Kind::smuggling},
        {"merely wrong", "POST", "request.invalid", "", 400, {}},
        {"a limit of ours", "GET", "rate.limited", "", 429, Kind::block},
        {"a limit of the backend's", "GET", "", "", 429, {}},
        {"not allowed", "GET", "access.denied", "", 403, {}},
        {"a made-up key, in another protocol's words", "GET", "auth.required", "key.unknown", 403,
         Kind::guess},
        {"an ended one, in those", "GET", "auth.required", "auth.revoked", 403, {}},
        {"fine", "GET", "", "", 200, {}},
        {"nobody was answered", "GET", "", "", 0, {}},
    };
    for (const auto& each : cases) {
        FakeHouse house;
        house.client.ask(each.method, "/");
        auto& exchange = house.begin();
        exchange.code = each.code;
        exchange.auth_reason = each.auth_reason;
        const auto incident = incident_of(exchange, each.status);
        ASSERT_EQ(incident.has_value(), each.kind.has_value()) << each.what;
        if (!incident) continue;
        EXPECT_EQ(incident->kind, *each.kind) << each.what;
        EXPECT_EQ(incident->client_ip, "192.0.2.1");
        EXPECT_EQ(incident->principal, "");
        EXPECT_EQ(incident->code, each.code);
    }
}

TEST(Incidents, WhoIsKnownProbesOnlyWhereNothingIs) {
    FakeHouse house;
    auto& exchange = house.begin();
    exchange.principal = house.authenticator.principal;
    exchange.route = &house.route();
    EXPECT_EQ(incident_of(exchange, 404), std::nullopt);
    exchange.route = nullptr;
    ASSERT_TRUE(incident_of(exchange, 404));
    EXPECT_EQ(incident_of(exchange, 404)->principal, "ada");
}

TEST(Incidents, AreToldOncePerExchange) {
    struct Heard final : access::Witness {
        void saw(const access::Incident& incident) noexcept override {
            kinds.push_back(incident.kind);
            principals.emplace_back(incident.principal);
        }
        std::vector<Kind> kinds;
        std::vector<std::string> principals;
    } heard;
    FakeHouse house;
    house.services.witness = &heard;
    auto& exchange = house.begin();
    exchange.principal = house.authenticator.principal;
    exchange.refuse(429, "rate.limited", "Too many.");
    (void)house.client.respond(exchange.response, {}, true);
    close_exchange(exchange);
    EXPECT_EQ(heard.kinds, std::vector{Kind::block});
    EXPECT_EQ(heard.principals, std::vector<std::string>{"ada"});
}

}  // namespace
}  // namespace gh::gateway

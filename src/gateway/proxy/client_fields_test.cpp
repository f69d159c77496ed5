#include "gateway/proxy/client_fields.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway::proxy {
namespace {

bool passes(const Exchange& exchange, std::string_view name) {
    return goes_on(exchange, {name, "x", http::field_id(name)});
}

// What only we may say, in every spelling that a program behind us could take for it.
constexpr std::string_view never[] = {
    "X-Request-ID",
    "X_Request_ID",
    "X-Correlation-ID",
    "x.correlation.id",
    "traceparent",
    "tracestate",
    "X-Gatehouse-Roles",
    "X_Gatehouse_Subject",
    "X.Gatehouse.Subject",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "X-Forwarded_Proto",
    "X!Forwarded!Host",
    "Forwarded",
    "Connection",
    "Keep-Alive",
    "Transfer-Encoding",
    "Transfer_Encoding",
    "Content_Length",
    "CONTENT.LENGTH",
    "Proxy-Authorization",
    "Proxy_Authorization",
    "TE",
    "Upgrade",
    "Expect",
    "Proxy",
    "X_API_Key",
    "Content_Type",
    "User_Agent",
    "True_Client_IP",
    "X_Real_IP",
    "X_Forwarded_Port",
    "Client~IP",
};

constexpr std::string_view claims[] = {
    "X-Real-IP",        "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Ssl",
    "X-Forwarded",      "X-Forwarded-User", "X-Client-IP",        "True-Client-IP",
    "CF-Connecting-IP", "Client-IP",        "X-Original-URL",     "X-Rewrite-URL",
    "X-Scheme",         "Front-End-Https",  "Fastly-Client-IP",   "x-cluster-client-ip",
};

constexpr std::string_view ordinary[] = {
    "Accept",       "Authorization",
    "Cookie",       "X-API-Key",
    "Content-Type", "User-Agent",
    "X-Tenant",     "X_Tenant",
    "a_b_c",        "_",
    "X-Forward",    "X-Real-IPs",
    "Via",          "X-Original",
    "Range",        "Sec-WebSocket-Key",
};

TEST(ClientFields, PassOnlyWhatIsTheClientsToSay) {
    FakeHouse house;
    auto& exchange = house.begin();
    for (const bool trusted : {false, true}) {
        exchange.peer_is_trusted = trusted;
        for (const auto name : never) EXPECT_FALSE(passes(exchange, name)) << name;
        for (const auto name : claims) EXPECT_EQ(passes(exchange, name), trusted) << name;
        for (const auto name : ordinary) EXPECT_TRUE(passes(exchange, name)) << name;
    }
}

TEST(ClientFields, StandNotBesideWhatTheRouteInjects) {
    FakeHouse house;
    house.route().config.inject.headers = {{"X-Tenant", {}}, {"X-Real-IP", {}}};
    auto& exchange = house.begin();
    exchange.peer_is_trusted = true;
    for (const auto name : {"X-Tenant", "x-tenant", "X_Tenant", "X.Tenant", "X-Real-IP"})
        EXPECT_FALSE(passes(exchange, name)) << name;
    EXPECT_TRUE(passes(exchange, "X-Tenants"));
}

TEST(ClientFields, AreNotReadOtherwiseThanTheyWereJudged) {
    FakeHouse house;
    house.snapshot->judged_headers = {"X-Beta", "X_Old"};
    auto& exchange = house.begin();
    EXPECT_TRUE(passes(exchange, "x-beta"));
    EXPECT_FALSE(passes(exchange, "X_Beta"));  // no route saw this one
    EXPECT_TRUE(passes(exchange, "x_old"));    // a route is chosen by just this spelling
    EXPECT_FALSE(passes(exchange, "x.old"));
    EXPECT_FALSE(passes(exchange, "X-Old"));
}

TEST(ClientFields, KeepFromTheUpstreamATokenOfOurVault) {
    FakeHouse house;
    auto& exchange = house.begin();
    const auto goes = [&](std::string_view name, std::string_view value) {
        return goes_on(exchange, {name, value, http::field_id(name)});
    };
    for (const auto name : {"X-Vault-Token", "x_vault_token"}) {
        EXPECT_FALSE(goes(name, "gh_0123_abc")) << name;
        EXPECT_FALSE(goes(name, "eyJhbGciOiJFUzI1NiJ9.e30.x")) << name;
        EXPECT_TRUE(goes(name, "hvs.CAESIJ")) << name;  // the upstream may be a vault itself
    }
    EXPECT_TRUE(goes("X-Other", "gh_0123_abc"));
}

TEST(ClientFields, KeepFromTheUpstreamAKeyThatWasMeantForUs) {
    FakeHouse house;
    auto& exchange = house.begin();
    EXPECT_TRUE(passes(exchange, "X-API-Key"));
    auto robot = std::make_shared<access::Principal>();
    robot->type = access::PrincipalType::api_key;
    exchange.principal = robot;
    EXPECT_FALSE(passes(exchange, "X-API-Key"));
}

TEST(ClientTrailers, CarryNoMoreThanAHeadMay) {
    FakeHouse house;
    house.route().config.inject.headers = {{"X-Tenant", {}}};
    house.client.with("X-Other", "x");
    auto& trailers = house.client.request_trailers;
    for (const auto name : never) trailers.add(name, "x");
    for (const auto name : claims) trailers.add(name, "x");
    for (const auto name : {"Authorization", "authorization", "X-API-Key", "Cookie", "Host",
                            "X-Tenant", "X_Tenant", "Content-Length", "Content-Encoding", "Range",
                            "If_Match", "Set_Cookie", "Trailer", "Origin", "Cache-Control"})
        trailers.add(name, "x");
    for (const auto name : {"X-Checksum", "grpc-status", "Server-Timing", "my_sum"})
        trailers.add(name, "1");
    house.begin();
    for (const bool trusted : {false, true}) {
        house.exchange.peer_is_trusted = trusted;
        std::string kept;
        for (const auto& field : trailers_that_go_on(house.exchange))
            kept += std::string(field.name) + "=" + std::string(field.value) + " ";
        EXPECT_EQ(kept, "X-Checksum=1 grpc-status=1 Server-Timing=1 my_sum=1 ");
    }
}

}  // namespace
}  // namespace gh::gateway::proxy

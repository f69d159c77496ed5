#include "gateway/proxy/request_head.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway::proxy {
namespace {

constexpr std::string_view parent_sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class RequestHeadTest : public testing::Test {
 protected:
    Exchange& begin() {
        auto& exchange = house.begin();
        exchange.correlation_id = "story-1";
        exchange.traceparent =
            telemetry::to_traceparent(*telemetry::parse_traceparent(parent_sent));
        return exchange;
    }
    /// The head that is sent. `begin()` first.
    std::string head(http::BodyFraming body = {}) {
        std::string out;
        append_upstream_head(out, house.exchange, body);
        return out;
    }
    FakeHouse house;
};

TEST_F(RequestHeadTest, IsTheClientsAndWhatWeKnow) {
    house.client.ask("POST", "/a").with("Accept", "*/*").with("X-Real-IP", "6.6.6.6");
    house.client.with("Connection", "close, X-Hop").with("X-Hop", "1").with("Proxy", "evil:80");
    begin();
    EXPECT_EQ(head({http::Framing::length, 3}),
              "POST /a HTTP/1.1\r\nHost: h.example\r\nAccept: */*\r\n"
              "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: h.example\r\n"
              "Forwarded: for=192.0.2.1;host=\"h.example\";proto=http\r\n"
              "X-Request-ID: " +
                  std::string(house.exchange.request_id_text()) +
                  "\r\nX-Correlation-ID: story-1\r\ntraceparent: " + std::string(parent_sent) +
                  "\r\n"
                  "Content-Length: 3\r\n\r\n");
}

TEST_F(RequestHeadTest, SendsThePathThatWasJudged) {
    house.client.ask("GET", "/a/../b?x=1");
    auto& exchange = begin();
    exchange.path = "/b";
    exchange.query = "x=1";
    exchange.has_query = true;
    EXPECT_TRUE(head().starts_with("GET /b?x=1 HTTP/1.1\r\n"));
}

TEST_F(RequestHeadTest, NamesWhoAsksAndLeavesOutWhatWouldBreakALine) {
    house.client.with("X-Gatehouse-Roles", "admin").with("X_Gatehouse_Subject", "root");
    auto& exchange = begin();
    EXPECT_FALSE(head().contains("atehouse"));
    exchange.principal = house.authenticator.principal;
    const auto known = head();
    EXPECT_TRUE(
        known.contains("\r\nX-Gatehouse-Subject: ada\r\nX-Gatehouse-Roles: manager\r\n"
                       "X-Gatehouse-Principal-Type: user\r\n"));
    EXPECT_FALSE(known.contains("root"));
    house.authenticator.principal->subject = "ada\r\nX-Gatehouse-Roles: admin";
    EXPECT_FALSE(head().contains("admin"));
}

TEST_F(RequestHeadTest, SetsWhatTheRouteInjects) {
    house.route().config.inject.headers = {
        {"X-User", {{RequestFact::principal_subject, ""}, {RequestFact::none, "@here"}}},
        {"X-Real-IP", {{RequestFact::client_ip, ""}}},
        {"X-Scopes", {{RequestFact::principal_scopes, ""}}}};
    house.client.with("X_User", "root").with("X-Real-IP", "6.6.6.6").with("x-user", "root");
    begin().principal = house.authenticator.principal;
    const auto sent = head();
    EXPECT_TRUE(
        sent.contains("\r\nX-User: ada@here\r\nX-Real-IP: 192.0.2.1\r\n"
                      "X-Scopes: read write\r\n"));
    EXPECT_FALSE(sent.contains("root"));
    EXPECT_FALSE(sent.contains("6.6.6.6"));
    house.authenticator.principal->scopes = {"read\r\nX-Evil: 1"};
    EXPECT_FALSE(head().contains("X-Evil"));
}

TEST_F(RequestHeadTest, AddsItselfToTheChainOfTrustedProxies) {
    house.client.with("X-Forwarded-For", "6.6.6.6, 198.51.100.7");
    house.client.with("X-Real-IP", "198.51.100.7").with("X-Forwarded-Host", "evil.example");
    auto& exchange = begin();
    EXPECT_TRUE(head().contains("X-Forwarded-For: 192.0.2.1\r\n"));
    EXPECT_FALSE(head().contains("198.51.100.7"));
    exchange.peer_is_trusted = true;
    exchange.client_address = *net::Address::parse("198.51.100.7", 0);
    exchange.client_ip = "198.51.100.7";
    const auto sent = head();
    EXPECT_TRUE(sent.contains("X-Forwarded-For: 6.6.6.6, 198.51.100.7, 192.0.2.1\r\n"));
    EXPECT_TRUE(sent.contains("X-Real-IP: 198.51.100.7\r\n"));
    EXPECT_TRUE(sent.contains("Forwarded: for=198.51.100.7;"));
    EXPECT_FALSE(sent.contains("evil"));
}

TEST_F(RequestHeadTest, QuotesAddressesOfIpv6) {
    house.from("2001:db8::1");
    house.client.facts.encrypted = true;
    begin();
    EXPECT_TRUE(
        head().contains("Forwarded: for=\"[2001:db8::1]\";host=\"h.example\";proto=https\r\n"));
}

}  // namespace
}  // namespace gh::gateway::proxy

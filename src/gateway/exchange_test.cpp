#include "gateway/exchange.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(Exchange, BeginsWithThePeerAndNobody) {
    FakeHouse house;
    house.client.facts.encrypted = true;
    auto& exchange = house.exchange;
    exchange.begin(house.client, house.worker, house.snapshot);
    EXPECT_EQ(exchange.client_ip, "192.0.2.1");
    EXPECT_EQ(exchange.client_address, house.client.facts.peer);
    EXPECT_TRUE(exchange.client_encrypted);
    EXPECT_FALSE(exchange.peer_is_trusted);
    EXPECT_EQ(exchange.principal->type, access::PrincipalType::anonymous);
    EXPECT_EQ(exchange.listener, &house.listener());
    EXPECT_EQ(exchange.route, nullptr);
}

TEST(Exchange, KeepsNothingOfTheRequestBefore) {
    FakeHouse house;
    auto& exchange = house.begin();
    const std::string first(exchange.request_id_text());
    exchange.principal = house.authenticator.principal;
    exchange.peer_is_trusted = exchange.client_encrypted = exchange.counted = true;
    exchange.correlation_id = exchange.tracestate = exchange.query = exchange.auth_reason = "x";
    exchange.has_query = true;
    exchange.limits_count = 2;
    exchange.attempts = 2;
    exchange.upstream_name = exchange.upstream_address = "backend";
    exchange.upstream_duration = std::chrono::seconds(1);
    exchange.tunnelled_up = exchange.tunnelled_down = 7;
    exchange.upstream_request.fields.add("X-Old", "1");
    exchange.refuse(403, "access.denied", "old");
    const std::weak_ptr<const Snapshot> old = house.snapshot;
    house.client.head = http::RequestHead{.authority = "h.example"};
    exchange.end();
    house.snapshot = std::make_shared<Snapshot>();
    EXPECT_TRUE(old.expired());  // a reload must not wait for the next request

    exchange.begin(house.client, house.worker, house.snapshot);
    EXPECT_EQ(exchange.principal->type, access::PrincipalType::anonymous);
    EXPECT_FALSE(exchange.peer_is_trusted || exchange.client_encrypted || exchange.counted ||
                 exchange.has_query);
    EXPECT_EQ(exchange.response.status, 0);
    EXPECT_EQ(exchange.response.fields.size() + exchange.upstream_request.fields.size(), 0U);
    EXPECT_EQ(exchange.body, "");
    EXPECT_EQ(exchange.outcome, outcome::ok);
    for (const auto text :
         {exchange.correlation_id, exchange.tracestate, exchange.query, exchange.auth_reason,
          exchange.code, exchange.path, exchange.upstream_name, exchange.upstream_address}) {
        EXPECT_EQ(text, "");
    }
    EXPECT_EQ(exchange.limits_count + exchange.attempts, 0U);
    EXPECT_EQ(exchange.tunnelled_up + exchange.tunnelled_down, 0U);
    EXPECT_EQ(exchange.upstream_duration.count(), 0);
    EXPECT_EQ(exchange.route, nullptr);
    EXPECT_NE(exchange.request_id_text(), first);
}

TEST(Exchange, RefusesWithAProblemAndNothingOfAnEarlierAnswer) {
    FakeHouse house;
    auto& exchange = house.begin();
    exchange.response.reason = "Fine";
    exchange.body = "secret of the upstream";
    exchange.add_field(http::FieldId::other, "Set-Cookie", "session=1");
    exchange.refuse(403, "access.denied", "Say \"please\".");
    EXPECT_EQ(exchange.response.status, 403);
    EXPECT_EQ(exchange.response.reason, "");
    EXPECT_EQ(exchange.outcome, outcome::refused);
    EXPECT_EQ(house.answered("Set-Cookie"), "");
    EXPECT_EQ(house.answered("Content-Type"), "application/problem+json");
    EXPECT_EQ(exchange.body,
              R"({"type":"about:blank","title":"Forbidden","status":403,"code":"access.denied",)"
              R"("detail":"Say \"please\".","request_id":")" +
                  std::string(exchange.request_id_text()) + "\"}\n");
}

}  // namespace
}  // namespace gh::gateway

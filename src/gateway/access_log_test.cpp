#include "gateway/access_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/testing.hpp"
#include "telemetry/http_metrics.hpp"

namespace gh::gateway {
namespace {

class AccessLog : public testing::Test {
 protected:
    AccessLog() { house.services.access_log = &lines; }
    /// Answers with `status`, 0: not at all, and closes.
    const std::string& close(std::uint16_t status) {
        auto& exchange = house.exchange;
        exchange.response.status = status;
        if (status != 0) (void)house.client.respond(exchange.response, "fine", true);
        close_exchange(exchange);
        return lines.text;
    }
    std::string metrics_page() {
        std::string page;
        house.registry.render(page);
        return page;
    }
    FakeHouse house;
    KeptLines lines;
};

TEST_F(AccessLog, TellsOfOneExchangeInOneLine) {
    house.client.ask("GET", "/a").with("User-Agent", "curl \"x\"\n");
    auto& exchange = house.begin();
    exchange.principal = house.authenticator.principal;
    exchange.correlation_id = "story-1";
    exchange.upstream_name = "backend";
    const auto& line = close(200);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    for (const auto part :
         {R"("method":"GET")", R"("target":"/a")", R"("status":200)", R"("bytes_out":4)",
          R"("route":"/")", R"("upstream":"backend")", R"("client_ip":"192.0.2.1")",
          R"("principal":"ada")", R"("principal_type":"user")", R"("correlation_id":"story-1")",
          R"("outcome":"ok")", R"(curl \"x\"\n)"}) {
        EXPECT_TRUE(line.contains(part)) << part << " in " << line;
    }
}

TEST_F(AccessLog, HoldsNoSecrets) {
    house.client.ask("GET", "/a?access_token=hunter2&page=1")
        .with("Authorization", "Bearer hunter2")
        .with("Cookie", "session=hunter2")
        .with("X-API-Key", "hunter2");
    house.begin();
    const auto& line = close(200);
    EXPECT_FALSE(line.contains("hunter2")) << line;
    EXPECT_TRUE(line.contains("page=1")) << line;
}

TEST_F(AccessLog, TellsOperatorsWhyAndNotTheClient) {
    auto& exchange = house.begin();
    exchange.refuse(401, "auth.required", "x");
    exchange.auth_reason = "jwt.expired";
    const auto& line = close(401);
    EXPECT_TRUE(line.contains(R"("code":"jwt.expired")")) << line;
    EXPECT_FALSE(line.contains("principal")) << line;
}

TEST_F(AccessLog, TellsOfAnExchangeWithoutAnswerAndWithoutRoute) {
    auto& exchange = house.begin();
    exchange.route = nullptr;
    exchange.outcome = outcome::client_gone;
    exchange.response.status = 502;  // meant, and never sent
    close_exchange(exchange);
    EXPECT_FALSE(lines.text.contains("502")) << lines.text;
    EXPECT_FALSE(lines.text.contains("\"route\"")) << lines.text;
    EXPECT_TRUE(lines.text.contains("client_gone")) << lines.text;
}

TEST_F(AccessLog, IsSilentOnRoutesThatWantNoneAndStillCounts) {
    telemetry::HttpMetrics metrics(house.registry);
    house.route().config.access_log = false;
    house.route().metrics = &metrics.route("/");
    auto& exchange = house.begin();
    house.route().metrics->started(static_cast<std::size_t>(http::Method::get));
    exchange.counted = true;
    EXPECT_EQ(close(200), "");
    const auto page = metrics_page();
    EXPECT_TRUE(page.contains(R"(http_requests_total{method="GET",handler="/",status="200"} 1)"))
        << page;
}

TEST_F(AccessLog, CountsNothingThatWasNotBegun) {
    telemetry::HttpMetrics metrics(house.registry);
    house.route().metrics = &metrics.route("/");
    house.begin();
    close(200);
    EXPECT_FALSE(metrics_page().contains("http_requests_total{"));
}

}  // namespace
}  // namespace gh::gateway

#include "gateway/standard_pipeline.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using access::Access;
using By = RateLimitConfig::By;

// The order of the doors, judged by what a request may and may not bring about.

class StandardPipeline : public testing::Test {
 protected:
    /// A request in and its answer out. @return 0: it would reach the upstream
    int walk() {
        auto& exchange = house.begin();
        exchange.route = nullptr;
        std::size_t door = 0;
        const auto verdict = pipeline.on_request(exchange, door);
        EXPECT_EQ(verdict == Verdict::answered, exchange.response.status != 0);
        const int status = exchange.response.status;
        if (status == 0) {
            exchange.upstream_name = "backend";
            exchange.response.status = 200;
        }
        pipeline.on_response(exchange);
        return status;
    }
    FakeDownstream& another(std::string_view method = "GET", std::string_view target = "/") {
        house.again();
        return house.client.ask(method, target);
    }
    void expect_dressed() {
        EXPECT_EQ(house.answered("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(house.answered("X-Request-ID"), house.exchange.request_id_text());
        EXPECT_FALSE(house.answered("X-Correlation-ID").empty());
    }
    void allow_page() {
        house.route().config.cors = CorsConfig{.origins = {"https://app.example"}};
    }

    FakeHouse house;
    Pipeline pipeline = standard_pipeline(house.services, house.authenticator);
};

TEST_F(StandardPipeline, DressesEveryRefusalAndEveryAnswer) {
    house.protect(Access::role("admin"));
    house.limit(By::client_ip, 2, "c");
    struct Case {
        std::string_view name;
        std::function<void()> ask;
        int status;
    };
    const Case cases[] = {
        {"unreadable", [&] { house.client.broken = {400, "http.token"}; }, 400},
        {"another host", [&] { house.client.head.authority = "evil.example"; }, 421},
        {"malformed path", [&] { house.client.ask("GET", "/%zz"); }, 400},
        {"the server", [&] { house.client.ask("OPTIONS", "*"); }, 204},
        {"trace", [&] { house.client.ask("TRACE", "/"); }, 405},
        {"nobody", [&] {}, 401},
        {"not enough", [&] { house.client.with("Authorization", "Bearer good"); }, 403},
        {"too often", [&] {}, 429},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        another();
        house.client.broken = {};
        house.client.head.authority = "h.example";
        c.ask();
        EXPECT_EQ(walk(), c.status);
        expect_dressed();
    }
    another("GET", "/");
    house.route().limits.clear();
    house.protect(Access::anyone());
    house.route().anyone = true;
    EXPECT_EQ(walk(), 0);
    expect_dressed();
}

TEST_F(StandardPipeline, AsksWhoItIsBeforeWhatItMay) {
    house.protect(Access::role("user"));
    EXPECT_EQ(walk(), 401);
    another().with("Authorization", "Bearer stale");
    EXPECT_EQ(walk(), 401);
    another().with("Authorization", "Bearer good");
    EXPECT_EQ(walk(), 0);
    house.protect(Access::role("admin"));
    another().with("Authorization", "Bearer good");
    EXPECT_EQ(walk(), 403);
}

TEST_F(StandardPipeline, CountsGuessesByAddressBeforeTheyAreLookedAt) {
    house.protect(Access::authenticated());
    house.limit(By::client_ip, 2, "c");
    for (const int status : {401, 401, 429}) {
        another().with("Authorization", "Bearer guess");
        EXPECT_EQ(walk(), status);
    }
    EXPECT_EQ(house.authenticator.asked, 2);
    another().with("Authorization", "Bearer good");
    EXPECT_EQ(walk(), 429);  // a hit would look like a miss
}

TEST_F(StandardPipeline, DrainsNobodysShareWithRequestsThatAreRefused) {
    house.protect(Access::role("admin"));
    house.limit(By::principal, 1, "p");
    for (int i = 0; i < 3; ++i) {
        another();
        EXPECT_EQ(walk(), 401);
        another().with("Authorization", "Bearer good");
        EXPECT_EQ(walk(), 403);
    }
    house.protect(Access::role("manager"));
    for (const int status : {0, 429}) {
        another().with("Authorization", "Bearer good");
        EXPECT_EQ(walk(), status);
    }
}

TEST_F(StandardPipeline, CountsPreflightsByAddressAndWantsNoCredentialsForThem) {
    house.protect(Access::authenticated());
    allow_page();
    house.limit(By::client_ip, 2, "c");
    for (const int status : {204, 204, 429}) {
        another("OPTIONS", "/").with("Origin", "https://app.example");
        house.client.with("Access-Control-Request-Method", "GET");
        EXPECT_EQ(walk(), status);
    }
    EXPECT_EQ(house.authenticator.asked, 0);
}

TEST_F(StandardPipeline, LetsAPageReadThatItAskedTooOften) {
    allow_page();
    house.limit(By::client_ip, 1, "c");
    for (const int status : {0, 429}) {
        another().with("Origin", "https://app.example");
        EXPECT_EQ(walk(), status);
        EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), "https://app.example");
        EXPECT_TRUE(house.answered("Access-Control-Expose-Headers").contains("Retry-After"));
    }
    EXPECT_FALSE(house.answered("Retry-After").empty());
    EXPECT_FALSE(house.answered("RateLimit").empty());
    another().with("Origin", "https://evil.example");
    EXPECT_EQ(walk(), 429);
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), "");
}

TEST_F(StandardPipeline, TellsStrangersNothingOfTheSizeItTakes) {
    house.protect(Access::authenticated());
    house.route().config.request_body_max = 1;
    another("POST", "/").send({"too much"});
    EXPECT_EQ(walk(), 401);
    another("POST", "/").send({"too much"}).with("Authorization", "Bearer good");
    EXPECT_EQ(walk(), 413);
}

TEST_F(StandardPipeline, TellsAnotherHostNothingOfItsRoutesAndRedirectsNobodyThere) {
    house.client.head.authority = "evil.example";
    for (const auto target : {"/", "/%zz", "/nowhere"}) {
        another("GET", target);
        EXPECT_EQ(walk(), 421);
    }
    house.listener().redirect_port = 443;
    another();
    EXPECT_EQ(walk(), 421);
    EXPECT_EQ(house.answered("Location"), "");
    house.client.head.authority = "h.example";
    another("GET", "/%zz");
    EXPECT_EQ(walk(), 301);  // nothing of it is judged on a connection that anyone can read
}

TEST_F(StandardPipeline, LimitsTheClientBehindATrustedProxyAndNotTheProxy) {
    house.trust("192.0.2.1");
    house.limit(By::client_ip, 1, "c");
    for (const auto client : {"198.51.100.1", "198.51.100.2"}) {
        for (const int status : {0, 429}) {
            another().with("X-Forwarded-For", client);
            EXPECT_EQ(walk(), status);
            EXPECT_EQ(house.exchange.client_ip, client);
        }
    }
    // What is refused before any route is looked for is logged with the client, too.
    another().with("X-Forwarded-For", "198.51.100.9");
    house.client.broken = {431, "http.head_too_large"};
    EXPECT_EQ(walk(), 431);
    EXPECT_EQ(house.exchange.client_ip, "198.51.100.9");
}

}  // namespace
}  // namespace gh::gateway

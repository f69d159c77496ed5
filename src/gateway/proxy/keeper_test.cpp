#include "gateway/proxy/keeper.hpp"

#include "gateway/proxy/testing.hpp"
#include "net/listener.hpp"

namespace gh::gateway::proxy {
namespace {

struct KeeperTest : ::testing::Test {
    FakeHouse house;
    net::Resolver resolver;

    /// Runs the loop until it holds, at most for five seconds.
    template <class Holds>
    void until(Holds holds) {
        const auto wait = [](net::Loop& loop, Holds& condition) -> Task<> {
            const auto end = loop.now() + seconds(5);
            while (!condition() && loop.now() < end) co_await net::Sleep(loop, milliseconds(2));
        };
        run(house, wait(house.worker.loop, holds));
        EXPECT_TRUE(holds());
    }
    void retire(Upstream& upstream, milliseconds tasks_end_within) {
        upstream.retire();
        const auto wait = [](net::Loop& loop, milliseconds time) -> Task<> {
            co_await net::Sleep(loop, time);
        };
        run(house, wait(house.worker.loop, tasks_end_within));
    }
};

TEST_F(KeeperTest, FindsTheAddressesOfANameAndLeavesLiteralsAlone) {
    UpstreamConfig config;
    config.resolve_interval = milliseconds(20);
    config.endpoints = {{.host = "localhost", .port = 81}, {.host = "127.0.0.1", .port = 82}};
    FakeUpstream fake(house, config);
    auto& targets = fake.upstream->targets();
    EXPECT_FALSE(targets[0]->address());
    EXPECT_EQ(targets[1]->address()->text(), "127.0.0.1:82");
    keep_upstream(fake.upstream, house.worker.loop, resolver, house.log);
    until([&] { return targets[0]->address().has_value(); });
    EXPECT_EQ(targets[0]->address()->port(), 81);
    EXPECT_TRUE(targets[0]->address()->is_loopback());
    retire(*fake.upstream, milliseconds(60));
}

TEST_F(KeeperTest, TakesAnEndpointOutThatFailsItsChecksAndBringsItBack) {
    const auto fd = net::open_listening_socket(net::Address::parse("127.0.0.1", 0).value());
    ASSERT_TRUE(fd);
    bool well = true;
    net::Listener listener(house.worker.loop, *fd, [&](int accepted, const net::Address&) {
        const std::string_view answer = well ? "HTTP/1.1 204 No Content\r\n\r\n"
                                             : "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n";
        const UniqueFd client(accepted);
        say(client, answer);
        ::shutdown(client.get(), SHUT_WR);
    });
    UpstreamConfig config;
    config.endpoints = {{.host = "127.0.0.1", .port = listener.address().port()}};
    config.health_check.emplace();
    config.health_check->path = "/health";
    config.health_check->interval = milliseconds(10);
    config.health_check->timeout = milliseconds(500);
    config.health_check->unhealthy_after = 2;
    config.health_check->healthy_after = 2;
    FakeUpstream fake(house, config);
    auto& balancer = fake.upstream->balancer();
    const auto healthy = [&] { return balancer.healthy_count(house.worker.loop.now()); };
    keep_upstream(fake.upstream, house.worker.loop, resolver, house.log);
    EXPECT_EQ(healthy(), 1U);
    well = false;
    until([&] { return healthy() == 0; });
    well = true;
    until([&] { return healthy() == 1; });
    retire(*fake.upstream, milliseconds(60));
    listener.close();
    house.worker.loop.stop();
    house.worker.loop.run();
}

TEST_F(KeeperTest, ClosesKeptConnectionsOnceTheUpstreamIsRetired) {
    FakeUpstream fake(house);
    UniqueFd far;
    fake.pool().put(fake.connection(far), house.worker.loop.now());
    keep_pool(fake.upstream, house.worker.index, house.worker.loop);
    EXPECT_EQ(fake.pool().idle(), 1U);
    fake.upstream->retire();
    until([&] { return fake.pool().idle() == 0; });
    EXPECT_EQ(fake.upstream->connections().open(), 0U);
}

}  // namespace
}  // namespace gh::gateway::proxy

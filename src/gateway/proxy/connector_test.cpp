#include "gateway/proxy/connector.hpp"

#include "gateway/proxy/testing.hpp"
#include "net/listener.hpp"

namespace gh::gateway::proxy {
namespace {

UpstreamConfig one_connection() {
    UpstreamConfig config;
    config.connections_max = 1;
    return config;
}

struct ConnectorTest : ::testing::Test {
    FakeHouse house;

    void begin(milliseconds patience = milliseconds(200)) {
        house.route().timeouts.connect = patience;
        house.begin();
    }
    [[nodiscard]] Connected connect_now(FakeUpstream& upstream, bool fresh = false) {
        Connected result = std::unexpected(ConnectFailure::refused);
        run(house, connecting(upstream, fresh, result));
        return result;
    }
    Task<> connecting(FakeUpstream& upstream, bool fresh, Connected& result) {
        auto& target = *upstream.upstream->targets().front();
        result = co_await connect(house.exchange, *upstream.upstream, target, fresh);
    }
    /// A place to dial, and the upstream that dials it.
    [[nodiscard]] UniqueFd listen(UpstreamConfig& config) {
        const auto fd = net::open_listening_socket(net::Address::parse("127.0.0.1", 0).value());
        EXPECT_TRUE(fd);
        UniqueFd listening(*fd);
        config.endpoints = {{.host = "127.0.0.1", .port = net::local_address(*fd).port()}};
        return listening;
    }
};

/// Closing it gives somebody else the moment to take the place it had.
class StreamWithAThief final : public net::Stream {
 public:
    StreamWithAThief(balance::ConnectionAllowance& from, balance::ConnectionAllowance::Place& loot)
        : from_(from), loot_(loot) {}
    ~StreamWithAThief() override { loot_ = from_.take(); }
    [[nodiscard]] net::Io read(std::span<char>) override { return {}; }
    [[nodiscard]] bool has_input() const override { return false; }
    [[nodiscard]] net::IoState write(std::string_view, std::string_view) override {
        return net::IoState::done;
    }
    [[nodiscard]] net::IoState flush() override { return net::IoState::done; }
    [[nodiscard]] bool pending() const override { return false; }
    void notify(net::Wakeup*) override {}
    [[nodiscard]] bool peer_closed() const override { return false; }
    void finish_writing() override {}
    void reset_on_close() override {}

 private:
    balance::ConnectionAllowance& from_;
    balance::ConnectionAllowance::Place& loot_;
};

TEST_F(ConnectorTest, KeepsWaitingWhenAnotherTakesThePlaceItHadFreed) {
    auto config = one_connection();
    const auto listening = listen(config);
    FakeUpstream upstream(house, config);
    auto& allowance = upstream.upstream->connections();
    balance::ConnectionAllowance::Place stolen;
    auto idle = std::make_unique<Connection>();
    idle->stream = std::make_unique<StreamWithAThief>(allowance, stolen);
    idle->target = nullptr;  // another endpoint's: of no use but for its place
    idle->place = allowance.take();
    upstream.pool().put(std::move(idle), house.worker.loop.now());
    begin(seconds(5));
    const auto give_back_later = [](net::Loop& loop,
                                    balance::ConnectionAllowance::Place& place) -> Task<> {
        co_await net::Sleep(loop, milliseconds(40));
        EXPECT_TRUE(place) << "the place was free when the thief looked";
        {
            const auto returned = std::move(place);
        }
    };
    spawn(give_back_later(house.worker.loop, stolen));
    const auto connected = connect_now(upstream);
    EXPECT_TRUE(connected.has_value()) << "answered 503 although there was time";
    EXPECT_EQ(upstream.upstream->pending.load(), 0U);
    EXPECT_TRUE(upstream.pool().waiting.empty());
}

TEST_F(ConnectorTest, GivesUpWaitingAtItsDeadlineOrWhenTheClientLeaves) {
    for (const bool leaves : {false, true}) {
        FakeHouse own;
        FakeUpstream upstream(own, one_connection());
        UniqueFd far;
        const auto taken = upstream.connection(far);
        own.route().timeouts.connect = leaves ? milliseconds(60'000) : milliseconds(50);
        own.begin();
        Connected result = std::unexpected(ConnectFailure::refused);
        const auto waits = [](FakeHouse& h, FakeUpstream& u, Connected& r) -> Task<> {
            r = co_await connect(h.exchange, *u.upstream, *u.upstream->targets().front(), false);
        };
        own.client.left = leaves;
        run(own, waits(own, upstream, result));
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error(), leaves ? ConnectFailure::client_gone : ConnectFailure::exhausted);
        EXPECT_EQ(upstream.upstream->pending.load(), 0U);
        EXPECT_TRUE(upstream.pool().waiting.empty());
    }
}

TEST_F(ConnectorTest, TurnsAwayAtOnceWhoFindsTheQueueFull) {
    auto config = one_connection();
    config.pending_max = 1;
    FakeUpstream upstream(house, config);
    UniqueFd far;
    const auto taken = upstream.connection(far);
    upstream.upstream->pending = 1;
    begin(seconds(60));
    const auto connected = connect_now(upstream);
    EXPECT_EQ(connected.has_value() ? ConnectFailure::refused : connected.error(),
              ConnectFailure::exhausted);
    EXPECT_EQ(upstream.upstream->pending.load(), 1U);
}

TEST_F(ConnectorTest, UsesAKeptConnectionUnlessItHasGoneStale) {
    UpstreamConfig config;
    const auto listening = listen(config);
    FakeUpstream upstream(house, config);
    enum class Kept : std::uint8_t { idle, spoke, closed, unwanted };
    for (const auto kind : {Kept::idle, Kept::spoke, Kept::closed, Kept::unwanted}) {
        SCOPED_TRACE(static_cast<int>(kind));
        UniqueFd far;
        auto kept = upstream.connection(far);
        kept->requests = 7;
        upstream.pool().put(std::move(kept), house.worker.loop.now());
        if (kind == Kept::spoke) say(far, "HTTP/1.1 408 Request Timeout\r\n\r\n");
        if (kind == Kept::closed) {
            const auto gone = std::move(far);
        }
        house.worker.loop.stop();
        house.worker.loop.run();  // the loop hears of it
        begin();
        const auto connected = connect_now(upstream, kind == Kept::unwanted);
        ASSERT_TRUE(connected.has_value());
        EXPECT_EQ((*connected)->requests == 7, kind == Kept::idle);
        upstream.pool().clear();
    }
}

TEST_F(ConnectorTest, ReportsARefusedConnectionToTheEndpointsHealth) {
    UpstreamConfig config;
    {
        const auto closed_at_once = listen(config);
    }
    FakeUpstream upstream(house, config);
    begin();
    const auto connected = connect_now(upstream);
    EXPECT_EQ(connected.has_value() ? ConnectFailure::timeout : connected.error(),
              ConnectFailure::refused);
    EXPECT_EQ(upstream.upstream->connections().open(), 0U) << "its place is free again";
}

TEST_F(ConnectorTest, GivesARefusalWhereTheNameIsNotResolvedYet) {
    UpstreamConfig config;
    config.endpoints = {{.host = "not.resolved.yet", .port = 80}};
    FakeUpstream upstream(house, config);
    begin();
    const auto connected = connect_now(upstream);
    EXPECT_EQ(connected.has_value() ? ConnectFailure::timeout : connected.error(),
              ConnectFailure::refused);
}

TEST_F(ConnectorTest, LetsAWaitingRequestHaveThePlaceOfAReturnedConnection) {
    FakeUpstream upstream(house, one_connection());
    UniqueFd far;
    auto busy = upstream.connection(far);
    begin();
    net::Wakeup waiting(house.worker.loop);
    upstream.pool().waiting.push_back(&waiting);
    give_back(house.worker, *upstream.upstream, std::move(busy), true);
    EXPECT_EQ(upstream.pool().idle(), 0U);
    EXPECT_EQ(upstream.upstream->connections().open(), 0U);
    upstream.pool().waiting.clear();

    auto again = upstream.connection(far);
    give_back(house.worker, *upstream.upstream, std::move(again), true);
    EXPECT_EQ(upstream.pool().idle(), 1U) << "nobody waits: kept";
    upstream.pool().clear();
    auto retired = upstream.connection(far);
    upstream.upstream->retire();
    give_back(house.worker, *upstream.upstream, std::move(retired), true);
    EXPECT_EQ(upstream.pool().idle(), 0U);
}

TEST_F(ConnectorTest, SweepsWhatIsIdleForLongOrClosed) {
    FakeUpstream upstream(house);
    UniqueFd far, other;
    const auto now = house.worker.loop.now();
    upstream.pool().put(upstream.connection(far), now);
    upstream.pool().put(upstream.connection(other), now + seconds(30));
    upstream.pool().sweep(now + seconds(59), seconds(60));
    EXPECT_EQ(upstream.pool().idle(), 2U);
    upstream.pool().sweep(now + seconds(60), seconds(60));
    EXPECT_EQ(upstream.pool().idle(), 1U);
    {
        const auto gone = std::move(other);
    }
    house.worker.loop.stop();
    house.worker.loop.run();
    upstream.pool().sweep(now + seconds(60), seconds(60));
    EXPECT_EQ(upstream.pool().idle(), 0U);
    EXPECT_FALSE(upstream.pool().drop_one());
}

TEST_F(ConnectorTest, DialsNoLongerForWhoWasRevoked) {
    auto config = one_connection();
    const auto listening = listen(config);
    FakeUpstream upstream(house, config);
    const auto only = upstream.upstream->connections().take();
    begin(seconds(60));
    const auto revoke_later = [](FakeHouse& in) -> Task<> {
        co_await net::Sleep(in.worker.loop, milliseconds(10));
        in.exchange.revoke();
    };
    spawn(revoke_later(house));
    const auto result = connect_now(upstream);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), ConnectFailure::client_gone);  // nobody's fault
}

}  // namespace
}  // namespace gh::gateway::proxy

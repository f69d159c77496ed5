#include "gateway/server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include "gateway/standard_pipeline.hpp"
#include "gateway/testing.hpp"
#include "net/socket_stream.hpp"

namespace gh::gateway {
namespace {

/// A server on the house's worker, and clients that speak to it over real sockets.
struct ServerTest : ::testing::Test {
    ServerTest() {
        limits->newcomer_timeout = milliseconds(300);
        house.snapshot->server_limits = limits;
        house.worker.snapshot = house.snapshot;
        house.worker.pipeline = standard_pipeline(house.services, house.authenticator);
        const auto fd = net::open_listening_socket(net::Address::parse("127.0.0.1", 0).value());
        address = net::local_address(*fd);
        server.listen(*fd, "public");
    }
    ~ServerTest() override {
        server.drain();
        server.cut_off();
        run_until([&] { return server.is_idle(); });
        turn();
    }
    void turn() {
        house.worker.loop.stop();
        house.worker.loop.run();
    }
    template <class Done>
    void run_until(Done done) {
        const auto deadline = std::chrono::steady_clock::now() + seconds(5);
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            turn();
            ::poll(nullptr, 0, 1);
        }
        EXPECT_TRUE(done());
    }
    [[nodiscard]] UniqueFd connect() const {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(fd.get(), address.raw(), address.length()), 0);
        return fd;
    }
    /// What comes until the connection ends.
    [[nodiscard]] std::string hear(const UniqueFd& fd) {
        std::string heard;
        bool ended = false;
        run_until([&] {
            std::array<char, 4096> block;
            const auto n = ::recv(fd.get(), block.data(), block.size(), MSG_DONTWAIT);
            if (n > 0) heard.append(block.data(), static_cast<std::size_t>(n));
            ended = n == 0 || (n < 0 && errno == ECONNRESET);
            return ended;
        });
        return heard;
    }
    static void say(const UniqueFd& fd, std::string_view bytes) {
        EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }

    FakeHouse house;
    std::shared_ptr<http::ServerLimits> limits = std::make_shared<http::ServerLimits>();
    Server server{house.worker};
    net::Address address;
};

constexpr std::string_view request = "GET /nowhere HTTP/1.1\r\nHost: other.example\r\n\r\n";

TEST_F(ServerTest, GivesUpOnASocketTheLoopCannotWatchAndGoesOn) {
    const int unwatchable = ::memfd_create("x", MFD_CLOEXEC);  // epoll takes no files
    ASSERT_GE(unwatchable, 0);
    server.take(unwatchable, net::Address::parse("192.0.2.1", 7).value(), "public");
    EXPECT_EQ(::fcntl(unwatchable, F_GETFD), -1) << "it must be closed";
    EXPECT_EQ(house.services.count.connections_failed.value(), 1U);
    EXPECT_EQ(house.budget.open(), 0U);
    EXPECT_TRUE(server.is_idle());

    const auto client = connect();
    say(client, request);
    server.drain();
    EXPECT_TRUE(hear(client).starts_with("HTTP/1.1 421 "));
}

TEST_F(ServerTest, ServesInADrainWhoHadConnectedBeforeIt) {
    const auto silent = connect();  // in the queue of the kernel, and not heard yet
    const auto slow = connect();
    server.drain();
    run_until([&] { return house.worker.connections_open == 2; });
    for (int i = 0; i < 20; ++i) turn();
    say(slow, request);
    const auto answer = hear(slow);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 421 ")) << answer;
    EXPECT_TRUE(answer.contains("Connection: close")) << answer;
    EXPECT_EQ(hear(silent), "") << "who says nothing is not waited for long";
    run_until([&] { return server.is_idle(); });
}

TEST_F(ServerTest, IsNotIdleWhileAListenerMayStillLetSomebodyIn) {
    EXPECT_TRUE(server.is_idle());
    server.close_listener("public");
    EXPECT_FALSE(server.is_idle());
    run_until([&] { return server.is_idle(); });
    turn();
    UniqueFd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_NE(::connect(late.get(), address.raw(), address.length()), 0);
}

TEST_F(ServerTest, TurnsAwayWhoIsTooManyAndCountsThem) {
    house.budget.set_limits({.connections_max = 1, .connections_per_address_max = 1});
    const auto first = connect();
    run_until([&] { return house.worker.connections_open == 1; });
    const auto second = connect();
    EXPECT_EQ(hear(second), "");
    EXPECT_EQ(house.services.count.connections_refused.value(), 1U);
    EXPECT_EQ(house.worker.connections_open, 1U);
}

}  // namespace
}  // namespace gh::gateway

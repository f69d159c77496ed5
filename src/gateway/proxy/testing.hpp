#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/unique_fd.hpp"
#include "gateway/proxy/upstream.hpp"
#include "gateway/testing.hpp"
#include "net/socket_stream.hpp"

// An upstream without a network: connections whose far end is in the test's hand.

namespace gh::gateway::proxy {

struct FakeUpstream {
    explicit FakeUpstream(FakeHouse& owner, UpstreamConfig config = {}) : house(owner) {
        config.name = "backend";
        if (config.endpoints.empty()) config.endpoints = {{.host = "127.0.0.1", .port = 9}};
        upstream = Upstream::make(config, 2, metrics).value();
        house.route().upstream = upstream;
    }
    /// A connection as if it had been dialled, and its far end.
    [[nodiscard]] std::unique_ptr<Connection> connection(UniqueFd& far) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
                  0);
        far = UniqueFd(fds[1]);
        auto made = std::make_unique<Connection>();
        made->stream = std::make_unique<net::SocketStream>(house.worker.loop, fds[0]);
        made->stream->notify(&house.client.wakeup());
        made->target = upstream->targets().front().get();
        made->place = upstream->connections().take();
        return made;
    }
    [[nodiscard]] Pool& pool() { return upstream->pool(house.worker.index); }

    FakeHouse& house;
    Upstream::Metrics metrics{
        house.registry.counter(
            {.name = "asked_total", .help = "x", .labels = {"upstream", "result"}}),
        house.registry.counter(
            {.name = "dialled_total", .help = "x", .labels = {"upstream", "result"}}),
        house.registry.counter({.name = "opened_total", .help = "x", .labels = {"upstream"}})};
    std::shared_ptr<Upstream> upstream;
};

inline void say(const UniqueFd& far, std::string_view bytes) {
    EXPECT_EQ(::send(far.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
}

[[nodiscard]] inline std::string hear(const UniqueFd& far) {
    std::string heard;
    std::array<char, 64 * 1024> block;
    for (;;) {
        const auto n = ::recv(far.get(), block.data(), block.size(), 0);
        if (n <= 0) return heard;
        heard.append(block.data(), static_cast<std::size_t>(n));
    }
}

/// Runs `task` to its end on the house's loop.
inline void run(FakeHouse& house, Task<> task) {
    const auto wrapped = [](net::Loop& loop, Task<> inner) -> Task<> {
        co_await std::move(inner);
        loop.stop();
    };
    spawn(wrapped(house.worker.loop, std::move(task)));
    house.worker.loop.run();
}

}  // namespace gh::gateway::proxy

#include "net/listener.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "net/stream_test_ends.hpp"

namespace gh::net {
namespace {

Address free_address() { return Address::parse("127.0.0.1", 0).value(); }

/// A connection that is under way or made; what poll says of it within `patience`.
UniqueFd begin_to_connect(const Address& to) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(fd.get(), to.raw(), to.length());
    return fd;
}

short polled(const UniqueFd& fd, short events, int patience_ms) {
    pollfd each{.fd = fd.get(), .events = events, .revents = 0};
    ::poll(&each, 1, patience_ms);
    return each.revents;
}

TEST(Listener, ServesWhoWasQueuedWhenItClosed) {
    Loop loop;
    const auto fd = open_listening_socket(free_address());
    ASSERT_TRUE(fd);
    std::vector<UniqueFd> accepted;
    Listener listener(loop, *fd, [&](int each, const Address&) { accepted.emplace_back(each); });
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 100; ++i) {  // more than it accepts in one turn
        clients.push_back(begin_to_connect(listener.address()));
        EXPECT_EQ(polled(clients.back(), POLLOUT, 1'000), POLLOUT);
    }
    listener.close();
    turn(loop);
    EXPECT_EQ(accepted.size(), clients.size());
    for (const auto& client : clients) EXPECT_EQ(polled(client, POLLOUT, 0), POLLOUT);
}

TEST(Listener, LeavesNewcomersUnansweredBeforeItCloses) {
    Loop loop;
    const auto fd = open_listening_socket(free_address());
    ASSERT_TRUE(fd);
    int accepted = 0;
    Listener listener(loop, *fd, [&](int each, const Address&) {
        ++accepted;
        ::close(each);
    });
    listener.stop_inviting();
    const auto late = begin_to_connect(listener.address());
    EXPECT_EQ(polled(late, POLLOUT, 50), 0) << "neither let in nor reset: it asks again";
    listener.close();
    turn(loop);
    EXPECT_EQ(accepted, 0);
    EXPECT_EQ(polled(late, POLLOUT, 0), 0);
}

TEST(Listener, ResetsNobodyWhoConnectsWhileItCloses) {
    Loop loop;
    const auto fd = open_listening_socket(free_address());
    ASSERT_TRUE(fd);
    std::vector<UniqueFd> accepted;
    Listener listener(loop, *fd, [&](int each, const Address&) { accepted.emplace_back(each); });
    const auto address = listener.address();
    constexpr std::size_t enough = 200, most = 20'000;
    std::atomic<std::size_t> connected = 0;
    std::atomic<bool> closed = false;
    std::vector<UniqueFd> clients;
    std::jthread crowd([&] {
        while (!closed && clients.size() < most) {
            auto client = begin_to_connect(address);
            if (polled(client, POLLOUT, 0) != POLLOUT) continue;  // not let in
            clients.push_back(std::move(client));
            ++connected;
        }
    });
    while (connected < enough) turn(loop);
    listener.stop_inviting();
    listener.close();
    turn(loop);
    closed = true;
    crowd.join();
    EXPECT_GE(accepted.size(), clients.size());
    for (const auto& client : clients) {
        EXPECT_EQ(polled(client, POLLOUT, 0) & (POLLERR | POLLHUP), 0);
    }
}

TEST(Listener, RefusesAnAddressThatIsTakenOrNotOurs) {
    const auto fd = open_listening_socket(free_address());
    ASSERT_TRUE(fd);
    const UniqueFd held(*fd);
    const auto taken = local_address(held.get());
    const auto second = open_listening_socket(taken);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, "net.bind");
    EXPECT_TRUE(second.error().detail.contains(taken.text())) << second.error().detail;
    const auto shared = open_listening_socket(taken, false);  // as another worker's
    EXPECT_TRUE(shared);
    if (shared) ::close(*shared);
    const auto foreign = open_listening_socket(Address::parse("192.0.2.1", 0).value());
    EXPECT_EQ(foreign ? "" : foreign.error().reason, "net.bind");
}

}  // namespace
}  // namespace gh::net

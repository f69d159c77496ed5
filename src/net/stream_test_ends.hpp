#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "net/loop.hpp"

/// For tests of streams: one end is ours, the other a bare socket that does as the test says.
namespace gh::net {

/// Lets the loop hear what has happened to its descriptors, once.
inline void turn(Loop& loop) {
    loop.stop();
    loop.run();
}

struct SocketEnds {
    UniqueFd ours, peer;

    /// @param buffer_bytes  of what either may send ahead; 0: the system's
    explicit SocketEnds(int buffer_bytes = 0) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
                  0);
        ours = UniqueFd(fds[0]);
        peer = UniqueFd(fds[1]);
        for (const int fd : fds) {
            if (buffer_bytes > 0)
                ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
        }
    }
    void say(std::string_view bytes) const {
        EXPECT_EQ(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// What has arrived at the peer.
    [[nodiscard]] std::string hear() const {
        std::string heard;
        std::array<char, 64 * 1024> block;
        for (;;) {
            const auto n = ::recv(peer.get(), block.data(), block.size(), 0);
            if (n <= 0) return heard;
            heard.append(block.data(), static_cast<std::size_t>(n));
        }
    }
};

}  // namespace gh::net

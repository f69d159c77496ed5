#include "net/socket_stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace gh::net {

Io SocketStream::read(std::span<char> into) {
    if (!descriptor_.readable) return {};
    for (;;) {
        const auto n = ::recv(descriptor_.fd(), into.data(), into.size(), 0);
        if (n > 0) {
            const auto bytes = static_cast<std::size_t>(n);
            // A short count emptied the socket: the next edge tells of more. After a hang-up no edge follows.
            if (bytes < into.size() && !descriptor_.hangup) descriptor_.readable = false;
            return {IoState::done, bytes};
        }
        if (n == 0) return {IoState::ended};
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return {IoState::failed};
        descriptor_.readable = false;
        return {};
    }
}

IoState SocketStream::write(std::string_view first, std::string_view second) {
    std::size_t sent = 0;
    const std::size_t total = first.size() + second.size();
    while (descriptor_.writable && sent < total) {
        std::array<iovec, 2> pieces{};
        std::size_t count = 0;
        if (sent < first.size()) {
            pieces[count++] = {const_cast<char*>(first.data()) + sent, first.size() - sent};
        }
        const std::size_t skipped = sent > first.size() ? sent - first.size() : 0;
        if (second.size() > skipped) {
            pieces[count++] = {const_cast<char*>(second.data()) + skipped, second.size() - skipped};
        }
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = count;
        const auto n = ::sendmsg(descriptor_.fd(), &message, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += static_cast<std::size_t>(n);
            if (sent < total) descriptor_.writable = false;
        } else if (errno == EAGAIN) {
            descriptor_.writable = false;
        } else if (errno != EINTR) {
            return IoState::failed;
        }
    }
    if (sent == total) return IoState::done;
    if (sent < first.size()) unsent_.keep(first.substr(sent));
    unsent_.keep(second.substr(sent > first.size() ? sent - first.size() : 0));
    return IoState::blocked;
}

void SocketStream::finish_writing() { ::shutdown(descriptor_.fd(), SHUT_WR); }

}  // namespace gh::net

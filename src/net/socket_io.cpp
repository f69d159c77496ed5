#include "net/socket_io.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace gh::net {

bool send_some(Descriptor& socket, std::string_view bytes, std::size_t& sent) {
    while (sent < bytes.size() && socket.writable) {
        const auto n = ::send(socket.fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += static_cast<std::size_t>(n);
            if (sent < bytes.size()) socket.writable = false;
        } else if (errno == EAGAIN) {
            socket.writable = false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void reset_on_close(const Descriptor& socket) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

IoState Unsent::flush(Descriptor& socket) {
    if (!send_some(socket, bytes_, sent_)) return IoState::failed;
    if (sent_ < bytes_.size()) return IoState::blocked;
    if (bytes_.capacity() > 0) std::string().swap(bytes_);
    sent_ = 0;
    return IoState::done;
}

}  // namespace gh::net

#include "net/dialer.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace gh::net {

Result<Dial> Dial::start(Loop& loop, const Address& address, Wakeup& wakeup) {
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail_errno(ErrorKind::unavailable, "net.connect", address.text(), errno);
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd, address.raw(), address.length()) != 0 && errno != EINPROGRESS) {
        const int reason = errno;
        ::close(fd);
        return fail_errno(ErrorKind::unavailable, "net.connect", address.text(), reason);
    }
    auto stream = std::make_unique<SocketStream>(loop, fd);
    stream->notify(&wakeup);
    return Dial(std::move(stream));
}

IoState Dial::state() {
    auto& descriptor = stream_->descriptor();
    if (!descriptor.writable && !descriptor.error && !descriptor.hangup) return IoState::blocked;
    if (error_ == 0) {  // reading it clears it
        socklen_t length = sizeof error_;
        ::getsockopt(descriptor.fd(), SOL_SOCKET, SO_ERROR, &error_, &length);
    }
    return error_ == 0 ? IoState::done : IoState::failed;
}

}  // namespace gh::net

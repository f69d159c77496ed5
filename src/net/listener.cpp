#include "net/listener.hpp"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <iterator>

namespace gh::net {
namespace {

constexpr int backlog = 4096;
constexpr int accepted_per_turn_max = 64;
constexpr std::chrono::milliseconds exhausted_pause{50};

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

struct Listener::State {
    Descriptor descriptor;
    Wakeup wakeup;
    Accepted accepted;
    bool closed = false;
    State(Loop& loop, int fd, Accepted call)
        : descriptor(loop, fd), wakeup(loop), accepted(std::move(call)) {
        descriptor.notify(&wakeup);
    }
};

Result<int> open_listening_socket(const Address& address, bool first) {
    if (first && address.port() != 0) {
        const int probe = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        set(probe, SOL_SOCKET, SO_REUSEADDR, 1);
        if (address.family() == AF_INET6) set(probe, IPPROTO_IPV6, IPV6_V6ONLY, 0);
        const bool free =
            ::bind(probe, address.raw(), address.length()) == 0 && ::listen(probe, 1) == 0;
        const int reason = errno;
        ::close(probe);
        if (!free) return fail_errno(ErrorKind::unavailable, "net.bind", address.text(), reason);
    }
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail_errno(ErrorKind::unavailable, "net.bind", address.text(), errno);
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.family() == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // inherited by what is accepted
    if (::bind(fd, address.raw(), address.length()) != 0 || ::listen(fd, backlog) != 0) {
        const int reason = errno;
        ::close(fd);
        return fail_errno(ErrorKind::unavailable, "net.bind", address.text(), reason);
    }
    return fd;
}

Address local_address(int fd) {
    sockaddr_storage raw{};
    socklen_t length = sizeof raw;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &length);
    return Address(raw);
}

Listener::Listener(Loop& loop, int fd, Accepted accepted)
    : loop_(loop),
      address_(local_address(fd)),
      state_(std::make_shared<State>(loop, fd, std::move(accepted))) {
    spawn(run(state_));
}

Listener::~Listener() { close(); }

void Listener::stop_inviting() {
    // On a TCP socket a filter sees each segment from its header on (socket(7), SO_ATTACH_FILTER); what it answers is how
    // much to keep. Octet 13 holds the flags (RFC 9293 §3.1).
    constexpr std::uint32_t flags_at = 13, syn = 0x02, ack = 0x10;
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn | ack),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    // Where the system refuses, it is as it was.
    ::setsockopt(state_->descriptor.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void Listener::close() {
    if (!state_) return;
    while (accept_ready(*state_)) {
    }
    state_->closed = true;
    state_->wakeup.wake();
    state_.reset();
}

/// @return true when there may be more to accept
bool Listener::accept_ready(State& state) {
    for (int i = 0; i < accepted_per_turn_max; ++i) {
        sockaddr_storage raw{};
        socklen_t length = sizeof raw;
        const int fd = ::accept4(state.descriptor.fd(), reinterpret_cast<sockaddr*>(&raw), &length,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            state.accepted(fd, Address(raw));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // No edge will tell when descriptors are free again: look again soon.
            state.wakeup.expire_at(state.wakeup.loop().now() + exhausted_pause);
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return false;
        }
    }
    return true;
}

Task<> Listener::run(std::shared_ptr<State> state) {
    while (!state->closed) {
        state->wakeup.never_expire();
        if (accept_ready(*state)) {
            state->wakeup.wake();  // the loop breathes in between
        }
        co_await state->wakeup.wait();
    }
}

}  // namespace gh::net

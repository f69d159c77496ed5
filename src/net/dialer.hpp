#pragma once

#include <memory>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/socket_stream.hpp"

namespace gh::net {

/// A TCP connection on its way. The caller waits on the wakeup it names and asks again.
class Dial {
 public:
    /// Starts connecting. `wakeup` is woken when there is an answer.
    /// @return `unavailable` "net.connect" when the system refuses at once
    [[nodiscard]] static Result<Dial> start(Loop& loop, const Address& address, Wakeup& wakeup);

    /// @return done: stream() may be taken; blocked; failed: error() says why
    [[nodiscard]] IoState state();
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] std::unique_ptr<SocketStream> take() { return std::move(stream_); }

 private:
    explicit Dial(std::unique_ptr<SocketStream> stream) : stream_(std::move(stream)) {}
    std::unique_ptr<SocketStream> stream_;
    int error_ = 0;
};

}  // namespace gh::net

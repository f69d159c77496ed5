#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "net/loop.hpp"

namespace gh::api {

/// Who waits for an answer, for handlers that take their time. Belongs to the loop of the request.
class Client {
 public:
    virtual ~Client() = default;
    /// Does nobody want the answer any more? The client has left, its credential has ended, or the house is about to stop.
    [[nodiscard]] virtual bool gone() const = 0;
    /// Is woken when gone() changes; a handler may have it woken by something else as well (net::Doorbell).
    [[nodiscard]] virtual net::Wakeup& wakeup() = 0;
    /// Until `deadline` at most: returns when woken, and whoever waits looks for itself at what has changed.
    [[nodiscard]] virtual net::Wakeup::Awaiter wait(SteadyTime deadline) = 0;
};

/// The body of an answer that is told as it comes.
class Stream : public Client {
 public:
    /// Sends octets, and waits as long as the client is behind with reading.
    /// @return false: there is no use in going on, for it is gone() or too slow
    [[nodiscard]] virtual Task<bool> write(std::string_view octets) = 0;
};

/// Messages of text, both ways, once the connection has become a WebSocket (RFC 6455). write() sends one message.
class Talk : public Stream {
 public:
    /// The next message that the client has sent; nothing: none is there yet, so wait(). What is not asked for is not read.
    [[nodiscard]] virtual std::optional<std::string> heard() = 0;
};

}  // namespace gh::api

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace gh::net {

/// Opens a listening socket with SO_REUSEPORT, so that every worker has its own. IPv6 sockets are dual-stack.
/// @param first  of this process on this address: another process that listens there is then an error, where the option
///               alone would have the two share connections unnoticed
/// @return the descriptor, or `unavailable` "net.bind" with the address in the detail
[[nodiscard]] Result<int> open_listening_socket(const Address& address, bool first = true);

/// The address a bound socket really has: with port 0 the system picked one.
[[nodiscard]] Address local_address(int fd);

/// Accepts on one loop and hands each connection over. Accepting stops when it is destroyed or close() is called.
class Listener {
 public:
    /// Called for each accepted, non-blocking descriptor; takes it.
    using Accepted = std::function<void(int fd, const Address& peer)>;

    Listener(Loop& loop, int fd, Accepted accepted);
    ~Listener();
    /// From now on the kernel leaves a first SYN unanswered: the client asks again within a second, and finds whoever
    /// listens then, or nobody. Connections on their way are still accepted. What close() finds afterwards is final: without
    /// this, a connection may enter the queue between its last look and the close, and be reset.
    void stop_inviting();
    /// Accepts what the kernel has queued, then closes: a connection that was promised is served.
    void close();

    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] Loop& loop() const { return loop_; }

 private:
    struct State;
    static Task<> run(std::shared_ptr<State> state);
    static bool accept_ready(State& state);
    Loop& loop_;
    Address address_;
    std::shared_ptr<State> state_;
};

}  // namespace gh::net

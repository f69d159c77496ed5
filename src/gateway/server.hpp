#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "access/connection_budget.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"
#include "gateway/gateway.hpp"
#include "gateway/worker.hpp"
#include "net/listener.hpp"
#include "net/tls_stream.hpp"

namespace gh::gateway {

/// One worker's open connections, from accept to close.
class Server {
 public:
    explicit Server(Worker& worker) : worker_(worker), gateway_(worker) {}
    ~Server();

    /// Listens on `fd` for the listener of this name; a reload may give it another plan, or none.
    void listen(int fd, std::string listener_name);
    /// Stops accepting there, once those that are connecting have; what is open stays.
    void close_listener(const std::string& listener_name);
    /// Serves a connection that somebody accepted; takes `fd`. One that cannot be served is closed and counted, and the
    /// others go on.
    void take(int fd, const net::Address& peer, const std::string& listener_name) noexcept;

    /// No new connections; idle ones end, requests under way are the last on theirs. Who has just come still gets one.
    void drain();
    /// Ends what is left.
    void cut_off();
    [[nodiscard]] bool is_idle() const { return first_ == nullptr && closing_ == 0; }

 private:
    struct Open;  // a connection in the list of all
    struct Listening {
        std::string name;
        std::unique_ptr<net::Listener> listener;
    };

    Task<> close(std::unique_ptr<net::Listener> listener);
    Task<> guard(UniqueFd socket, net::Address peer, std::string listener,
                 access::ConnectionBudget::Token token);
    Task<> serve(UniqueFd socket, net::Address peer, std::string listener);
    Task<bool> shake_hands(Open& open, net::TlsStream& stream, const http::ConnectionFacts& facts);
    Task<> speak(Open& open, net::Stream& stream, http::ConnectionFacts& facts, bool h2);

    Worker& worker_;
    Gateway gateway_;
    std::vector<Listening> listening_;
    std::size_t closing_ = 0;  // listeners that let in who is on the way
    Open* first_ = nullptr;
};

}  // namespace gh::gateway

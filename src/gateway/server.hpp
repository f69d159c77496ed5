#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "access/connection_budget.hpp"
#include "base/task.hpp"
#include "gateway/gateway.hpp"
#include "gateway/worker.hpp"
#include "net/listener.hpp"

namespace gh::gateway {

/// One worker's open connections, from accept to close.
class Server {
 public:
    explicit Server(Worker& worker) : worker_(worker), gateway_(worker) {}
    ~Server();

    /// Listens on `fd` for the listener of this name; a reload may give it another plan, or none.
    void listen(int fd, std::string listener_name);
    /// Stops accepting there; what is open stays.
    void close_listener(const std::string& listener_name);

    /// No new connections; idle ones end, requests under way are the last on theirs.
    void drain();
    /// Ends what is left.
    void cut_off();
    [[nodiscard]] bool is_idle() const { return first_ == nullptr; }

 private:
    struct Open;  // a connection in the list of all
    struct Listening {
        std::string name;
        std::unique_ptr<net::Listener> listener;
    };

    void accepted(int fd, const net::Address& peer, const std::string& listener_name);
    Task<> serve(int fd, net::Address peer, std::string listener,
                 access::ConnectionBudget::Token token);
    Task<> speak(Open& open, net::Stream& stream, http::ConnectionFacts& facts, bool h2);

    Worker& worker_;
    Gateway gateway_;
    std::vector<Listening> listening_;
    Open* first_ = nullptr;
};

}  // namespace gh::gateway

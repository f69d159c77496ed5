#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "cpu_time.hpp"
#include "tally.hpp"
#include "wire.hpp"

namespace gh::bench {

/// What to send, how much of it, and whose CPU time to read meanwhile.
struct Plan {
    std::uint16_t port = 0;
    bool tls = false;
    bool http2 = false;
    unsigned connections = 32;
    unsigned streams = 1;       ///< requests in flight on a connection; above 1 for HTTP/2 only
    int sources = 1;            ///< clients come from 127.0.0.1 to 127.0.0.`sources`
    double warm_seconds = 0.2;  ///< before the window
    double seconds = 0.7;       ///< the window
    double rate = 0;            ///< arrivals a second; 0: each answer makes the next request
    bool skip_late = false;  ///< with a rate: an arrival that finds no free connection is left out
    std::string path = "/small";
    std::vector<std::string> tokens;  ///< taken in turn
    std::vector<int> pids;
};

struct Report {
    double seconds = 0;
    CpuTime server;
    std::int64_t client_cpu_ns = 0;
};

/// Drives all connections of a plan from one thread.
class Load {
 public:
    /// @param tally  judges and counts; outlives this
    Load(Plan plan, Tally& tally);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Opens every connection. @return false when one cannot be opened
    [[nodiscard]] bool open();
    /// Warms up, then measures.
    [[nodiscard]] Report run();
    /// One request on each connection, then nothing more. @return how many were answered in time
    [[nodiscard]] unsigned answer_each_once();
    /// Of connections that nobody uses: how many the server has kept open.
    [[nodiscard]] unsigned still_open();

 private:
    struct Connection {
        Wire wire;
        std::unique_ptr<Client> client;
        int source = 1;
        bool wants_write = false;
    };

    [[nodiscard]] bool open(Connection& connection);
    void reopen(Connection& connection);
    void turn(std::int64_t until_ns);
    void serve(Connection& connection);
    [[nodiscard]] bool take(Connection& connection);
    void send(Connection& connection);
    void watch(Connection& connection, bool for_write);
    void request(Connection& connection, std::int64_t due_ns);
    void refill(Connection& connection);
    void arrivals(std::int64_t now);
    Connection* free_connection();

    Plan plan_;
    Tally& tally_;
    std::unique_ptr<SSL_CTX, SslFree> context_;
    int poll_ = -1;
    std::vector<Connection> connections_;
    std::vector<char> buffer_;
    std::size_t next_token_ = 0;
    std::size_t next_connection_ = 0;
    bool closed_loop_ = false;
    std::int64_t step_ns_ = 0;
    std::int64_t next_arrival_ns_ = 0;
    unsigned reopened_ = 0;
};

}  // namespace gh::bench

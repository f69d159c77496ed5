#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.hpp"
#include "net/loop.hpp"
#include "storage/observer.hpp"
#include "storage/postgres/exchange.hpp"
#include "storage/postgres/text.hpp"

struct pg_conn;
struct pg_result;

namespace gh::storage::postgres {

struct ConnectionCloser {
    void operator()(pg_conn* connection) const noexcept;
};
using ConnectionHandle = std::unique_ptr<pg_conn, ConnectionCloser>;

/// One connection in pipeline mode, on one loop. What is sent is answered in order, each exchange once, also when the
/// connection ends. Nothing here blocks.
class Connection {
 public:
    /// @param handle    connected
    /// @param patience  how long the server may say nothing while it owes an answer; then the connection is closed
    /// @param watcher   woken when the connection has closed
    Connection(net::Loop& loop, ConnectionHandle handle, milliseconds patience, Observer& observer,
               net::Wakeup& watcher);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Reads and writes until the connection is closed. Started once; `self` keeps it alive meanwhile.
    [[nodiscard]] static Task<> serve(std::shared_ptr<Connection> self);

    void send(Exchange exchange);
    /// The same for a coroutine of this loop.
    [[nodiscard]] Task<Outcome> ask(Exchange exchange);
    /// Fails what is under way; its `done` is called before this returns.
    void close(Failure why);
    /// The same of one that has done nothing wrong: it does not count as broken.
    void end(Failure why);

    [[nodiscard]] bool open() const { return handle_ != nullptr; }
    /// It owes answers.
    [[nodiscard]] bool owes() const { return !under_way_.empty(); }
    [[nodiscard]] SteadyTime heard_at() const { return heard_at_; }
    [[nodiscard]] bool broken() const { return broken_; }

    static constexpr std::size_t prepared_max = 512;  // what comes beyond is parsed anew each time

 private:
    enum class Answer : std::uint8_t { prepared, begun, rows };
    struct Expected {
        Answer kind;
        Statement statement;
    };
    /// An exchange without its parameters, which libpq has copied.
    struct UnderWay {
        std::vector<Expected> expected;
        std::size_t at = 0;
        bool simple = false;
        milliseconds patience;
        SteadyTime since;  // what is observed began then
        Outcome outcome;
        std::move_only_function<void(Outcome)> done;
    };

    [[nodiscard]] bool put(const Step& step, UnderWay& into);
    [[nodiscard]] bool put_script(const std::string& script, UnderWay& into);
    [[nodiscard]] bool receive();
    void take_results();
    void take(pg_result* result);
    void take_rows(pg_result* result, UnderWay& of);
    void take_failure(pg_result* result, UnderWay& of);
    void forget_unprepared(const UnderWay& of);
    void next();
    void finish();
    void flush();
    void set_deadline();
    void look();
    [[nodiscard]] Failure ended() const;

    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    net::Loop& loop_;
    ConnectionHandle handle_;
    const milliseconds patience_;
    Observer& observer_;
    net::Wakeup& watcher_;
    net::Wakeup wakeup_;
    std::unique_ptr<net::BorrowedDescriptor> watch_;
    std::deque<UnderWay> under_way_;
    std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>
        prepared_;  // text of a statement, its name on the server
    ParameterText parameters_;
    SteadyTime heard_at_;
    std::uint64_t names_ = 0;
    bool doomed_ = false;  // the server has said that it ends
    bool broken_ = false;
};

}  // namespace gh::storage::postgres

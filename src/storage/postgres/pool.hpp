#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "base/task.hpp"
#include "net/loop.hpp"
#include "storage/database.hpp"
#include "storage/observer.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/connector.hpp"
#include "telemetry/log.hpp"

namespace gh::storage::postgres {

/// Connections of one loop, lent one at a time, first come first served. It makes `min` of them at once and up to `max` when
/// somebody waits, tries again with growing pauses while the server is away, and lets go of those that broke, grew old or
/// are not wanted.
///
/// Reads of one statement that stand together in line share a connection and a round trip: alone where connections are
/// idle, many where few are. They pass nobody, and the failure of one is no other's.
class Pool {
    struct Kept;

 public:
    /// @param log  may be null
    Pool(net::Loop& loop, Connector connector, const PoolConfig& config, Observer& observer,
         telemetry::Log* log);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// A connection lent to one user; back in the pool when this goes. It may still owe answers that nobody waits for.
    class Lease {
     public:
        Lease(Pool& pool, std::shared_ptr<Kept> kept) : pool_(&pool), kept_(std::move(kept)) {}
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (kept_) pool_->take_back(std::move(kept_));
        }
        [[nodiscard]] Connection& connection() const;

     private:
        Pool* pool_;
        std::shared_ptr<Kept> kept_;
    };

    /// @return `deadline_exceeded` "storage.acquire_timeout"; `unavailable` "storage.connection" when the server has been
    ///         away for longer than a restart takes, "storage.busy" when too many wait or the house closes
    [[nodiscard]] Task<Result<Lease>> borrow(SteadyTime give_up);

    /// A transaction of one statement that only reads.
    struct Read {
        Statement statement;
        Parameters parameters;
        std::move_only_function<void(Result<Rows>)> give;
        SteadyTime give_up;
        unsigned attempts = 0;
    };
    /// Answers with `give`: its rows, or the errors of a session and of borrow().
    void read(Read read);

    /// Starts `task`, which close() waits for.
    void start(Task<> task);

    /// Lends no more, waits for what is lent up to `patience`, closes all, and returns when nothing started runs any more.
    [[nodiscard]] Task<> close(milliseconds patience);

    /// From any thread.
    [[nodiscard]] PoolStatistics statistics() const;

    static constexpr std::size_t waiting_max = 4'096;
    static constexpr std::size_t reads_max = 16;      ///< that share a round trip
    static constexpr unsigned read_attempts_max = 2;  ///< of one whose connection had ended

 private:
    struct Kept {
        std::shared_ptr<Connection> connection;
        SteadyTime idle_since;
        SteadyTime old_at;
        bool used = false;
    };
    using KeptPointer = std::shared_ptr<Kept>;
    struct Waiter {
        explicit Waiter(net::Loop& loop) : wakeup(loop) {}
        net::Wakeup wakeup;
        KeptPointer kept;
        std::optional<Error> error;
    };

    using Place = std::variant<Waiter*, Read>;  // in line

    [[nodiscard]] KeptPointer take_idle();
    void lend(Kept& kept);
    void send_reads(KeptPointer kept);
    void answer_reads(std::vector<Read> reads, Outcome outcome);
    [[nodiscard]] std::size_t reads_in_front(std::size_t most) const;
    void drop_late_reads();
    void take_back(KeptPointer kept);
    void discard(const KeptPointer& kept);
    void serve_line();
    void fail_line(const Error& why);
    [[nodiscard]] bool hopeless() const;
    [[nodiscard]] std::optional<Error> refusal() const;
    [[nodiscard]] Error too_late() const;
    void grow();
    void sweep();
    void publish();
    void note_failure(const Error& error);

    [[nodiscard]] Task<> keep();
    [[nodiscard]] Task<> dispatch();
    [[nodiscard]] Task<> make_one();
    [[nodiscard]] Task<> check(KeptPointer kept);
    [[nodiscard]] Task<> counted(Task<> task);

    net::Loop& loop_;
    Connector connector_;
    const PoolConfig config_;
    Observer& observer_;
    telemetry::Log* log_;

    std::deque<KeptPointer> idle_;  // used last at the back
    std::vector<KeptPointer> all_;
    std::deque<Place> line_;
    std::size_t waiters_ = 0;             // in line, those that are no reads
    std::vector<net::Wakeup*> attempts_;  // connections on their way
    std::size_t checking_ = 0;
    std::size_t tasks_ = 0;
    net::Wakeup keeper_, dispatcher_, closer_;

    milliseconds pause_{0};  // before the next attempt
    SteadyTime try_at_;
    std::optional<SteadyTime> away_since_;
    std::optional<Error> last_failure_;
    bool closing_ = false;

    PoolStatistics counts_;
    mutable std::mutex published_mutex_;
    PoolStatistics published_;  // under it
};

}  // namespace gh::storage::postgres

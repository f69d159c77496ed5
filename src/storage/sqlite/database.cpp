#include "storage/sqlite/database.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/run_inline.hpp"
#include "base/signal_stack.hpp"
#include "net/answer.hpp"
#include "storage/gauges.hpp"
#include "storage/guard.hpp"
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/session.hpp"

namespace gh::storage {
namespace {

constexpr std::size_t readers_max = 4;
constexpr std::size_t group_max = 256;    // transactions that share a commit
constexpr std::size_t queue_max = 4'096;  // more waiting is refused at once

constexpr Statement begin{.name = "transaction.begin", .sql = "BEGIN IMMEDIATE"};
constexpr Statement begin_read{.name = "transaction.begin", .sql = "BEGIN"};
constexpr Statement commit{.name = "transaction.commit", .sql = "COMMIT"};
constexpr Statement rollback{.name = "transaction.rollback", .sql = "ROLLBACK"};
constexpr Statement savepoint{.name = "transaction.savepoint", .sql = "SAVEPOINT one"};
constexpr Statement release{.name = "transaction.release", .sql = "RELEASE one"};
constexpr Statement undo{.name = "transaction.undo", .sql = "ROLLBACK TO one"};

using Give = net::Answer<Result<void>>::Giver;

struct Job {
    Database::Work work;
    Give give;
    SteadyTime give_up;  // it has waited long enough by then
};

/// Where callers stand in line for threads.
class Line {
 public:
    /// False: full, or closed.
    bool push(Job job) {
        {
            const std::scoped_lock lock(mutex_);
            if (closed_ || jobs_.size() >= queue_max) return false;
            jobs_.push_back(std::move(job));
        }
        wake_.notify_one();
        return true;
    }
    /// Waits for one job and takes up to `most`; none when the line is closed and empty.
    [[nodiscard]] std::vector<Job> pop(std::size_t most) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
        std::vector<Job> taken;
        while (!jobs_.empty() && taken.size() < most) {
            taken.push_back(std::move(jobs_.front()));
            jobs_.pop_front();
        }
        return taken;
    }
    void close() {
        {
            const std::scoped_lock lock(mutex_);
            closed_ = true;
        }
        wake_.notify_all();
    }
    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return jobs_.size();
    }

 private:
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> jobs_;
    bool closed_ = false;
};

/// A statement that has no answer.
Result<void> tell(SqliteConnection& connection, const Statement& statement) {
    GH_TRY_VOID(connection.run(statement, {}));
    return {};
}

Result<void> work_on(Job& job, SqliteConnection& connection) {
    SqliteSession session(connection);
    auto outcome = run_inline(guarded(job.work, session));
    if (!outcome) return fail(ErrorKind::internal, "storage.suspended", "work awaited another");
    if (*outcome && session.failure()) return std::unexpected(*session.failure());
    return *std::move(outcome);
}

class SqliteDatabase final : public Database {
 public:
    SqliteDatabase(std::unique_ptr<SqliteConnection> writer,
                   std::vector<std::unique_ptr<SqliteConnection>> readers, const PoolConfig& config,
                   telemetry::Registry& registry)
        : config_(config),
          writer_(std::move(writer)),
          readers_(std::move(readers)),
          gauges_(registry, "sqlite", *this) {
        threads_.emplace_back([this] { write_on(*writer_); });
        for (auto& reader : readers_) threads_.emplace_back([this, &reader] { read_on(*reader); });
    }
    ~SqliteDatabase() override {
        writes_.close();
        reads_.close();
    }

    [[nodiscard]] Dialect dialect() const override { return Dialect::sqlite; }
    [[nodiscard]] std::string_view engine() const override { return "SQLite"; }

    [[nodiscard]] PoolStatistics statistics() const override {
        PoolStatistics all;
        all.total_created = connections();
        all.total_reused = borrowed_.load(std::memory_order_relaxed);
        all.total_errors = errors_.load(std::memory_order_relaxed);
        all.active = active_.load(std::memory_order_relaxed);
        all.idle = connections() - std::min(all.active, connections());
        all.waiting = writes_.size() + reads_.size();
        return all;
    }

    Task<Result<void>> run(Mode mode, Work work) override {
        net::Answer<Result<void>> answer(*net::Loop::current());
        Job job{std::move(work), answer.giver(),
                std::chrono::steady_clock::now() + config_.acquire_timeout};
        auto& line = mode == Mode::write ? writes_ : reads_;
        if (!line.push(std::move(job)))
            co_return fail(ErrorKind::unavailable, "storage.busy",
                           "too many wait for the database");
        co_return co_await answer.wait();
    }

 private:
    /// Answers those who have waited too long; the others are left in `jobs`.
    void drop_late(std::vector<Job>& jobs) {
        const auto now = std::chrono::steady_clock::now();
        std::erase_if(jobs, [&](Job& job) {
            if (now <= job.give_up) return false;
            errors_.fetch_add(1, std::memory_order_relaxed);
            job.give(fail(ErrorKind::deadline_exceeded, "storage.acquire_timeout",
                          "no connection came free in time"));
            return true;
        });
    }

    void read_on(SqliteConnection& connection) {
        keep_signal_stack();
        for (auto jobs = reads_.pop(1); !jobs.empty(); jobs = reads_.pop(1)) {
            drop_late(jobs);
            for (auto& job : jobs) {
                auto outcome = read_one(connection, job);
                job.give(std::move(outcome));
            }
        }
    }

    Result<void> read_one(SqliteConnection& connection, Job& job) {
        const Busy busy(*this);
        auto outcome = tell(connection, begin_read);
        if (outcome) outcome = work_in_time(connection, job);
        if (connection.in_transaction()) std::ignore = tell(connection, rollback);
        return outcome;
    }

    void write_on(SqliteConnection& connection) {
        keep_signal_stack();
        for (auto jobs = writes_.pop(group_max); !jobs.empty(); jobs = writes_.pop(group_max)) {
            drop_late(jobs);
            if (jobs.empty()) continue;
            auto outcomes = write_group(connection, jobs);
            for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].give(std::move(outcomes[i]));
        }
    }

    /// One transaction, in which each of several jobs has a savepoint; nobody hears of success before the commit.
    std::vector<Result<void>> write_group(SqliteConnection& connection, std::vector<Job>& jobs) {
        const Busy busy(*this);
        const bool alone = jobs.size() == 1;
        std::vector<Result<void>> outcomes;
        auto state = tell(connection, begin);
        for (auto& job : jobs) {
            if (!state) break;
            outcomes.push_back(alone ? work_in_time(connection, job) : write_one(connection, job));
            const auto& said = outcomes.back();
            const bool undone = !connection.in_transaction();  // by SQLite itself: a full disk
            if (undone || (alone && !said)) {
                state = std::unexpected(
                    said ? Error{ErrorKind::unavailable, "storage.io", "rolled back"}
                         : said.error());
            }
        }
        if (state) state = tell(connection, commit);
        if (!state && connection.in_transaction()) std::ignore = tell(connection, rollback);
        if (!state) {  // who failed by himself hears that
            outcomes.resize(jobs.size());
            for (auto& outcome : outcomes) {
                if (!outcome) continue;
                errors_.fetch_add(1, std::memory_order_relaxed);
                outcome = std::unexpected(state.error());
            }
        }
        return outcomes;
    }

    Result<void> write_one(SqliteConnection& connection, Job& job) {
        GH_TRY_VOID(tell(connection, savepoint));
        auto outcome = work_in_time(connection, job);
        if (!outcome && connection.in_transaction()) GH_TRY_VOID(tell(connection, undo));
        if (connection.in_transaction()) GH_TRY_VOID(tell(connection, release));
        return outcome;
    }

    Result<void> work_in_time(SqliteConnection& connection, Job& job) {
        connection.set_deadline(std::chrono::steady_clock::now() + config_.statement_timeout);
        auto outcome = work_on(job, connection);
        connection.set_deadline(SteadyTime::max());
        return outcome;
    }

    struct Busy {
        explicit Busy(SqliteDatabase& of) : database(of) {
            database.active_.fetch_add(1, std::memory_order_relaxed);
            database.borrowed_.fetch_add(1, std::memory_order_relaxed);
        }
        Busy(const Busy&) = delete;
        Busy& operator=(const Busy&) = delete;
        ~Busy() { database.active_.fetch_sub(1, std::memory_order_relaxed); }
        SqliteDatabase& database;
    };

    [[nodiscard]] std::size_t connections() const { return readers_.size() + 1; }

    const PoolConfig config_;
    // Closed one after the other: SQLite puts its log away only when the last one closes alone.
    const std::unique_ptr<SqliteConnection> writer_;
    const std::vector<std::unique_ptr<SqliteConnection>> readers_;
    Line writes_, reads_;
    std::atomic<std::uint64_t> borrowed_{0}, errors_{0};
    std::atomic<std::size_t> active_{0};
    Gauges gauges_;
    std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file,
                                              const PoolConfig& pool, Observer& observer) {
    using Mode = SqliteConnection::Mode;
    GH_TRY(auto writer, SqliteConnection::open(file, Mode::read_write, observer));
    std::vector<std::unique_ptr<SqliteConnection>> readers;
    const auto wanted = std::clamp<std::size_t>(pool.max, 2, readers_max + 1) - 1;
    while (readers.size() < wanted) {
        GH_TRY(auto reader, SqliteConnection::open(file, Mode::read_only, observer));
        readers.push_back(std::move(reader));
    }
    return std::make_unique<SqliteDatabase>(std::move(writer), std::move(readers), pool,
                                            observer.registry());
}

}  // namespace gh::storage

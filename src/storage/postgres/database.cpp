#include "storage/postgres/database.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "net/answer.hpp"
#include "storage/gauges.hpp"
#include "storage/guard.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/postgres/session.hpp"
#include "storage/postgres/turnstile.hpp"

namespace gh::storage {
namespace {

using postgres::PostgresSession;
using postgres::Remedy;

constexpr unsigned again_max = 10;  // attempts of a transaction that met others
constexpr unsigned side_by_side_max =
    3;  // of these; then it runs alone, and meets other programs only
constexpr unsigned elsewhere_max = 2;  // of one whose connection had ended
constexpr milliseconds pause_first{1};
constexpr milliseconds pause_max{100};
constexpr milliseconds drain_patience{2'000};  // at the end, of a server that does not answer

/// Random, so that two who met do not meet again; its bound doubles.
std::chrono::microseconds pause_after(unsigned attempt) {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto bound = std::min(pause_max, pause_first * (1U << std::min(attempt, 10U)));
    std::uniform_int_distribution<std::int64_t> spread(0, std::chrono::microseconds(bound).count());
    return std::chrono::microseconds(spread(random));
}

bool worth_it(Remedy remedy, unsigned attempt) {
    return (remedy == Remedy::again && attempt < again_max) ||
           (remedy == Remedy::elsewhere && attempt < elsewhere_max);
}

/// One statement that somebody awaits.
struct Query {
    Statement statement;
    Parameters parameters;
    net::Answer<Result<Rows>>::Giver give;
    SteadyTime give_up;
};

class PostgresDatabase final : public Database {
 public:
    PostgresDatabase(PostgresUrl url, const PoolConfig& config, Observer& observer,
                     telemetry::Log* log)
        : config_(config),
          pool_(loop_, postgres::Connector(loop_, std::move(url), config), config, observer, log),
          gauges_(observer.registry(), "postgres", *this),
          thread_([this] { loop_.run(); }) {}
    ~PostgresDatabase() override {
        loop_.post([this] { spawn(end()); });
        thread_.join();
    }

    [[nodiscard]] Dialect dialect() const override { return Dialect::postgres; }
    [[nodiscard]] std::string_view engine() const override { return "PostgreSQL"; }
    [[nodiscard]] PoolStatistics statistics() const override { return pool_.statistics(); }

    Task<Result<void>> run(Mode mode, Work work) override {
        net::Answer<Result<void>> answer(*net::Loop::current());
        loop_.post([this, mode, work = std::move(work), give = answer.giver(),
                    give_up = deadline()]() mutable {
            pool_.start(serve(mode, std::move(work), std::move(give), give_up));
        });
        co_return co_await answer.wait();
    }
    Task<Result<Rows>> run_one(const Statement& statement, Parameters parameters) override {
        net::Answer<Result<Rows>> answer(*net::Loop::current());
        Query query{statement, std::move(parameters), answer.giver(), deadline()};
        if (statement.kind() == "select") {
            loop_.post([this, query = std::move(query)]() mutable {
                pool_.read({.statement = query.statement,
                            .parameters = std::move(query.parameters),
                            .give = std::move(query.give),
                            .give_up = query.give_up});
            });
        } else {
            loop_.post([this, query = std::move(query)]() mutable {
                pool_.start(write_one(std::move(query)));
            });
        }
        co_return co_await answer.wait();
    }

 private:
    [[nodiscard]] SteadyTime deadline() const {
        return std::chrono::steady_clock::now() + config_.acquire_timeout;
    }

    Task<> end() {
        co_await pool_.close(drain_patience);
        loop_.stop();
    }

    /// Tries until it is done, or nothing helps. `once` makes a whole transaction of a session.
    template <class T, class Once>
    Task<Result<T>> transact(Mode mode, SteadyTime give_up, Once& once) {
        for (unsigned attempt = 1;; ++attempt) {
            auto remedy = Remedy::none;
            Result<T> outcome;
            {
                const bool alone = mode == Mode::write && attempt > side_by_side_max;
                const auto pass = co_await enter(mode, alone);
                GH_CO_TRY(auto lease, co_await pool_.borrow(give_up));
                PostgresSession session(lease.connection(), mode);
                outcome = co_await once(session);
                remedy = session.remedy();
            }
            if (outcome || !worth_it(remedy, attempt)) co_return outcome;
            if (remedy == Remedy::again) co_await net::Sleep(loop_, pause_after(attempt));
            give_up = deadline();
        }
    }

    /// Reads disturb nobody.
    Task<std::optional<postgres::Turnstile::Pass>> enter(Mode mode, bool alone) {
        std::optional<postgres::Turnstile::Pass> pass;
        if (mode == Mode::write) pass.emplace(co_await writers_.enter(alone));
        co_return pass;
    }

    static Task<Result<void>> whole(Work& work, PostgresSession& session) {
        auto done = co_await guarded(work, session);
        co_return co_await session.finish(std::move(done));
    }

    Task<> serve(Mode mode, Work work, net::Answer<Result<void>>::Giver give, SteadyTime give_up) {
        auto once = [&work](PostgresSession& session) { return whole(work, session); };
        auto outcome = co_await transact<void>(mode, give_up, once);
        give(std::move(outcome));
    }

    Task<> write_one(Query query) {
        auto once = [&query](PostgresSession& session) {
            return session.write_alone(query.statement, query.parameters);
        };
        auto outcome = co_await transact<Rows>(Mode::write, query.give_up, once);
        query.give(std::move(outcome));
    }

    const PoolConfig config_;
    net::Loop loop_;
    postgres::Turnstile writers_{loop_};
    postgres::Pool pool_;
    Gauges gauges_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Database> open_postgres(PostgresUrl url, const PoolConfig& pool, Observer& observer,
                                        telemetry::Log* log) {
    return std::make_unique<PostgresDatabase>(std::move(url), pool, observer, log);
}

}  // namespace gh::storage

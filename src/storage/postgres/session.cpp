#include "storage/postgres/session.hpp"

#include <algorithm>

namespace gh::storage::postgres {
namespace {

constexpr std::size_t batch_max = 512;                // statements behind one Sync
constexpr std::size_t batch_bytes_max = 1024 * 1024;  // roughly, of their parameters

constexpr std::chrono::hours script_patience{12};  // of migrations, which set their own limit

constexpr Statement begin_read{.name = "transaction.begin",
                               .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
constexpr Statement begin_write{.name = "transaction.begin",
                                .sql = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"};
constexpr Statement commit{.name = "transaction.commit", .sql = "COMMIT"};
constexpr Statement rollback{.name = "transaction.rollback", .sql = "ROLLBACK"};

std::size_t bytes_of(const Parameters& parameters) {
    std::size_t bytes = 0;
    for (const auto& value : parameters) {
        if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
        if (const auto* blob = std::get_if<Blob>(&value)) bytes += blob->octets.size();
    }
    return bytes;
}

}  // namespace

/// An exchange of this transaction: with BEGIN in front the first time.
Exchange PostgresSession::begun() {
    Exchange exchange;
    if (!std::exchange(begun_, true))
        exchange.steps.push_back(
            {mode_ == Database::Mode::read ? begin_read : begin_write, &no_parameters, true});
    return exchange;
}

/// False: failed before, or what the database must not be sent.
bool PostgresSession::may_send(const Parameters& parameters) {
    if (!failure_ && !std::ranges::all_of(parameters, storable))
        failure_ =
            Failure{{ErrorKind::invalid_argument, "storage.value", "NUL or no UTF-8 in text"},
                    Remedy::none,
                    false};
    return !failure_;
}

Result<void> PostgresSession::settle(Outcome& outcome) {
    lost_ = outcome.lost;
    if (outcome.failure) {
        failure_ = std::move(outcome.failure);
        // Nothing is wrong with our BEGIN: a standby begins nothing that may write.
        if (!answered_ && mode_ == Database::Mode::write && outcome.rows.empty() &&
            failure_->error.kind == ErrorKind::internal)
            failure_ = Failure{{ErrorKind::unavailable, "storage.read_only",
                                "the server is a standby; name the primary in storage.url"},
                               Remedy::none,
                               true};
        return failed();
    }
    answered_ = true;
    return {};
}

Task<Result<Rows>> PostgresSession::run(const Statement& statement, Parameters parameters) {
    if (!may_send(parameters)) co_return failed();
    auto exchange = begun();
    exchange.steps.push_back({statement, &parameters});
    auto outcome = co_await connection_.ask(std::move(exchange));
    GH_CO_TRY_VOID(settle(outcome));
    co_return std::move(outcome.rows.back());
}

Task<Result<std::uint64_t>> PostgresSession::execute_many(const Statement& statement,
                                                          std::vector<Parameters> sets) {
    std::uint64_t touched = 0;
    for (std::size_t at = 0; at < sets.size();) {
        auto exchange = begun();
        for (std::size_t bytes = 0;
             at < sets.size() && exchange.steps.size() < batch_max && bytes < batch_bytes_max;
             ++at) {
            if (!may_send(sets[at])) co_return failed();
            bytes += bytes_of(sets[at]);
            exchange.steps.push_back({statement, &sets[at]});
        }
        auto outcome = co_await connection_.ask(std::move(exchange));
        GH_CO_TRY_VOID(settle(outcome));
        for (const auto& rows : outcome.rows) touched += rows.affected();
    }
    co_return touched;
}

Task<Result<void>> PostgresSession::script(std::string sql) {
    if (failure_) co_return failed();
    auto first = begun();  // answered in any case: then nothing else is under way
    auto outcome = co_await connection_.ask(std::move(first));
    GH_CO_TRY_VOID(settle(outcome));
    Exchange exchange;
    exchange.script = std::move(sql);
    exchange.patience = script_patience;
    outcome = co_await connection_.ask(std::move(exchange));
    co_return settle(outcome);
}

/// Nobody waits for the answer; if it is a failure, the connection is in a state that nobody knows.
void PostgresSession::send_unwatched(const Statement& statement) {
    Exchange exchange;
    exchange.steps.push_back({statement, &no_parameters});
    exchange.done = [&connection = connection_](Outcome outcome) {
        if (outcome.failure && connection.open()) connection.close(*std::move(outcome.failure));
    };
    connection_.send(std::move(exchange));
}

Task<Result<void>> PostgresSession::finish(Result<void> work) {
    if (work && failure_) work = failed();  // it went on after a failure: all is undone
    if (!begun_) co_return work;
    if (failure_ && failure_->connection) {
        connection_.close(*failure_);
        co_return work;
    }
    if (!work || mode_ == Database::Mode::read) {
        send_unwatched(work ? commit : rollback);
        co_return work;
    }
    Exchange exchange;
    exchange.steps.push_back({commit, &no_parameters});
    auto outcome = co_await connection_.ask(std::move(exchange));
    co_return settle_commit(outcome);
}

/// Of an exchange that ends with COMMIT.
Result<void> PostgresSession::settle_commit(Outcome& outcome) {
    if (outcome.committed) return {};
    if (outcome.lost && (!outcome.failure || outcome.failure->connection)) {
        lost_ = true;
        failure_ = Failure{{ErrorKind::unavailable, "storage.commit_unknown",
                            "the connection ended before the server had answered COMMIT"},
                           Remedy::none,
                           true};
        return failed();
    }
    GH_TRY_VOID(settle(outcome));
    return fail(ErrorKind::internal, "storage.statement", "COMMIT was answered with ROLLBACK");
}

Task<Result<Rows>> PostgresSession::write_alone(const Statement& statement,
                                                const Parameters& parameters) {
    if (!may_send(parameters)) co_return failed();
    auto exchange = begun();
    exchange.steps.push_back({statement, &parameters});
    exchange.steps.push_back({commit, &no_parameters});
    auto outcome = co_await connection_.ask(std::move(exchange));
    auto ended = settle_commit(outcome);
    if (failure_ && failure_->connection) {
        connection_.close(*failure_);
    } else if (!ended) {
        send_unwatched(rollback);
    }
    if (!ended) co_return std::unexpected(std::move(ended).error());
    co_return std::move(outcome.rows[1]);  // between BEGIN and COMMIT
}

/// What was lost may run again elsewhere only where the server cannot have done anything of it, or nothing that lasts: a
/// kept connection that had ended unnoticed.
Remedy PostgresSession::remedy() const {
    if (!failure_) return Remedy::none;
    if (lost_ && answered_) return Remedy::none;
    return failure_->remedy;
}

}  // namespace gh::storage::postgres

#pragma once

#include <optional>

#include "storage/database.hpp"
#include "storage/postgres/connection.hpp"

namespace gh::storage::postgres {

/// One transaction on one connection. BEGIN travels with its first statement; a read's COMMIT is sent and not waited for.
///
/// Writes are SERIALIZABLE, so that work which looks before it writes is as right as with SQLite's one writer; reads see
/// one snapshot (REPEATABLE READ) and cannot write.
class PostgresSession final : public Session {
 public:
    PostgresSession(Connection& connection, Database::Mode mode)
        : connection_(connection), mode_(mode) {}
    [[nodiscard]] Dialect dialect() const override { return Dialect::postgres; }

    [[nodiscard]] Task<Result<Rows>> run(const Statement& statement,
                                         Parameters parameters) override;
    [[nodiscard]] Task<Result<std::uint64_t>> execute_many(const Statement& statement,
                                                           std::vector<Parameters> sets) override;
    [[nodiscard]] Task<Result<void>> script(std::string sql) override;

    /// Ends the transaction as the work ended: commits, or rolls back.
    /// @return the work's error; its own failures, `unavailable` "storage.commit_unknown" among them: the connection ended
    ///         before the server had said whether it has committed
    [[nodiscard]] Task<Result<void>> finish(Result<void> work);

    /// A whole transaction of one statement that writes, in one round trip.
    [[nodiscard]] Task<Result<Rows>> write_alone(const Statement& statement,
                                                 const Parameters& parameters);

    /// After its end: what may help.
    [[nodiscard]] Remedy remedy() const;

 private:
    [[nodiscard]] Exchange begun();
    [[nodiscard]] Result<void> settle(Outcome& outcome);
    [[nodiscard]] Result<void> settle_commit(Outcome& outcome);
    [[nodiscard]] std::unexpected<Error> failed() const { return std::unexpected(failure_->error); }
    [[nodiscard]] bool may_send(const Parameters& parameters);
    void send_unwatched(const Statement& statement);

    Connection& connection_;
    const Database::Mode mode_;
    bool begun_ = false;
    bool answered_ = false;  // the server has said something of this transaction
    bool lost_ = false;
    std::optional<Failure> failure_;  // the first; nothing is sent after it
};

}  // namespace gh::storage::postgres

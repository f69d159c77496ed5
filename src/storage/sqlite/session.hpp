#pragma once

#include <optional>
#include <utility>

#include "storage/session.hpp"
#include "storage/sqlite/connection.hpp"

namespace gh::storage {

/// The session of one connection: everything is answered before a call returns.
class SqliteSession final : public Session {
 public:
    explicit SqliteSession(SqliteConnection& connection) : connection_(connection) {}
    [[nodiscard]] Dialect dialect() const override { return Dialect::sqlite; }

    /// The first failure; after it nothing is run, as in PostgreSQL.
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

    Task<Result<Rows>> run(const Statement& statement, Parameters parameters) override {
        co_return run_now(statement, parameters);
    }
    Task<Result<std::uint64_t>> execute_many(const Statement& statement,
                                             std::vector<Parameters> sets) override {
        std::uint64_t touched = 0;
        for (const auto& parameters : sets) {
            GH_CO_TRY(const auto rows, run_now(statement, parameters));
            touched += rows.affected();
        }
        co_return touched;
    }
    Task<Result<void>> script(std::string sql) override {
        // A step of the schema takes as long as its tables are large.
        connection_.set_deadline(SteadyTime::max());
        co_return failure_ ? std::unexpected(*failure_) : noted(connection_.script(sql));
    }

 private:
    [[nodiscard]] Result<Rows> run_now(const Statement& statement, const Parameters& parameters) {
        if (failure_) return std::unexpected(*failure_);
        return noted(connection_.run(statement, parameters));
    }
    template <class T>
    [[nodiscard]] Result<T> noted(Result<T> result) {
        if (!result) failure_ = result.error();
        return result;
    }

    SqliteConnection& connection_;
    std::optional<Error> failure_;
};

}  // namespace gh::storage

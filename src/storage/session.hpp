#pragma once

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/try.hpp"
#include "storage/statement.hpp"
#include "storage/value.hpp"

namespace gh::storage {

/// At most one row.
class MaybeRow {
 public:
    MaybeRow() = default;
    explicit MaybeRow(Rows rows) : rows_(std::move(rows)) {}
    explicit operator bool() const { return !rows_.empty(); }
    [[nodiscard]] Row operator*() const { return rows_[0]; }
    [[nodiscard]] bool has_value() const { return !rows_.empty(); }

 private:
    Rows rows_;
};

/// What runs inside one transaction. Lent to Database::read's and write's work, and of no use after it.
///
/// Errors: `conflict` "storage.unique" or "storage.foreign_key"; `invalid_argument` "storage.check" (a constraint of the
/// table) or "storage.value" (text with NUL or no UTF-8); `deadline_exceeded` "storage.timeout"; `unavailable`
/// "storage.busy", "storage.read_only", "storage.permission", "storage.io", "storage.connection" or "storage.schema" (a table
/// or column is missing: steps are pending); `conflict` "storage.occupied" (one is there already); `exhausted` "storage.full"; `corrupt` "storage.corrupt"; `internal` "storage.statement" (our SQL is wrong). A write may also end with
/// `unavailable` "storage.commit_unknown": the connection ended before the server had said whether it has committed. A
/// detail never holds a parameter's value. After an error every further call answers with that error.
class Session {
 public:
    virtual ~Session() = default;
    [[nodiscard]] virtual Dialect dialect() const = 0;

    /// Every row, at most `rows_max`; more is `internal` "storage.rows": page instead.
    template <class... Values>
    [[nodiscard]] Task<Result<Rows>> query(const Statement& statement, Values&&... values) {
        return run(statement, pack(std::forward<Values>(values)...));
    }
    /// The first row of a statement that has at most one.
    template <class... Values>
    [[nodiscard]] Task<Result<MaybeRow>> query_one(const Statement& statement, Values&&... values) {
        return first(statement, pack(std::forward<Values>(values)...));
    }
    /// How many rows it touched.
    template <class... Values>
    [[nodiscard]] Task<Result<std::uint64_t>> execute(const Statement& statement,
                                                      Values&&... values) {
        return count(statement, pack(std::forward<Values>(values)...));
    }
    /// The same statement for each set of parameters, as one batch: how many rows all touched.
    [[nodiscard]] virtual Task<Result<std::uint64_t>> execute_many(
        const Statement& statement, std::vector<Parameters> sets) = 0;
    /// Several statements apart by ';', without parameters: migrations.
    [[nodiscard]] virtual Task<Result<void>> script(std::string sql) = 0;
    [[nodiscard]] virtual Task<Result<Rows>> run(const Statement& statement,
                                                 Parameters parameters) = 0;

    static constexpr std::size_t rows_max = 100'000;

 private:
    template <class... Values>
    [[nodiscard]] static Parameters pack(Values&&... values) {
        Parameters parameters;
        parameters.reserve(sizeof...(values));
        (parameters.push_back(to_value(std::forward<Values>(values))), ...);
        return parameters;
    }
    Task<Result<MaybeRow>> first(const Statement& statement, Parameters parameters) {
        GH_CO_TRY(auto rows, co_await run(statement, std::move(parameters)));
        co_return MaybeRow(std::move(rows));
    }
    Task<Result<std::uint64_t>> count(const Statement& statement, Parameters parameters) {
        GH_CO_TRY(const auto rows, co_await run(statement, std::move(parameters)));
        co_return rows.affected();
    }
};

}  // namespace gh::storage

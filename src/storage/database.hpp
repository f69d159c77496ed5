#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "storage/session.hpp"

namespace gh::storage {

/// What `GET /db/pool` and the gauges tell.
struct PoolStatistics {
    std::uint64_t total_created = 0;
    std::uint64_t total_reused = 0;  ///< borrowed without making one
    std::uint64_t total_errors = 0;  ///< connections given up: refused, broken, timed out
    std::size_t active = 0;
    std::size_t idle = 0;
    std::size_t waiting = 0;  ///< who stands in line for one

    [[nodiscard]] double reuse_rate() const {
        const auto all = total_created + total_reused;
        return all == 0 ? 0.0 : static_cast<double>(total_reused) / static_cast<double>(all);
    }
};

/// What else belongs into the transaction of a repository's write: an audit record. An error of either undoes the write.
template <class T>
struct Also {
    std::function<Task<Result<void>>(Session&)>
        before;  ///< may be unset: locks that must come first
    /// Once the rows are written, with what the write returns; again should the work run again. May be unset.
    std::function<Task<Result<void>>(Session&, const T&)> after;
};

/// `rows`, which have not begun, within what belongs to them.
template <class T>
[[nodiscard]] Task<Result<T>> with_also(Session& session, Task<Result<T>> rows, Also<T> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(auto value, co_await std::move(rows));
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, value));
    co_return value;
}

namespace detail {
template <class T>
struct TaskValue;
template <class T>
struct TaskValue<Task<Result<T>>> {
    using type = T;
};
}  // namespace detail

/// Everything durable. One interface over SQLite and PostgreSQL; repositories are written once.
///
/// Work is a function that makes a coroutine of a Session. It runs on the engine's own threads, inside one transaction, and
/// may await nothing but its Session. It commits when it returns a value, and the commit is on disk before the caller
/// resumes; an error rolls back, and after the first one the session answers nothing else. Works are serialisable: each
/// sees the rows as if those before it had ended and no other had begun. It may run again when the database asks for it (a
/// serialisation failure), so it changes nothing but rows. What it throws fails it alone, with `internal`
/// "storage.exception". Name it before the await:
///
///     auto work = [name](Session& session) -> Task<Result<User>> { ... };
///     GH_CO_TRY(auto user, co_await database.read(std::move(work)));
class Database {
 public:
    using Work = std::move_only_function<Task<Result<void>>(Session&)>;
    enum class Mode : std::uint8_t { read, write };

    virtual ~Database() = default;
    [[nodiscard]] virtual Dialect dialect() const = 0;
    [[nodiscard]] virtual PoolStatistics statistics() const = 0;
    /// "SQLite" or "PostgreSQL".
    [[nodiscard]] virtual std::string_view engine() const = 0;

    template <class Body>
    [[nodiscard]] auto read(Body body) {
        return with_value(Mode::read, std::move(body));
    }
    template <class Body>
    [[nodiscard]] auto write(Body body) {
        return with_value(Mode::write, std::move(body));
    }

    /// A transaction of one statement.
    template <class... Values>
    [[nodiscard]] Task<Result<Rows>> query(const Statement& statement, Values&&... values) {
        Parameters parameters;
        parameters.reserve(sizeof...(values));
        (parameters.push_back(to_value(std::forward<Values>(values))), ...);
        return run_one(statement, std::move(parameters));
    }

    /// From a coroutine on a loop.
    [[nodiscard]] virtual Task<Result<void>> run(Mode mode, Work work) = 0;
    /// As query().
    [[nodiscard]] virtual Task<Result<Rows>> run_one(const Statement& statement,
                                                     Parameters parameters);

 private:
    template <class Body>
    using Outcome = typename detail::TaskValue<std::invoke_result_t<Body&, Session&>>::type;

    // The value crosses threads in memory of its own: whoever waits may be gone before it is there.
    template <class Body>
    [[nodiscard]] Task<Result<Outcome<Body>>> with_value(Mode mode, Body body) {
        using T = Outcome<Body>;
        if constexpr (std::is_void_v<T>) {
            Work work(std::move(body));
            co_return co_await run(mode, std::move(work));
        } else {
            auto value = std::make_shared<std::optional<T>>();
            Work work = [value, body = std::move(body)](Session& session) mutable {
                return fill(body(session), value);
            };
            GH_CO_TRY_VOID(co_await run(mode, std::move(work)));
            co_return **std::move(value);
        }
    }
    template <class T>
    static Task<Result<void>> fill(Task<Result<T>> body, std::shared_ptr<std::optional<T>> value) {
        GH_CO_TRY(auto made, co_await std::move(body));
        value->emplace(std::move(made));
        co_return Result<void>{};
    }
};

}  // namespace gh::storage

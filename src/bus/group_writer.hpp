#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/try.hpp"
#include "net/answer.hpp"
#include "storage/database.hpp"

namespace gh::bus {

/// Writes to the bus's tables, one transaction at a time: what several ask for in the same moment is one, so that they share
/// the lock, the way to the server and the wait for the disk. From coroutines on any loop.
class GroupWriter {
 public:
    static constexpr std::size_t waiting_max = 10'000;

    /// @param database  outlives it
    explicit GroupWriter(storage::Database& database) : database_(database) {}

    /// As Database::write(), with lock() before it. `body` fails only where its session does: what it refuses is part of its
    /// value.
    /// @return `exhausted` "bus.busy" (waiting_max); errors of the session
    template <class Body>
    [[nodiscard]] auto write(Body body) -> std::invoke_result_t<Body&, storage::Session&> {
        using Value =
            storage::detail::TaskValue<std::invoke_result_t<Body&, storage::Session&>>::type;
        auto value = std::make_shared<std::optional<Value>>();
        Work work = [value, body = std::move(body)](storage::Session& session) {
            return fill(body(session), value);
        };
        GH_CO_TRY_VOID(co_await run(std::move(work)));
        co_return **std::move(value);
    }

 private:
    using Work = std::function<Task<Result<void>>(storage::Session&)>;
    struct Waiting {
        Work work;
        net::Answer<Result<void>>::Giver give;
    };

    template <class T>
    static Task<Result<void>> fill(Task<Result<T>> body, std::shared_ptr<std::optional<T>> value) {
        GH_CO_TRY(auto made, co_await std::move(body));
        value->emplace(std::move(made));
        co_return Result<void>{};
    }
    [[nodiscard]] Task<Result<void>> run(Work work);
    [[nodiscard]] Task<> write_waiting();
    [[nodiscard]] std::vector<Waiting> next_group();
    [[nodiscard]] Task<Result<void>> write_group(std::vector<Work> works);

    storage::Database& database_;
    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    bool writing_ = false;  // somebody is in write_waiting()
};

}  // namespace gh::bus

#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/loop.hpp"

namespace gh::net {

namespace detail {
template <class T>
Task<> run_and_stop(Loop& loop, Task<Result<T>> task, std::optional<Result<T>>& result,
                    std::exception_ptr& exception) {
    try {
        result.emplace(co_await std::move(task));
    } catch (...) {
        exception = std::current_exception();
    }
    loop.stop();
}
}  // namespace detail

/// Runs `task` on a loop of its own, on the calling thread, until it is done: for the command line, which has no workers.
/// Gives what the task returned, throws what it threw. Throws std::logic_error on a thread whose loop runs already: that
/// one would stand still meanwhile.
template <class T>
[[nodiscard]] Result<T> run_to_end(Task<Result<T>> task) {
    if (Loop::current() != nullptr)
        throw std::logic_error("run_to_end() on the thread of a running loop: await the task");
    Loop loop;
    std::optional<Result<T>> result;
    std::exception_ptr exception;
    loop.post([&] { spawn(detail::run_and_stop(loop, std::move(task), result, exception)); });
    loop.run();
    if (exception) std::rethrow_exception(exception);
    return *std::move(result);
}

}  // namespace gh::net

#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/task.hpp"

namespace gh {

/// Runs a task that has nothing to wait for, here and now. Nothing when it suspended after all: its frame is gone then.
/// What it throws passes through.
template <class T>
[[nodiscard]] std::optional<T> run_inline(Task<T> task) {
    struct Runner {
        struct promise_type {
            std::exception_ptr exception;
            Runner get_return_object() {
                return Runner{std::coroutine_handle<promise_type>::from_promise(*this)};
            }
            std::suspend_always initial_suspend() const noexcept { return {}; }
            std::suspend_always final_suspend() const noexcept { return {}; }
            void return_void() const noexcept {}
            void unhandled_exception() noexcept { exception = std::current_exception(); }
        };
        explicit Runner(std::coroutine_handle<promise_type> of) : handle(of) {}
        Runner(const Runner&) = delete;
        Runner& operator=(const Runner&) = delete;
        ~Runner() { handle.destroy(); }
        std::coroutine_handle<promise_type> handle;
    };
    std::optional<T> value;
    const auto run = [](Task<T> inner, std::optional<T>& into) -> Runner {
        into.emplace(co_await std::move(inner));
    };
    const Runner runner = run(std::move(task), value);
    runner.handle.resume();
    if (runner.handle.done() && runner.handle.promise().exception)
        std::rethrow_exception(runner.handle.promise().exception);
    return value;
}

}  // namespace gh

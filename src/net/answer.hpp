#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/task.hpp"
#include "net/loop.hpp"

namespace gh::net {

/// One value that another thread will bring to a coroutine of this loop.
///
///     net::Answer<int> answer(loop);
///     pool.submit([give = answer.giver()]() mutable { give(42); });
///     const int value = co_await answer.wait();
///
/// Coroutine and loop may be gone when it comes: then it is dropped.
template <class T>
class Answer {
    struct State {
        explicit State(Loop& on) : loop(on), home(on.mailbox()) {}
        Loop& loop;  // only for who waits on it
        const std::shared_ptr<Mailbox> home;
        Wakeup* waiter = nullptr;  // this and the value: only on the loop's thread
        std::optional<T> value;
    };

 public:
    /// Brings the value, once, from any thread. Whoever holds one must call it, or the coroutine waits for good.
    class Giver {
     public:
        void operator()(T value) {
            const auto home =
                state_->home;  // kept: once posted, all else may be gone before post() returns
            home->post([state = std::move(state_), value = std::move(value)]() mutable {
                state->value = std::move(value);
                if (state->waiter) state->waiter->wake();
            });
        }

     private:
        friend Answer;
        explicit Giver(std::shared_ptr<State> state) : state_(std::move(state)) {}
        std::shared_ptr<State> state_;
    };

    explicit Answer(Loop& loop) : state_(std::make_shared<State>(loop)) {}
    [[nodiscard]] Giver giver() const { return Giver(state_); }

    [[nodiscard]] Task<T> wait() const { return wait_on(state_); }
    /// @return nothing when it has not come by then; a later wait may still bring it
    [[nodiscard]] Task<std::optional<T>> wait_until(SteadyTime deadline) const {
        return wait_on_until(state_, deadline);
    }

 private:
    struct Waiter {
        explicit Waiter(State& of) : state(of), wakeup(of.loop) { state.waiter = &wakeup; }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { state.waiter = nullptr; }
        State& state;
        Wakeup wakeup;
    };

    static Task<T> wait_on(std::shared_ptr<State> state) {
        Waiter waiter(*state);
        while (!state->value) co_await waiter.wakeup.wait();
        co_return *std::move(state->value);
    }

    static Task<std::optional<T>> wait_on_until(std::shared_ptr<State> state, SteadyTime deadline) {
        Waiter waiter(*state);
        waiter.wakeup.expire_at(deadline);
        while (!state->value && state->loop.now() < deadline) co_await waiter.wakeup.wait();
        co_return std::exchange(state->value, std::nullopt);
    }

    std::shared_ptr<State> state_;
};

}  // namespace gh::net

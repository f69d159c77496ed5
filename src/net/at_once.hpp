#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/loop.hpp"

namespace gh::net {

namespace detail {
template <class T>
struct Round {
    explicit Round(Loop& loop) : over(loop) {}
    std::vector<T> items;
    std::function<Task<Result<void>>(T)> work;
    std::size_t next = 0, running = 0;
    Result<void> outcome;
    Wakeup over;
};

template <class T>
Task<> work_on(std::shared_ptr<Round<T>> round) {
    while (round->outcome && round->next < round->items.size()) {
        auto done = co_await round->work(std::move(round->items[round->next++]));
        if (!done && round->outcome) round->outcome = std::move(done);
    }
    --round->running;
    round->over.wake();
}
}  // namespace detail

/// Works on all items, `limit` of them at a time, on this loop: one that takes long holds up none but itself. After an error
/// none is begun any more. Returns once all that were begun have ended.
/// @return the first error
template <class T>
[[nodiscard]] Task<Result<void>> at_once(std::vector<T> items, std::size_t limit,
                                         std::function<Task<Result<void>>(T)> work) {
    const auto round = std::make_shared<detail::Round<T>>(*Loop::current());
    round->items = std::move(items);
    round->work = std::move(work);
    round->running = std::min(limit, round->items.size());
    const auto begun = round->running;
    for (std::size_t i = 0; i < begun; ++i) spawn(detail::work_on(round));
    while (round->running > 0) co_await round->over.wait();
    co_return std::move(round->outcome);
}

}  // namespace gh::net

#pragma once

#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/answer.hpp"
#include "net/loop.hpp"

namespace gh::net {

namespace detail {
template <class T>
Task<> run_and_give(Task<Result<T>> task, typename Answer<Result<T>>::Giver give) {
    give(co_await std::move(task));
}
}  // namespace detail

/// What `task` returns, if it does within `patience`. Later it still goes on, by itself, and nobody hears how it ended: so
/// it holds what it needs, or what outlives the loop.
/// @param late  the reason of the error then, in static storage
/// @return the errors of the task; `deadline_exceeded` with `late`
template <class T>
[[nodiscard]] Task<Result<T>> within(milliseconds patience, std::string_view late,
                                     Task<Result<T>> task) {
    auto& loop = *Loop::current();
    Answer<Result<T>> answer(loop);
    spawn(detail::run_and_give(std::move(task), answer.giver()));
    auto done = co_await answer.wait_until(loop.now() + patience);
    if (done) co_return *std::move(done);
    co_return fail(ErrorKind::deadline_exceeded, late);
}

}  // namespace gh::net

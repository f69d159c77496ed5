#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/filter.hpp"

namespace gh::gateway {

/// The doors in order.
class Pipeline {
 public:
    template <class F, class... Arguments>
    void add(Arguments&&... arguments) {
        filters_.push_back(std::make_unique<F>(std::forward<Arguments>(arguments)...));
    }

    /// From `door`, at first 0, which tells afterwards where the walk has come to. After `wait` it goes on with wait(): only
    /// a request that has to wait pays for a coroutine.
    [[nodiscard]] Verdict on_request(Exchange& exchange, std::size_t& door) const {
        for (; door < filters_.size(); ++door) {
            const auto verdict = filters_[door]->on_request(exchange);
            if (verdict != Verdict::walk_on) return verdict;
        }
        return Verdict::walk_on;
    }

    /// Waits at `door`, then walks on to the end, waiting where it must.
    [[nodiscard]] Task<Verdict> wait(Exchange& exchange, std::size_t door) const {
        auto verdict = Verdict::wait;
        while (verdict == Verdict::wait) {
            verdict = co_await filters_[door]->wait(exchange);
            if (verdict != Verdict::walk_on) co_return verdict;
            verdict = on_request(exchange, ++door);
        }
        co_return verdict;
    }

    void on_response(Exchange& exchange) const {
        for (auto filter = filters_.rbegin(); filter != filters_.rend(); ++filter) {
            (*filter)->on_response(exchange);
        }
    }

 private:
    std::vector<std::unique_ptr<Filter>> filters_;
};

}  // namespace gh::gateway

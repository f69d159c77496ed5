#pragma once

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

    [[nodiscard]] Verdict on_request(Exchange& exchange) const {
        for (const auto& filter : filters_) {
            if (filter->on_request(exchange) == Verdict::answered) return Verdict::answered;
        }
        return Verdict::walk_on;
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

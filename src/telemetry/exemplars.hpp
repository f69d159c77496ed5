#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "telemetry/trace_context.hpp"

namespace gh::telemetry {

/// One observation among many, and the trace that tells its story (OpenMetrics 1.0, "Exemplars").
struct Exemplar {
    TraceId trace_id{};
    SpanId span_id{};
    std::uint64_t ticks = 0;
    SystemTime at;
};

/// The last one of each bucket of a histogram. Any thread; takes no memory before the first.
class Exemplars {
 public:
    /// Left out where another thread looks or writes at this moment: one is as good as another.
    void offer(std::size_t bucket, std::size_t buckets, const Exemplar& exemplar) {
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock) return;
        try {
            if (last_.empty()) last_.resize(buckets);
        } catch (const std::bad_alloc&) {
            return;
        }
        last_[bucket] = exemplar;
    }
    [[nodiscard]] std::optional<Exemplar> of(std::size_t bucket) const {
        const std::scoped_lock lock(mutex_);
        return bucket < last_.size() ? last_[bucket] : std::nullopt;
    }

 private:
    mutable std::mutex mutex_;
    std::vector<std::optional<Exemplar>> last_;
};

}  // namespace gh::telemetry

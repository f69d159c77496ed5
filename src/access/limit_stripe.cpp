#include "access/limit_stripe.hpp"

#include <algorithm>

namespace gh::access {

LimitStripe::Bucket& LimitStripe::probed(std::uint64_t key, std::size_t step) {
    return clients[(key + step) % buckets];
}

NarrowLog* LimitStripe::find(std::uint64_t key) {
    for (std::size_t step = 0; step < buckets_probed; ++step) {
        auto& bucket = probed(key, step);
        for (std::size_t i = 0; i < bucket_logs; ++i) {
            if (bucket.keys[i] == key && bucket.logs[i].head.lapse_ns > clock_ns) {
                return &bucket.logs[i];
            }
        }
    }
    return nullptr;
}

NarrowLog* LimitStripe::claim(std::uint64_t key) {
    for (std::size_t step = 0; step < buckets_probed; ++step) {
        auto& bucket = probed(key, step);
        for (std::size_t i = 0; i < bucket_logs; ++i) {
            if (bucket.logs[i].head.lapse_ns <= clock_ns) {
                bucket.keys[i] = key;
                return &bucket.logs[i];
            }
        }
    }
    return nullptr;
}

WideLog* LimitStripe::find_shared(std::uint64_t tag) {
    for (std::size_t i = 0; i < shared_logs; ++i) {
        if (shared_tags[i] == tag && shared[i].head.lapse_ns > clock_ns) return &shared[i];
    }
    return nullptr;
}

WideLog* LimitStripe::claim_shared(std::uint64_t tag) {
    for (std::size_t i = 0; i < shared_logs; ++i) {
        if (shared[i].head.lapse_ns <= clock_ns) {
            shared_tags[i] = tag;
            return &shared[i];
        }
    }
    return nullptr;
}

LimitStripe::Storage LimitStripe::storage_of(NarrowLog& log) {
    if (!widened(log)) return {&log.head, log.ring};
    auto& kept = wide[log.ring[0]];
    return {&kept.head, kept.ring};
}

void LimitStripe::widen(NarrowLog& log, const EventLogShape& shape) {
    const auto free = std::ranges::find_if(
        wide, [&](const WideLog& candidate) { return candidate.head.lapse_ns <= clock_ns; });
    if (free == wide.end()) return;
    EventLog(shape, free->head, free->ring).assign(EventLog(shape, log.head, log.ring));
    log.head.entries = elsewhere;
    log.ring[0] = static_cast<std::uint16_t>(free - wide.begin());
}

}  // namespace gh::access

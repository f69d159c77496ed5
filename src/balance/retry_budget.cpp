#include "balance/retry_budget.hpp"

#include <algorithm>
#include <mutex>

namespace gh::balance {
namespace {

// A word: 24 bits of second, 24 of requests, 16 of retries.
constexpr std::uint64_t one_request = std::uint64_t{1} << 16;
constexpr std::uint64_t second_mask = 0xffffff;

constexpr std::uint64_t second_in(std::uint64_t word) { return word >> 40; }
constexpr std::uint64_t requests_in(std::uint64_t word) { return word >> 16 & 0xffffff; }
constexpr std::uint64_t retries_in(std::uint64_t word) { return word & 0xffff; }

constexpr std::uint64_t requests_max =
    0xff0000;  // a margin below the field, for adders that overtake each other
constexpr std::uint64_t retries_max = 0xffff;

std::uint64_t second_of(SteadyTime now) {
    const auto whole = std::chrono::floor<seconds>(now.time_since_epoch()).count();
    return static_cast<std::uint64_t>(whole);
}

}  // namespace

void RetryBudget::requested(SteadyTime now) {
    const auto second = second_of(now);
    auto& word = cells_[second % cells_.size()].word;
    const auto tag = second & second_mask;
    auto seen = word.load(std::memory_order_relaxed);
    while (second_in(seen) != tag) {
        if (word.compare_exchange_weak(seen, tag << 40 | one_request, std::memory_order_relaxed))
            return;
    }
    if (requests_in(seen) < requests_max) word.fetch_add(one_request, std::memory_order_relaxed);
}

bool RetryBudget::try_retry(SteadyTime now) {
    const auto second = second_of(now);
    const std::lock_guard guard(retry_lock_);
    std::uint64_t requests = 0;
    std::uint64_t retries = 0;
    for (std::uint64_t age = 0; age < seconds_kept; ++age) {
        const auto word =
            cells_[(second - age) % cells_.size()].word.load(std::memory_order_relaxed);
        if (second_in(word) != ((second - age) & second_mask)) continue;
        requests += requests_in(word);
        retries += retries_in(word);
    }
    const auto allowed = std::uint64_t{options_.per_second_floor} * seconds_kept +
                         requests * std::min(options_.percent, 100U) / 100;
    if (retries >= allowed) return false;

    auto& word = cells_[second % cells_.size()].word;
    const auto tag = second & second_mask;
    auto seen = word.load(std::memory_order_relaxed);
    for (;;) {
        const auto fresh = second_in(seen) != tag;
        if (!fresh && retries_in(seen) == retries_max) return false;
        if (word.compare_exchange_weak(seen, fresh ? (tag << 40 | 1) : seen + 1,
                                       std::memory_order_relaxed)) {
            return true;
        }
    }
}

}  // namespace gh::balance

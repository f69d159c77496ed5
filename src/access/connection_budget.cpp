#include "access/connection_budget.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <string>

namespace gh::access {
namespace {

constexpr std::uint64_t connections_min = 16;
constexpr std::uint32_t none = 0;

}  // namespace

Result<std::uint32_t> connections_within(std::uint32_t wanted, std::uint64_t descriptors_max,
                                         std::uint64_t reserve) {
    const auto left = descriptors_max > reserve ? descriptors_max - reserve : 0;
    if (left < std::min<std::uint64_t>(connections_min, wanted)) {
        return fail(ErrorKind::exhausted, "limits.descriptors",
                    "open files allowed: " + std::to_string(descriptors_max) +
                        ", needed besides client connections: " + std::to_string(reserve));
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, left));
}

std::string_view name_of(BudgetRefusal refusal) {
    return refusal == BudgetRefusal::address ? "address" : "overall";
}

ConnectionBudget::ConnectionBudget(std::uint32_t capacity, ConnectionLimits limits)
    : entries_(std::size_t{std::max(capacity, 1U)} + 1),
      buckets_(std::bit_ceil(entries_.size())),
      bucket_mask_(buckets_.size() - 1) {
    for (std::size_t i = entries_.size() - 1; i > 0; --i) free_entry(static_cast<std::uint32_t>(i));
    set_limits(limits);
}

void ConnectionBudget::set_limits(ConnectionLimits limits) {
    connections_max_.store(std::min(limits.connections_max, capacity()), std::memory_order_relaxed);
    per_address_max_.store(limits.connections_per_address_max, std::memory_order_relaxed);
}

std::expected<ConnectionBudget::Token, BudgetRefusal> ConnectionBudget::acquire(
    const ClientNetwork& client) {
    if (!take_overall()) return std::unexpected(BudgetRefusal::overall);
    const auto hash = hash_(client.bytes());
    const auto bucket_index = static_cast<std::uint32_t>(hash.low & bucket_mask_);
    auto& bucket = buckets_[bucket_index];
    {
        const std::lock_guard guard(bucket.lock);
        auto index = bucket.first;
        while (index != none && entries_[index].key != hash.high) index = entries_[index].next;
        const auto held = index == none ? 0 : entries_[index].connections;
        if (held < per_address_max_.load(std::memory_order_relaxed)) {
            if (index == none) {
                index = take_entry();
                entries_[index] = {hash.high, bucket_index, 0, bucket.first};
                bucket.first = index;
            }
            ++entries_[index].connections;
            return Token(this, index);
        }
    }
    open_.fetch_sub(1, std::memory_order_release);
    return std::unexpected(BudgetRefusal::address);
}

bool ConnectionBudget::take_overall() {
    auto open = open_.load(std::memory_order_relaxed);
    do {
        if (open >= connections_max_.load(std::memory_order_relaxed)) return false;
    } while (!open_.compare_exchange_weak(open, open + 1, std::memory_order_acquire,
                                          std::memory_order_relaxed));
    return true;
}

std::uint32_t ConnectionBudget::take_entry() {
    // Never empty: an entry goes back before its last connection leaves open_, and open_ is at most
    // the capacity.
    const std::lock_guard guard(free_lock_);
    const auto index = free_;
    free_ = entries_[index].next;
    return index;
}

void ConnectionBudget::free_entry(std::uint32_t index) {
    const std::lock_guard guard(free_lock_);
    entries_[index].next = free_;
    free_ = index;
}

void ConnectionBudget::release(std::uint32_t entry) {
    // The bucket of an entry does not change while a connection is counted in it.
    auto& bucket = buckets_[entries_[entry].bucket];
    {
        const std::lock_guard guard(bucket.lock);
        if (--entries_[entry].connections == 0) {
            auto* link = &bucket.first;
            while (*link != entry) link = &entries_[*link].next;
            *link = entries_[entry].next;
            free_entry(entry);
        }
    }
    open_.fetch_sub(1, std::memory_order_release);
}

}  // namespace gh::access

#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

#include "access/client_network.hpp"
#include "base/error.hpp"
#include "base/keyed_hash.hpp"
#include "base/spin_lock.hpp"

namespace gh::access {

struct ConnectionLimits {
    std::uint32_t connections_max = 20'000;           ///< over all workers and listeners
    std::uint32_t connections_per_address_max = 256;  ///< an IPv4 address or an IPv6 /64
};

/// How many client connections the open-file limit leaves room for.
///
/// @param wanted            what the configuration says
/// @param descriptors_max   soft RLIMIT_NOFILE
/// @param reserve           listeners, log files, epoll and event descriptors, upstream
/// connections, body files
/// @return `wanted` or less; "limits.descriptors" when not even 16 would be left
[[nodiscard]] Result<std::uint32_t> connections_within(std::uint32_t wanted,
                                                       std::uint64_t descriptors_max,
                                                       std::uint64_t reserve);

enum class BudgetRefusal : std::uint8_t { overall, address };

/// "overall" and "address": for log and metrics.
[[nodiscard]] std::string_view name_of(BudgetRefusal refusal);

/// Counts open client connections, overall and per address, over all workers, in memory of fixed
/// size: an address costs an entry only while it holds a connection. Safe from any thread; outlives
/// its tokens.
class ConnectionBudget {
 public:
    /// One connection. Gives back when destroyed; may be destroyed on any thread.
    class Token {
     public:
        Token() = default;
        Token(Token&& other) noexcept
            : budget_(std::exchange(other.budget_, nullptr)), entry_(other.entry_) {}
        Token& operator=(Token&& other) noexcept {
            std::swap(budget_, other.budget_);
            std::swap(entry_, other.entry_);
            return *this;
        }
        ~Token() {
            if (budget_ != nullptr) budget_->release(entry_);
        }

     private:
        friend class ConnectionBudget;
        Token(ConnectionBudget* budget, std::uint32_t entry) : budget_(budget), entry_(entry) {}
        ConnectionBudget* budget_ = nullptr;
        std::uint32_t entry_ = 0;
    };

    /// @param capacity  the most that connections_max may ever become: memory is 24 bytes each
    ConnectionBudget(std::uint32_t capacity, ConnectionLimits limits);

    [[nodiscard]] std::expected<Token, BudgetRefusal> acquire(const ClientNetwork& client);
    /// For a reload; what is open stays open. connections_max above the capacity counts as the
    /// capacity.
    void set_limits(ConnectionLimits limits);
    [[nodiscard]] std::uint32_t capacity() const {
        return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    [[nodiscard]] std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
    struct Entry {
        std::uint64_t key = 0;
        std::uint32_t bucket = 0;
        std::uint32_t connections = 0;
        std::uint32_t next = 0;
    };
    struct Bucket {
        SpinLock lock;
        std::uint32_t first = 0;
    };

    [[nodiscard]] bool take_overall();
    [[nodiscard]] std::uint32_t take_entry();
    void free_entry(std::uint32_t index);
    void release(std::uint32_t entry);

    KeyedHash hash_ = KeyedHash::random();
    std::vector<Entry> entries_;  ///< from 1; 0 means none
    std::vector<Bucket> buckets_;
    std::uint64_t bucket_mask_ = 0;
    SpinLock free_lock_;
    std::uint32_t free_ = 0;
    std::atomic<std::uint32_t> open_ = 0;
    std::atomic<std::uint32_t> connections_max_;
    std::atomic<std::uint32_t> per_address_max_;
};

}  // namespace gh::access

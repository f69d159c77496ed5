#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

// Where counts live: every thread of the request path adds to memory of its own, a scrape adds it
// all up.

namespace gh::telemetry {

/// Shard 0 is for every thread that is not a worker; 1 .. 64 are the workers', one thread each at a
/// time.
inline constexpr std::size_t shards_max = 65;

namespace detail {
inline constinit thread_local std::uint32_t this_shard = 0;
}

/// Tells whose counts this thread makes. A worker calls it once at its start with 1 .. 64, which it
/// has for itself alone as long as it lives: two threads on one of these lose counts. An index
/// beyond them means 0, which any number of threads may share at the price of an atomic addition.
inline void set_shard(std::size_t index) noexcept {
    detail::this_shard = index < shards_max ? static_cast<std::uint32_t>(index) : 0;
}
[[nodiscard]] inline std::size_t shard() noexcept { return detail::this_shard; }

/// 512 numbers per shard. A shard's memory is made when its thread first counts here.
class CellBlock {
 public:
    static constexpr std::size_t cells_max = 512;
    using Cell = std::atomic<std::uint64_t>;

    CellBlock() = default;
    CellBlock(const CellBlock&) = delete;
    CellBlock& operator=(const CellBlock&) = delete;

    /// The calling thread's numbers.
    class Local {
     public:
        void add(std::size_t slot, std::uint64_t n) const noexcept {
            Cell& cell = cells_[slot];
            if (shared_) {
                cell.fetch_add(n, std::memory_order_relaxed);
            } else {  // one writer: no locked instruction
                cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
            }
        }

     private:
        friend CellBlock;
        Local(Cell* cells, bool shared) noexcept : cells_(cells), shared_(shared) {}
        Cell* cells_;
        bool shared_;
    };

    [[nodiscard]] Local local() noexcept {
        const auto index = detail::this_shard;
        Cell* cells = shards_[index].load(std::memory_order_acquire);
        if (cells == nullptr) [[unlikely]]
            cells = open(index);
        return {cells, index == 0};
    }

    /// Over all shards; what other threads add meanwhile is in it or not.
    [[nodiscard]] std::uint64_t sum(std::size_t slot) const noexcept;

    /// Makes sum(slot) `value`, give or take what other threads add meanwhile.
    void set(std::size_t slot, std::uint64_t value) noexcept;

 private:
    [[nodiscard]] Cell* open(std::size_t index) noexcept;

    std::array<std::atomic<Cell*>, shards_max> shards_{};
    std::array<std::unique_ptr<Cell[]>, shards_max> owned_;
};

/// Hands out slots. They are never given back: a series lives as long as its registry.
class CellStore {
 public:
    struct Place {
        CellBlock* block;
        std::uint32_t slot;
    };

    /// @param count  neighbouring cells, at most CellBlock::cells_max
    [[nodiscard]] Place take(std::size_t count);

 private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<CellBlock>> blocks_;
    std::size_t used_ = CellBlock::cells_max;  // of the last block
};

}  // namespace gh::telemetry

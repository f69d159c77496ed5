#include "telemetry/cells.hpp"

namespace gh::telemetry {

CellBlock::Cell* CellBlock::open(std::size_t index) noexcept {
    auto fresh = std::make_unique<Cell[]>(cells_max);
    Cell* expected = nullptr;
    // Threads of shard 0 may meet here; a set() from outside may open it as well.
    Cell* cells = fresh.get();
    if (!shards_[index].compare_exchange_strong(expected, cells, std::memory_order_acq_rel))
        return expected;
    owned_[index] = std::move(fresh);  // only who won gets here
    return cells;
}

std::uint64_t CellBlock::sum(std::size_t slot) const noexcept {
    std::uint64_t total = 0;
    for (const auto& shard : shards_) {
        const Cell* cells = shard.load(std::memory_order_acquire);
        if (cells != nullptr) total += cells[slot].load(std::memory_order_relaxed);
    }
    return total;
}

void CellBlock::set(std::size_t slot, std::uint64_t value) noexcept {
    Cell* shared = shards_[0].load(std::memory_order_acquire);
    if (shared == nullptr) shared = open(0);
    std::uint64_t others = 0;
    for (std::size_t i = 1; i < shards_max; ++i) {
        const Cell* cells = shards_[i].load(std::memory_order_acquire);
        if (cells != nullptr) others += cells[slot].load(std::memory_order_relaxed);
    }
    shared[slot].store(value - others, std::memory_order_relaxed);  // modulo 2^64, as all sums here
}

CellStore::Place CellStore::take(std::size_t count) {
    const std::scoped_lock lock(mutex_);
    if (CellBlock::cells_max - used_ < count) {
        blocks_.push_back(std::make_unique<CellBlock>());
        used_ = 0;
    }
    const Place place{blocks_.back().get(), static_cast<std::uint32_t>(used_)};
    used_ += count;
    return place;
}

}  // namespace gh::telemetry

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "telemetry/cells.hpp"

namespace gh::exporting {

/// Lines on their way to a writer: one buffer per shard, a bound over all of them.
class LogQueue {
 public:
    /// @param bytes_max    waiting over all shards, taken batches included until they are given
    /// back
    /// @param batch_bytes  a buffer this full is worth waking the writer
    LogQueue(std::size_t bytes_max, std::size_t batch_bytes) noexcept;

    enum class Added : unsigned char { yes, batch_is_full, no_room };
    /// Copies `line` into the calling thread's shard. May throw std::bad_alloc.
    [[nodiscard]] Added add(std::string_view line);

    /// Every add() that begins after this finds no room.
    void shut() noexcept { shut_.store(true, std::memory_order_release); }

    /// What one shard held, and the share of the bound that it takes up.
    struct Batch {
        std::string text;
        std::size_t share = 0;
    };
    /// For the writer: exchanges the shard's buffer for the one in `batch`, which is empty.
    /// @return false when the shard holds nothing; `batch` is untouched then
    [[nodiscard]] bool take(std::size_t shard, Batch& batch);

    /// Returns the share and makes `batch` ready for the next take().
    void give_back(Batch& batch);

 private:
    struct alignas(64) Shard {
        std::mutex mutex;
        std::string text;
        std::size_t share =
            0;  // of bytes_max_, reserved in steps so that few additions touch `reserved_`
    };
    [[nodiscard]] bool reserve(Shard& shard, std::size_t bytes) noexcept;

    const std::size_t bytes_max_;
    const std::size_t batch_bytes_;
    const std::size_t step_;
    std::atomic<std::size_t> reserved_{0};
    std::atomic<bool> shut_{false};
    std::array<Shard, telemetry::shards_max> shards_;
};

}  // namespace gh::exporting

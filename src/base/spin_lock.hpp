#pragma once

#include <atomic>
#include <cstdint>

namespace gh {

/// For a few dozen instructions on state that all workers share. Four bytes; all zero is unlocked,
/// so that tables of them may begin as zeroed memory. Fits std::lock_guard.
class SpinLock {
 public:
    void lock() noexcept {
        if (std::atomic_ref(state_).exchange(1, std::memory_order_acquire) != 0) wait();
    }
    [[nodiscard]] bool try_lock() noexcept {
        return std::atomic_ref(state_).exchange(1, std::memory_order_acquire) == 0;
    }
    void unlock() noexcept { std::atomic_ref(state_).store(0, std::memory_order_release); }

 private:
    void wait() noexcept;  ///< spins a little, then yields: the holder may have lost its core

    std::uint32_t state_ = 0;
};

}  // namespace gh

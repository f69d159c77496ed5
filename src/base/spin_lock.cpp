#include "base/spin_lock.hpp"

#include <sched.h>

namespace gh {
namespace {

constexpr int spins_max = 64;

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void SpinLock::wait() noexcept {
    for (;;) {
        for (int i = 0; i < spins_max; ++i) {
            if (std::atomic_ref(state_).load(std::memory_order_relaxed) == 0 && try_lock()) return;
            relax();
        }
        ::sched_yield();
    }
}

}  // namespace gh

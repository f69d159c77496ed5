#include "base/signal_stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "base/sanitized.hpp"

namespace gh {
namespace {

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;

/// With a page below it that nobody can touch.
class SignalStack {
 public:
    SignalStack() noexcept {
        if (sanitized) return;
        stack_t before{};
        if (::sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
        void* memory = ::mmap(nullptr, guard_ + stack_bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (memory == MAP_FAILED) return;
        memory_ = static_cast<std::byte*>(memory);
        ::mprotect(memory_, guard_, PROT_NONE);
        const stack_t ours{.ss_sp = memory_ + guard_, .ss_flags = 0, .ss_size = stack_bytes};
        ::sigaltstack(&ours, nullptr);
    }
    ~SignalStack() {
        if (memory_ == nullptr) return;
        const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
        ::sigaltstack(&none, nullptr);
        ::munmap(memory_, guard_ + stack_bytes);
    }
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;

 private:
    const std::size_t guard_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::byte* memory_ = nullptr;
};

}  // namespace

void leave_fault_signals(sigset_t& mask) noexcept {
    for (const int signal : fault_signals) ::sigdelset(&mask, signal);
}

void keep_signal_stack() noexcept { thread_local const SignalStack stack; }

}  // namespace gh

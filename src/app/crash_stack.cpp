#include "app/crash_stack.hpp"

#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include <optional>

#include "profile/stack.hpp"

namespace gh::app {
namespace {

void push(CrashStack& stack, std::uint64_t address) noexcept {
    if (stack.count < CrashStack::frames_max) stack.frames[stack.count++] = address;
}

/// The tables' walk begins in the handler: what is above the interrupted code is left out.
struct Walk {
    CrashStack& stack;
    std::uint64_t from;
    bool begun = false;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) noexcept {
    auto& walk = *static_cast<Walk*>(data);
    int exact = 0;  // where a signal struck, and not where a call returns to
    const std::uint64_t address = _Unwind_GetIPInfo(context, &exact);
    walk.begun = walk.begun || (exact != 0 && address == walk.from);
    if (address == 0 && walk.stack.count > 0) return _URC_END_OF_STACK;
    if (walk.begun) push(walk.stack, exact != 0 ? address : address - 1);
    return walk.stack.count < CrashStack::frames_max ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::optional<std::uint64_t> word_at(std::uint64_t address) noexcept {
    std::uint64_t word = 0;
    const iovec here{.iov_base = &word, .iov_len = sizeof word};
    const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = sizeof word};
    if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != sizeof word) return std::nullopt;
    return word;
}

void walk_frames(CrashStack& stack, std::uint64_t frame) noexcept {
    while (stack.count < CrashStack::frames_max && frame % sizeof(std::uint64_t) == 0) {
        const auto next = word_at(frame);
        const auto back = word_at(frame + sizeof(std::uint64_t));
        if (!next || !back || *back == 0) return;
        push(stack, *back - 1);
        if (*next <= frame) return;  // a stack grows one way
        frame = *next;
    }
}

}  // namespace

void walk_crashed(CrashStack& stack, const void* context) noexcept {
    const auto registers = profile::registers_of(context);
    Walk walk{stack, registers.code};
    _Unwind_Backtrace(&visit, &walk);
    if (stack.count > 1) return;
    stack.count = 0;
    push(stack, registers.code);
#if defined(__x86_64__)
    // A call into nowhere has left its return address, and not touched the frame.
    if (const auto back = word_at(registers.stack); back && *back != 0) push(stack, *back - 1);
#endif
    walk_frames(stack, registers.frame);
}

void prepare_crash_walk() noexcept {
    CrashStack stack;
    Walk walk{stack, 0};
    _Unwind_Backtrace(&visit, &walk);
}

}  // namespace gh::app

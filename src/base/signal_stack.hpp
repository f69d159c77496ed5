#pragma once

#include <csignal>

namespace gh {

/// Signals that say that something is broken: a fault of this thread, or abort().
inline constexpr int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// Takes them out of a mask: a fault that is blocked ends the process without a word.
void leave_fault_signals(sigset_t& mask) noexcept;

/// Gives the calling thread a stack of its own for signal handlers, so that one can still run when the other is full. It goes with
/// the thread; again does nothing. Without memory for it there is none. Sanitizers bring theirs.
void keep_signal_stack() noexcept;

}  // namespace gh

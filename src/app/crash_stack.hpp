#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::app {

/// How the code that a signal interrupted came to where it is: addresses of code, innermost first; of callers, within the
/// instruction that calls.
struct CrashStack {
    static constexpr std::size_t frames_max = 64;
    std::array<std::uint64_t, frames_max> frames{};
    std::size_t count = 0;
};

/// For a signal handler. Walks by the tables that exceptions use, which know the libraries too; where those lead nowhere, as behind
/// a call of a null pointer, by frame pointers, reading memory through the kernel so that it cannot fault.
/// @param context  the handler's third argument
void walk_crashed(CrashStack& stack, const void* context) noexcept;

/// Does what only a first walk does: a handler must not allocate. At the start.
void prepare_crash_walk() noexcept;

}  // namespace gh::app

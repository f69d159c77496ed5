#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

// How a thread came to where it is. Our code is compiled with frame pointers, so a walk follows them, and reads nothing but the
// thread's own stack: it cannot fault, takes no lock and allocates nothing, which tables for exceptions do not promise.

namespace gh::profile {

/// Addresses of code, innermost first; of callers, within the instruction that calls.
struct Stack {
    static constexpr std::size_t depth_max = 62;
    std::uint64_t depth = 0;
    std::array<std::uint64_t, depth_max> frames;

    void push(std::uint64_t address) noexcept {
        if (depth < depth_max) frames[depth++] = address;
    }
};

/// What a processor held when a thread was interrupted, or is at a call.
struct Registers {
    std::uint64_t code = 0;
    std::uint64_t frame = 0;
    std::uint64_t stack = 0;
};
/// Of what a signal interrupted.
/// @param context  the handler's third argument
[[nodiscard]] Registers registers_of(const void* context) noexcept;

/// Memory of this process as it was: which may be a stack, which holds code.
class MemoryMap {
 public:
    /// Reads /proc/self/maps; empty where that cannot be had.
    [[nodiscard]] static MemoryMap read();

    /// Behind the last byte of the piece of memory that `address` is in, of which a stack may be the lower part; 0: in none.
    [[nodiscard]] std::uint64_t stack_end(std::uint64_t address) const noexcept;
    [[nodiscard]] bool is_code(std::uint64_t address) const noexcept;

 private:
    struct Range {
        std::uint64_t begin, end;
    };
    static const Range* range_of(const std::vector<Range>& ranges, std::uint64_t address) noexcept;
    std::vector<Range> writable_, code_;  // in order
};

/// Walks up from `at`. Where a library without frame pointers is in between, its callers among ours are looked for on the
/// stack and its own are left out.
/// @param code  whether an address may be code; null: any
void walk(Stack& stack, Registers at, std::uint64_t stack_end, const MemoryMap* code) noexcept;

}  // namespace gh::profile

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "profile/pprof.hpp"

// What lies on the heap, by where it was asked for. One allocation in about 512 KiB is remembered until it is given back, so that
// counting costs the others a subtraction. Memory of secrets is not from the heap, and not in here.

namespace gh::profile {

inline constexpr std::size_t bytes_between_samples = std::size_t{512} << 10;  // on average

namespace heap {

/// What operator new and operator delete do (operator_new.cpp). Throws std::bad_alloc.
[[nodiscard, gnu::noinline]] void* allocate(std::size_t size);
void release(void* memory) noexcept;

}  // namespace heap

/// Counts from here on, where operator_new.cpp is linked. Again does nothing.
void begin_sampling();

/// Live bytes by stack, as far as they were sampled, each standing for those between it and the sample before. Types are
/// "inuse_objects" and "inuse_space".
struct LiveHeap {
    std::vector<StackValues> stacks;
    std::uint64_t samples = 0;
    std::uint64_t dropped = 0;  ///< samples there was no room for
    bool counted = false;       ///< false: this build does not replace operator new
};
/// Takes some milliseconds with a lock that a worker may want: rarely, and on a thread that may wait.
[[nodiscard]] LiveHeap live_heap(Names& names);

}  // namespace gh::profile

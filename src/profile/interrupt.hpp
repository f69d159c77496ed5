#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/mapped_memory.hpp"
#include "profile/stack.hpp"

// Threads are asked where they are by the signal SIGPROF. Its handler writes into memory that was made before, and nothing
// else: no lock, no allocation. Interrupted system calls go on (SA_RESTART); those that never do, ours repeat.

namespace gh::profile {

/// From here on SIGPROF does no harm. At the start; again does nothing.
void install_interrupt();

/// Where `thread` of this process is now. Waits for its answer, some milliseconds at most; one caller at a time.
/// @param map  of its stack, read after it started
/// @return nothing: it is gone, blocks the signal, or did not get to run
[[nodiscard]] std::optional<Stack> stack_of(pid_t thread, const MemoryMap& map);

/// What a thread was at when its timer went off.
struct Sample {
    std::atomic<bool> ready;
    pid_t thread;
    Stack stack;
};

/// Where the handler puts what timers ask for: one at a time in the process.
class SampleBuffer {
 public:
    explicit SampleBuffer(std::size_t samples_max);
    /// Stops first.
    ~SampleBuffer();
    SampleBuffer(const SampleBuffer&) = delete;
    SampleBuffer& operator=(const SampleBuffer&) = delete;

    /// From here on samples come in. @return false: another buffer takes them already
    [[nodiscard]] bool start();
    /// When this returns no handler writes any more.
    void stop() noexcept;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] const Sample& operator[](std::size_t index) const noexcept;
    /// Samples that had no room.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

    /// In the handler.
    void take(const void* context) noexcept;

 private:
    const std::size_t samples_max_;
    MappedMemory memory_;
    const MemoryMap map_ = MemoryMap::read();
    std::atomic<std::size_t> taken_{0};
};

}  // namespace gh::profile

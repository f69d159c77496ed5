#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/error.hpp"

namespace gh::app {

/// How many cores this process may run on.
[[nodiscard]] std::size_t cores();

/// The file-descriptor limit, raised as far as the system allows.
[[nodiscard]] std::uint64_t descriptors_max();

/// No core file of this process is written, and nobody but root may look into its memory: keys are in it.
void keep_out_of_dumps();

/// Whether what is in memory may come to lie on a disk.
enum class Swapping : std::uint8_t { locked, no_swap, possible };
/// Keeps the memory of this process out of swap, where it may (CAP_IPC_LOCK, or no limit on locked memory).
[[nodiscard]] Swapping lock_memory();

/// A directory of ours, 0700 when it is made here.
/// @return `unavailable` "data_dir"; the detail says what to do
[[nodiscard]] Result<void> make_directory(const std::filesystem::path& path);

/// May others than its owner look into it, or write there?
[[nodiscard]] bool open_to_others(const std::filesystem::path& directory);

/// What the house acts upon: SIGTERM and SIGINT, SIGHUP, SIGUSR1.
[[nodiscard]] sigset_t our_signals();

}  // namespace gh::app

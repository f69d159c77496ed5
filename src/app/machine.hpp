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

/// A directory of ours, 0700 when it is made here.
/// @return `unavailable` "data_dir"; the detail says what to do
[[nodiscard]] Result<void> make_directory(const std::filesystem::path& path);

/// May others than its owner look into it, or write there?
[[nodiscard]] bool open_to_others(const std::filesystem::path& directory);

/// What the house acts upon: SIGTERM and SIGINT, SIGHUP, SIGUSR1.
[[nodiscard]] sigset_t our_signals();

}  // namespace gh::app

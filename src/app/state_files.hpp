#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "base/error.hpp"
#include "storage/backup/line.hpp"

namespace gh::app {

/// Is it a file of the data directory that a backup holds: "ca.pem", "keys/NAME", "keys/seal.json", "keys/master.key", "fallback_db/SEGMENT.jsonl"? Names come
/// out of backups, so nothing else is written anywhere.
[[nodiscard]] bool is_state_file(std::string_view name);

/// Gives each of them to `take`, the journal's so far as they are whole. Before the database is read: what the journal lets
/// go of afterwards is in the database by then.
/// @return `unavailable` "backup.io", and what `take` returns
[[nodiscard]] Result<void> read_state_files(
    const std::filesystem::path& data_dir,
    const std::function<Result<void>(storage::backup::File)>& take);

/// Is there any of them?
[[nodiscard]] bool has_state_files(const std::filesystem::path& data_dir);

}  // namespace gh::app

#pragma once

#include <filesystem>
#include <memory>

#include "storage/config.hpp"
#include "storage/database.hpp"
#include "storage/observer.hpp"

namespace gh::storage {

/// The database that `storage.url` names; gatehouse.db in the data directory where it names none. A file is opened here
/// and now, a server in the background: it may come later than we do.
///
/// @param data_dir  exists
/// @param log       may be null
/// @return          the errors of opening SQLite
[[nodiscard]] Result<std::unique_ptr<Database>> open_database(const StorageConfig& config,
                                                              const std::filesystem::path& data_dir,
                                                              Observer& observer,
                                                              telemetry::Log* log);

}  // namespace gh::storage

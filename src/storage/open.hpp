#pragma once

#include <filesystem>
#include <memory>
#include <string>

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

/// The database that `storage.url` names, as logs and messages may show it: without a password.
[[nodiscard]] std::string place_of(const StorageConfig& config,
                                   const std::filesystem::path& data_dir);

/// Takes the variables of libpq (PGHOSTADDR, PGSERVICE, ...: all that begin with PG) out of the process's environment, some
/// of which would decide over what a connection is told. Before there are other threads.
void forget_postgres_environment();

}  // namespace gh::storage

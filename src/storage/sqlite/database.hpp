#pragma once

#include <filesystem>
#include <memory>

#include "storage/config.hpp"
#include "storage/database.hpp"
#include "storage/observer.hpp"

namespace gh::storage {

/// The embedded engine: one thread writes, a few read. What several callers write in the same moment is committed as one
/// group, so that they share the wait for the disk; each one's work is still whole or absent.
///
/// @param file  made when missing; its folder must exist
/// @return      the errors of opening
[[nodiscard]] Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file,
                                                            const PoolConfig& pool,
                                                            Observer& observer);

}  // namespace gh::storage

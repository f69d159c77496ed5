#pragma once

#include <memory>

#include "storage/config.hpp"
#include "storage/database.hpp"
#include "storage/observer.hpp"
#include "storage/url.hpp"

namespace gh::storage {

/// The engine for a server: a loop of its own on a thread of its own, where libpq never blocks and work suspends at each
/// answer. Returns at once, whether the server is there or not; connections are made in the background.
///
/// @param log  of connections that fail and come back; may be null
[[nodiscard]] std::unique_ptr<Database> open_postgres(PostgresUrl url, const PoolConfig& pool,
                                                      Observer& observer, telemetry::Log* log);

}  // namespace gh::storage

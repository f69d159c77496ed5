#pragma once

#include <memory>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace gh::storage {

class Database;

/// Shows a database's connections as `database_connections{pool,state}` while it lives. Its last member, so that a
/// scrape never sees one that is half gone.
class Gauges {
 public:
    /// @param pool  "sqlite" or "postgres"
    Gauges(telemetry::Registry& registry, std::string_view pool, const Database& database);
    ~Gauges();
    Gauges(const Gauges&) = delete;
    Gauges& operator=(const Gauges&) = delete;

 private:
    struct Shown;
    std::shared_ptr<Shown> shown_;  // with the collector, which outlives us
};

}  // namespace gh::storage

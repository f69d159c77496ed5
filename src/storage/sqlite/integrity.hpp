#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/observer.hpp"
#include "storage/sqlite/connection.hpp"

namespace gh::storage {

/// What is wrong with a database, at most 20 findings; none: it is whole. First whether its pages hold together, then
/// whether indexes say what their tables do, then whether rows refer to rows that are there. Reads all of the file.
/// @return other errors than `corrupt`, which is a finding
[[nodiscard]] Result<std::vector<std::string>> find_damage(SqliteConnection& connection,
                                                           const std::atomic<bool>& stop);

/// Looks once, in the background and behind everybody else, whether a database is whole. What it finds is logged and shown as
/// `database_damaged`, `database_checked_timestamp_seconds`.
class IntegrityCheck {
 public:
    /// @param file  there; others may read and write it meanwhile
    IntegrityCheck(std::filesystem::path file, telemetry::Registry& registry, telemetry::Log& log);
    /// Gives up what is under way.
    ~IntegrityCheck();
    IntegrityCheck(const IntegrityCheck&) = delete;
    IntegrityCheck& operator=(const IntegrityCheck&) = delete;

    [[nodiscard]] bool found_damage() const { return damaged_.load(std::memory_order_relaxed); }

 private:
    void run();
    void tell(const Result<std::vector<std::string>>& findings);

    const std::filesystem::path file_;
    telemetry::Log& log_;
    telemetry::Gauge& damaged_gauge_;
    telemetry::Gauge& checked_gauge_;
    telemetry::Registry own_registry_;  // a page that takes a minute is no slow query of the house
    Observer observer_{own_registry_, nullptr, std::chrono::hours(24)};
    std::unique_ptr<SqliteConnection> connection_;
    std::atomic<bool> damaged_{false}, stop_{false}, ended_{false};
    std::jthread thread_;
};

}  // namespace gh::storage

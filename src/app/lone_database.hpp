#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "storage/database.hpp"
#include "storage/observer.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// The database for whoever may work on it only while no other gatehouse does, by one connection. Nodes on other machines are
/// not kept out: they are seen by their connections.
class LoneDatabase {
 public:
    /// For open().
    LoneDatabase();
    /// @param name  what the connection calls itself: "gatehouse restore"
    /// @return errors of storage::open_database()
    [[nodiscard]] static Result<std::unique_ptr<LoneDatabase>> open(const Settings& settings,
                                                                    const std::string& name);
    /// Are there connections of other nodes, also a moment later? None of SQLite's: whoever asks holds the DataFolder alone.
    /// @return `conflict` with this reason
    [[nodiscard]] Result<void> check_alone(std::string_view reason);
    [[nodiscard]] storage::Database& database() { return *database_; }

 private:
    telemetry::Registry registry_;
    storage::Observer observer_;
    std::optional<std::string>
        others_;  ///< how the house's connections call themselves; nothing: SQLite
    std::unique_ptr<storage::Database> database_;
};

}  // namespace gh::app

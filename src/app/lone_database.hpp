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

/// The database for whoever may work on it only while no other gatehouse does, by one connection. Nodes on other machines that
/// run are seen by their connections; those that start, and others like this one, are kept out: State::check_schema().
class LoneDatabase {
 public:
    /// For open().
    LoneDatabase();
    LoneDatabase(const LoneDatabase&) = delete;
    LoneDatabase& operator=(const LoneDatabase&) = delete;
    ~LoneDatabase();
    /// @param name  what the connection calls itself: "gatehouse restore"
    /// @return errors of storage::open_database()
    [[nodiscard]] static Result<std::unique_ptr<LoneDatabase>> open(const Settings& settings,
                                                                    const std::string& name);
    /// Keeps others out from now on. Are there connections of other nodes, also a moment later? None of SQLite's: whoever
    /// asks holds the DataFolder alone. To be asked again before what counts, for a connection may have been lost.
    /// @return `conflict` with this reason
    [[nodiscard]] Result<void> check_alone(std::string_view reason);
    [[nodiscard]] storage::Database& database() { return *database_; }

 private:
    [[nodiscard]] Task<Result<std::string>> others() const;

    telemetry::Registry registry_;
    storage::Observer observer_;
    std::optional<std::string>
        others_;  ///< how the house's connections call themselves; nothing: SQLite
    std::unique_ptr<storage::Database> database_;
};

}  // namespace gh::app

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "access/revocable.hpp"
#include "app/kill_records.hpp"
#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::app {

/// Ends all that a principal has, in one transaction with its record in the audit log, and tells what was seen of it.
/// Each node that runs looks after what is open there, and says so in the database: see KillWatch.
class KillSwitch {
 public:
    static constexpr milliseconds patience{1'500};  ///< for what is to be observed

    /// @param planes  in the order in which they end; outlive it, as the database does
    KillSwitch(storage::Database& database, std::vector<access::Revocable*> planes)
        : database_(database), records_(database), planes_(std::move(planes)) {}

    struct Order {
        std::string id;
        access::Target target;
        std::string reason, made_by;
        /// May they who ask end a credential with these rights? Nobody to say so: they may.
        std::function<bool(const access::Rights&)> may = {};
    };
    /// All of it or nothing.
    /// @param record  its object and details are said here
    /// @return        `not_found` "kill.unknown"; `conflict` "user.last_admin"; `permission_denied`
    ///                "role.above_own"; errors of the database
    [[nodiscard]] Task<Result<Kill>> end(Order order, audit::Record record);
    /// What would end. @return `not_found` "kill.unknown"; `permission_denied` "role.above_own"
    [[nodiscard]] Task<Result<Kill>> look(Order order);
    /// Waits until every node has seen it or `patience` is over, ends what has come in between, looks at what is left, and keeps
    /// the receipt.
    /// @param began  when it was asked for
    [[nodiscard]] Task<Result<Kill>> observe(Kill kill, SteadyTime began);

    /// A receipt, judged again where it was not complete: nodes may have answered since.
    [[nodiscard]] Task<Result<Kill>> find(std::string id);

    [[nodiscard]] KillRecords& records() { return records_; }

 private:
    /// @return has every node seen it?
    [[nodiscard]] Task<Result<bool>> read_nodes(Kill& kill);
    [[nodiscard]] Task<Result<void>> read_held(Kill& kill);
    [[nodiscard]] Task<Result<void>> end_again(Kill& kill);
    void tell_rooms(const Kill& kill);

    storage::Database& database_;
    KillRecords records_;
    const std::vector<access::Revocable*> planes_;
};

}  // namespace gh::app

#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "access/revocable.hpp"
#include "app/house.hpp"
#include "app/kill_records.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/task.hpp"
#include "identity/revocations.hpp"
#include "net/loop.hpp"
#include "storage/database.hpp"

namespace gh::app {

/// A node's part of kills: ends what is open here, sees whether it has ended, and says so in the database. From coroutines
/// on any loop.
class KillWatch {
 public:
    struct Parts {
        storage::Database& database;
        identity::RevocationRepository& recorded;
        identity::RevocationSource& revocations;
        /// Certificates that were revoked since, so that this node refuses them.
        std::function<Task<Result<void>>(SystemTime since)> learn_certificates;
        std::filesystem::path data_dir;
    };
    explicit KillWatch(Parts parts);
    KillWatch(const KillWatch&) = delete;
    KillWatch& operator=(const KillWatch&) = delete;

    /// "3fa9c2d0:host-3:0198c5..": an id that its data directory keeps, the host, and another end for each start.
    [[nodiscard]] const std::string& node() const { return node_; }
    /// Before anybody asks.
    void watch(std::span<const std::unique_ptr<Crew>> crews);

    /// A kill and what was open here before.
    struct Seen {
        Kill kill;
        std::size_t open = 0;
        /// While there is one, nobody else here looks after it; who lets go of it before it is seen leaves it to the next round.
        std::shared_ptr<void> claim = {};
    };
    /// This one is looked after by who calls: open exchanges of the principal, before it.
    [[nodiscard]] Task<Seen> take(std::string id, access::Target target);
    /// Those of which this node has said nothing yet; what is open of them begins to end.
    [[nodiscard]] Task<Result<std::vector<Seen>>> begin();
    /// Waits until nothing of them is open here, all at once and not for long, and says what was seen.
    [[nodiscard]] Task<Result<void>> finish(std::vector<Seen> begun);
    /// Every `alive_every`: this node is to be waited for.
    static constexpr seconds alive_every{5};
    [[nodiscard]] Task<Result<void>> say_alive();
    /// At the end: nobody is to wait for this node.
    [[nodiscard]] Task<Result<void>> leave() { return records_.leave(node_, {}); }

 private:
    using CountOpen = std::size_t (*)(gateway::Worker&, const access::Target&);
    /// Of each of them.
    [[nodiscard]] Task<std::vector<std::size_t>> sums(std::vector<access::Target> targets,
                                                      CountOpen of_worker);
    [[nodiscard]] Task<Result<void>> learn(SystemTime since);
    [[nodiscard]] bool refuses(const Kill& kill) const;
    /// @return null: somebody has it
    [[nodiscard]] std::shared_ptr<void> claim(std::string id);
    void take_place();

    Parts parts_;
    KillRecords records_;
    std::optional<FileLock> lock_;  // who has it has outlived whoever had it before
    std::string place_, node_;      // the one begins the other
    std::vector<std::pair<std::shared_ptr<net::Mailbox>, gateway::Worker*>> workers_;
    struct Claims {
        std::mutex mutex;
        std::set<std::string> ids;
    };
    const std::shared_ptr<Claims> claims_ = std::make_shared<Claims>();
    std::optional<SystemTime> seen_until_;  // of the clerk's loop, as what follows
    bool alone_ = false;                    // earlier starts in its place are gone
};

}  // namespace gh::app

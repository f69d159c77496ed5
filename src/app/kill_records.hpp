#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/revocable.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/revocations.hpp"
#include "storage/database.hpp"

namespace gh::app {

/// What a principal had of one kind, and what is left of it.
struct KillItem {
    std::string plane, kind;  ///< "certificates", "enrolments"
    std::int64_t ended = 0, left = 0;
    friend bool operator==(const KillItem&, const KillItem&) = default;
};

/// What one node has seen of a kill.
struct KillSighting {
    std::string node;
    std::int64_t open_before = 0;  ///< exchanges of the principal: requests, streams, tunnels
    std::int64_t open_after = 0;
    bool refused = false;                         ///< credentials from before it
    std::optional<SystemTime> at = {};            ///< nothing: the node said nothing
    std::optional<SystemTime> silent_since = {};  ///< of one that said nothing, where it is known
    friend bool operator==(const KillSighting&, const KillSighting&) = default;
};

/// A receipt: whom, why, by whom, what was ended and what was observed.
struct Kill {
    std::string id;
    access::Target target;
    std::string reason;
    std::string made_by;
    SystemTime made_at;
    std::vector<KillItem> held;
    std::vector<KillSighting> nodes;   ///< by name
    bool complete = false;             ///< nothing is left, on any node
    std::optional<milliseconds> took;  ///< nothing: nobody has looked
};

struct KillPage {
    std::size_t limit = 50;
    std::size_t offset = 0;
    std::optional<std::pair<SystemTime, std::string>> after;  ///< go on behind it
    std::optional<std::string> principal;
};

/// Receipts, and who has seen what of them. Errors besides storage's: `not_found` "kill.unknown_receipt".
class KillRecords {
 public:
    explicit KillRecords(storage::Database& database) : database_(database) {}

    /// Within the transaction that ends what there is: with the nodes that are to see it.
    [[nodiscard]] static Task<Result<void>> put(storage::Session& session, Kill kill);
    /// What came of it.
    [[nodiscard]] Task<Result<void>> settle(Kill kill);

    [[nodiscard]] Task<Result<Kill>> find(std::string id);
    /// The newest first.
    [[nodiscard]] Task<Result<std::vector<Kill>>> list(KillPage page);
    static constexpr std::size_t unseen_max = 100;
    /// What was open still is looked at so long.
    static constexpr seconds asked_again{60};
    /// Those made since of which this node has not seen the end, the first `unseen_max`, without what nodes have seen.
    [[nodiscard]] Task<Result<std::vector<Kill>>> unseen(std::string node, SystemTime since);

    [[nodiscard]] Task<Result<void>> sight(std::string id, KillSighting sighting);
    [[nodiscard]] Task<Result<std::vector<KillSighting>>> sightings(std::string id);

    /// A node is there, until it leaves or was silent for longer than anybody believes a token of ours.
    static constexpr auto silent_max = identity::token_lifetime_max;
    [[nodiscard]] Task<Result<void>> say_alive(std::string node);
    /// Those whose names begin so are gone, with all that was open there.
    /// @param but  this one is not; empty: none
    [[nodiscard]] Task<Result<void>> leave(std::string beginning, std::string but);
    /// By the database's clock, which all nodes have.
    [[nodiscard]] Task<Result<SystemTime>> time();

 private:
    storage::Database& database_;
};

}  // namespace gh::app

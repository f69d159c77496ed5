#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "agents/import/dump.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::agents {

struct Imported {
    struct Count {
        std::size_t written = 0;
        std::size_t there = 0;  ///< already, from the time before
    };
    std::array<Count, kinds.size()> counts;  ///< by Kind
    std::vector<Skipped> skipped;

    [[nodiscard]] Count& of(Kind kind) { return counts[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const Count& of(Kind kind) const {
        return counts[static_cast<std::size_t>(kind)];
    }
};

/// Called after each batch, which is durable then.
using Progress = std::function<void(Kind kind, std::size_t done, std::size_t all)>;

/// Writes a dump into the database, a batch at a time; again, it writes nothing twice, and goes on where it was cut off.
///
/// Agents are announced and have not come: each wants a one-time token. One whose name an agent of ours has is that agent. Tokens
/// are kept as ended ones, since what they were hashed with is not known here. Acts come into the audit log as of now, with the
/// moment they tell of beside them.
[[nodiscard]] Task<Result<Imported>> import_dump(storage::Database& database, Dump dump,
                                                 SystemTime now, Progress progress);

}  // namespace gh::agents

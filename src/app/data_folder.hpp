#pragma once

#include "app/settings.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace gh::app {

/// The data directory in use, for as long as this lives: by any number at once (`serve`, verbs beside it), or by one that
/// replaces what is in it. The lock is on DATA/lock and goes with the process.
///
/// Whoever comes first after a restore that was killed brings it to its end, or undoes it: see Restoring.
class DataFolder {
 public:
    enum class Use : std::uint8_t { shared, alone };

    /// @param settings  whose data_dir is there
    /// @return `conflict` "data_dir.in_use": the detail says by whom and what to do; errors of Restoring::settle()
    [[nodiscard]] static Result<DataFolder> open(const Settings& settings, Use use);

 private:
    explicit DataFolder(UniqueFd lock) : lock_(std::move(lock)) {}
    UniqueFd lock_;
};

}  // namespace gh::app

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"
#include "vault/config.hpp"

namespace gh::app {

struct ImportOptions {
    std::filesystem::path file;             ///< a `.env`
    std::string folder{vault::env_folder};  ///< where its variables go in the vault
    bool backup = false;                    ///< keep a sealed copy first
    bool verify_only = false;               ///< write nothing
    bool overwrite = false;                 ///< also where the vault has another value
    std::vector<std::string> keep;          ///< names that stay in the file
    bool delete_env = false;                ///< the file goes, sealed copy kept
    std::filesystem::path sealed;           ///< open-backup: what to open
};

/// `secrets import`: the secrets of a `.env` into the vault, each read back and compared, and only then the file without them.
/// Killed anywhere, the file is what it was, or what it shall be and the vault has everything.
[[nodiscard]] CommandResult secrets_import(Overrides overrides, const Surroundings& surroundings,
                                           const ImportOptions& options);

/// `secrets open-backup`: prints what an import has kept.
[[nodiscard]] CommandResult secrets_open_backup(const Overrides& overrides,
                                                const Surroundings& surroundings,
                                                const ImportOptions& options);

}  // namespace gh::app

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/dotenv.hpp"
#include "vault/barrier.hpp"

/// Copies of `.env` files that imports have kept, each a sealed file of its own.
namespace gh::app {

inline constexpr const char* kept_folder = "backups";  ///< in the data directory
inline constexpr std::string_view kept_kind = "env backup";
inline constexpr std::size_t kept_bytes_max = 2 * config::dotenv_bytes_max;

struct RenewedCopies {
    std::uint64_t sealed = 0;
    std::vector<std::string>
        unopened;  ///< paths of those that opened with neither, and stay as they are
};

/// Seals those in the data directory with `barrier` that are sealed with `former`. Other files are left alone.
/// @return `unavailable` "file.io": the detail names the file that cannot be read
[[nodiscard]] Result<RenewedCopies> renew_kept_copies(const std::filesystem::path& data_dir,
                                                      const vault::Barrier& barrier,
                                                      const vault::Barrier& former);

}  // namespace gh::app

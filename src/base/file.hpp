#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

/// Files of ours, and how they change: whole or not at all.
namespace gh {

/// @return `unavailable` "file.io"
[[nodiscard]] Result<UniqueFd> open_directory(const std::filesystem::path& directory);

/// Replaces `name` in `directory`: written beside as ".NAME.new", synced, renamed, the directory synced. Whoever reads
/// sees the old or the new file, also after a power cut. Writers of one name take turns (a lock on the directory).
/// @return `unavailable` "file.io": the old file stays, unless the last sync was what failed
[[nodiscard]] Result<void> replace_file(const UniqueFd& directory, std::string_view name,
                                        std::string_view content, mode_t mode);

/// Whose a file is.
struct FileOwner {
    uid_t user;
    gid_t group;
};

/// The same for a file of somebody else: it is his before it has its name, so that nothing is ever changed through the name.
[[nodiscard]] Result<void> replace_file(const UniqueFd& directory, std::string_view name,
                                        std::string_view content, mode_t mode, FileOwner owner);

/// Could that be done? Makes a file of this owner beside, and removes it.
/// @return `unavailable` "file.io", also where `name` is a mount of its own, as containers have them
[[nodiscard]] Result<void> check_replaceable(const UniqueFd& directory, std::string_view name,
                                             FileOwner owner);

/// Makes `name` in `directory`, as whole as replace_file() does, where there is none of this name. Waits for nobody: for
/// folders of others, too.
/// @return `conflict` "file.exists": there is; `unavailable` "file.io"
[[nodiscard]] Result<void> create_file(const UniqueFd& directory, std::string_view name,
                                       std::string_view content, mode_t mode);

/// Opens `name` in `directory`, which must be a regular file and no link, to read it. Never waits, as for a pipe it would.
/// @return `not_found` "file.absent", `invalid_argument` "file.kind", `unavailable` "file.io"
[[nodiscard]] Result<UniqueFd> open_file(const UniqueFd& directory, std::string_view name);

/// Is there something of this name, be it a link that leads nowhere? @return `unavailable` "file.io": nobody can tell
[[nodiscard]] Result<bool> file_exists(const std::filesystem::path& file);

/// Removes a file for good, also if the power goes; one that is not there is removed. @return `unavailable` "file.io"
[[nodiscard]] Result<void> remove_file(const UniqueFd& directory, std::string_view name);

/// The whole of an open file. @return `corrupt` "file.too_long", `unavailable` "file.io"
[[nodiscard]] Result<std::string> read_file(const UniqueFd& file, std::size_t bytes_max);

/// The same for a path; links are not followed.
[[nodiscard]] Result<std::string> read_file_at(const std::filesystem::path& file,
                                               std::size_t bytes_max);

/// An exclusive lock that lasts as long as the object; the kernel frees it when the process dies.
class FileLock {
 public:
    /// Makes the file when it is missing. Tries for `patience`: only for work at start and in the background.
    /// @return `unavailable` "file.locked" or "file.io"
    [[nodiscard]] static Result<FileLock> acquire(const std::filesystem::path& file,
                                                  std::chrono::milliseconds patience);

 private:
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace gh

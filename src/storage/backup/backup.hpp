#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "storage/backup/file.hpp"
#include "storage/backup/line.hpp"
#include "storage/database.hpp"
#include "storage/migration.hpp"

// A backup is one file for both engines: the rows of the house as they were at one moment, and files of the data
// directory. It is read into an SQLite file of its own first; what is not whole is found out there.

namespace gh::storage::backup {

/// Told now and then how many rows are done.
using Progress = std::function<void(std::uint64_t rows)>;

/// The first line, of a database at these steps of its schema.
[[nodiscard]] Header header_of(std::span<const Migration> steps, const Database& database,
                               std::string version, SystemTime now);

/// Writes every row of every table, as one transaction sees them. Keeps nobody from writing meanwhile.
/// @param database  one whose statements may take long
/// @param manifest  the files are in it already
/// @return errors of the sink and of the session; `unavailable` "backup.interrupted": the connection ended, begin anew
[[nodiscard]] Task<Result<void>> write_rows(Database& database, std::span<const Migration> steps,
                                            Sink& sink, Manifest& manifest, Progress progress);

/// What read_backup() found.
struct Contents {
    Header header;
    Manifest manifest;
};

/// Reads a backup whole, with its rows into a new SQLite file, and looks at that file again: are these the rows that were
/// written, each once, and do they refer to what is there? Then brings it to the schema of this program.
///
/// @param migrations  all that this program knows
/// @param database    made anew, 0600, synced; what stands there goes, also when this fails
/// @param take_file   given each file of the data directory
/// @param also        what else belongs into the new database
/// @return `corrupt` "backup.damaged"; `conflict` "backup.newer" (a schema that this program does not know), "backup.changed"
///         (of another build); `exhausted` "storage.full"; errors of the source and of `take_file`
[[nodiscard]] Result<Contents> read_backup(
    Source& source, std::span<const Migration> migrations, const std::filesystem::path& database,
    const std::function<Result<void>(const File&)>& take_file, const Progress& progress,
    Also<Contents> also = {});

/// Replaces every row of a database by those of an SQLite file which read_backup() made, in one transaction that also
/// migrates and leaves a mark; for PostgreSQL. Whoever reads at the same time sees the old rows or the new ones.
///
/// @param mark  what last_mark() tells from then on
/// @return errors of migration and of the session, `unavailable` "storage.commit_unknown" among them: then ask last_mark()
[[nodiscard]] Task<Result<void>> put_rows(Database& database, std::span<const Migration> migrations,
                                          std::filesystem::path from, std::string mark,
                                          Progress progress);

/// Of the last put_rows() that was committed; empty where there was none. Waits for one that is under way.
[[nodiscard]] Task<Result<std::string>> last_mark(Database& database);

/// Other connections of the same user to this database under this application name: nodes that are still running.
[[nodiscard]] Task<Result<std::uint64_t>> others_connected(Database& database,
                                                           std::string application_name);

/// Are there steps of the schema in it: is it anybody's?
[[nodiscard]] Task<Result<bool>> in_use(Database& database);

}  // namespace gh::storage::backup

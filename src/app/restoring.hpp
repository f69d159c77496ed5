#pragma once

#include <filesystem>
#include <string>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "storage/backup/line.hpp"

namespace gh::app {

/// The files of a restored house on their way into the data directory: all of them or none, also when the process is killed.
///
/// They are laid out beside those in use, in DATA/restored/ and, for SQLite, in DATABASE.restored. Once all are on disk a
/// note is left in DATA/restored/complete. From then on they take the places of the others, one by one, and each step may be
/// done again. Of PostgreSQL the note names the transaction that the files belong to: whether it was committed decides.
/// By who has the data directory alone.
class Restoring {
 public:
    /// Did a restore end before its end? One look at the disk.
    [[nodiscard]] static bool left(const std::filesystem::path& data_dir);
    /// Brings one that was killed to its end, or takes it back.
    /// @return `unavailable` "restore.io"; "restore.undecided": the database must answer first; the detail says what to do
    [[nodiscard]] static Result<void> settle(const Settings& settings);

    /// Makes room. @return `unavailable` "restore.io"
    [[nodiscard]] static Result<Restoring> begin(const Settings& settings);
    /// Takes back what was laid out, unless put_in_place() or leave() was called.
    ~Restoring();
    Restoring(Restoring&& other) noexcept;
    Restoring& operator=(Restoring&&) = delete;

    /// Where the SQLite file is to be made.
    [[nodiscard]] std::filesystem::path database() const;
    /// @return `corrupt` "backup.damaged" (no file of ours), `unavailable` "restore.io", `exhausted` "restore.full"
    [[nodiscard]] Result<void> take(const storage::backup::File& file);
    /// Everything is there; from now on a process that is killed has restored.
    /// @param mark  of the transaction in PostgreSQL that decides instead; empty for SQLite
    [[nodiscard]] Result<void> complete(const std::string& mark);
    /// Nobody knows whether that transaction was committed: leaves all as it is, for settle().
    void leave() { abandoned_ = false; }
    /// After complete(), and after that transaction.
    [[nodiscard]] Result<void> put_in_place();

 private:
    explicit Restoring(const Settings& settings);

    std::filesystem::path data_dir_;
    std::filesystem::path sqlite_;  // what it replaces; empty: PostgreSQL
    bool certificate_ = false;
    bool abandoned_ = true;
};

/// The SQLite file of these settings; empty: PostgreSQL.
[[nodiscard]] std::filesystem::path sqlite_file_of(const Settings& settings);

}  // namespace gh::app

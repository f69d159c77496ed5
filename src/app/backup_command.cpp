#include "app/backup_command.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "app/backup_progress.hpp"
#include "app/data_folder.hpp"
#include "app/restoring.hpp"
#include "app/state_files.hpp"
#include "app/unseal.hpp"
#include "app/verb_state.hpp"
#include "app/version.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "storage/backup/backup.hpp"
#include "storage/fallback.hpp"
#include "storage/open.hpp"
#include "telemetry/metrics.hpp"
#include "vault/sealed_key_store.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;
using storage::backup::Contents;
using storage::backup::Manifest;
using storage::backup::Sink;
using storage::backup::Source;

// One page or one transaction at a time, and the data may be large.
constexpr auto patience = std::chrono::hours(24);

/// A database as a backup reads it.
struct Opened {
    telemetry::Registry registry;
    storage::Observer observer{registry, nullptr, milliseconds(patience)};
    std::unique_ptr<storage::Database> database;
};

const crypto::Secret* passphrase_of(const BackupOptions& options) {
    return options.passphrase ? &*options.passphrase : nullptr;
}

/// The disk may be full or the file too large: then we say so, and are not ended.
void survive_large_files() { ::signal(SIGXFSZ, SIG_IGN); }

Result<std::unique_ptr<Opened>> open_for_reading(const Settings& settings) {
    const auto sqlite = sqlite_file_of(settings);
    std::error_code unknown;
    if (!sqlite.empty() && !std::filesystem::exists(sqlite, unknown)) {
        return fail(ErrorKind::not_found, "backup.nothing",
                    "there is no database " + sqlite.string() +
                        " to back up; name the house with --config or --data");
    }
    auto storage = settings.storage;
    storage.pool.min = 1;
    storage.pool.max = 2;
    storage.pool.statement_timeout = patience;
    auto opened = std::make_unique<Opened>();
    GH_TRY(opened->database,
           storage::open_database(storage, settings.data_dir, opened->observer, nullptr));
    return opened;
}

/// The steps that were applied to it.
Result<std::span<const storage::Migration>> steps_of(storage::Database& database) {
    const auto all = storage::embedded_migrations();
    GH_TRY(const auto state, net::run_to_end(storage::schema_state(database, all)));
    if (state.applied.empty()) {
        return fail(ErrorKind::not_found, "backup.nothing",
                    "there is nothing in the database yet, so nothing to back up");
    }
    return all.first(state.applied.size());
}

/// In a folder, a name that tells when.
path file_of(const path& named) {
    std::error_code unknown;
    if (!std::filesystem::is_directory(named, unknown)) return named;
    auto moment = config::time_text(std::chrono::system_clock::now());
    std::erase_if(moment, [](char c) { return c == '-' || c == ':'; });
    return named / fmt::format("gatehouse-{}.backup", moment);
}

/// Keys and their seal as they belong together: nobody makes or changes the seal meanwhile.
Result<void> take_files(const Settings& settings,
                        const std::function<Result<void>(storage::backup::File)>& take) {
    std::optional<FileLock> lock;
    GH_TRY(const bool has_keys, file_exists(settings.data_dir / "keys"));
    if (has_keys) {
        GH_TRY(lock, lock_seal(settings));
    }
    return read_state_files(settings.data_dir, take);
}

Result<Manifest> write_all(const Settings& settings, storage::Database& database, Sink& sink) {
    namespace backup = storage::backup;
    GH_TRY(const auto steps, steps_of(database));
    const auto header = backup::header_of(steps, database, std::string(version()),
                                          std::chrono::system_clock::now());
    GH_TRY_VOID(sink.line(line_of(header)));
    Manifest manifest;
    const auto take = [&](backup::File file) {
        manifest.add(file);
        auto line = line_of(file);
        auto taken = sink.line(line);
        crypto::wipe(line.data(), line.size());
        crypto::wipe(file.content.data(), file.content.size());
        return taken;
    };
    GH_TRY_VOID(take_files(settings, take));
    GH_TRY_VOID(net::run_to_end(
        backup::write_rows(database, steps, sink, manifest, BackupProgress("written"))));
    GH_TRY_VOID(sink.line(end_line(manifest, sink.sha256())));
    return manifest;
}

std::string counts_of(const Manifest& manifest) {
    return fmt::format("{} rows of {} tables and {} files", manifest.rows(), manifest.tables.size(),
                       manifest.files.size());
}

struct Written {
    path file;
    Manifest manifest;
    std::string untold;  ///< why the audit log does not tell of it; empty: it does
    std::string stale;   ///< why its keys do not open its rows; empty: they do, or nobody can tell
};

/// That somebody has all of it now. An older schema may have no place for that.
Result<void> record(storage::Database& database, const path& file, bool sealed) {
    GH_TRY(const auto steps, steps_of(database));
    if (steps.size() < storage::embedded_migrations().size()) return {};
    auto told = audit::act_of_shell("backup.create", "backup", file.string());
    told.severity = audit::Severity::high;
    told.details = {{"sealed", sealed}};
    auto work = [told](storage::Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await audit::Log::lock(session));
        co_return co_await audit::Log::append(session, told);
    };
    return net::run_to_end(database.write(std::move(work)));
}

/// Keys of before a new master key, which a node has that was not given those of then. A key that lies far away is not asked
/// for that: a backup waits for nobody.
std::string stale_keys(const Settings& settings, storage::Database& database) {
    if (!settings.vault.azure_key.empty()) return {};
    const auto protector = protector_of(settings);
    const auto seal = vault::Seal::open(settings.data_dir / "keys", *protector);
    if (!seal) return {};
    const auto checked = net::run_to_end(keyring_of(*seal)->check(database));
    return checked || checked.error().reason != "keyring.sealed" ? "" : checked.error().detail;
}

Result<Written> write(const Overrides& overrides, const Surroundings& surroundings,
                      const BackupOptions& options) {
    GH_TRY(const auto read, read_settings(overrides, surroundings));
    GH_TRY_VOID(check_data_dir(read.settings));
    GH_TRY(const auto folder, DataFolder::open(read.settings, DataFolder::Use::shared));
    GH_TRY(const auto opened, open_for_reading(read.settings));
    auto file = file_of(options.file);
    GH_TRY(auto sink, Sink::create(file, passphrase_of(options)));
    GH_TRY(auto manifest, write_all(read.settings, *opened->database, sink));
    const auto told = record(*opened->database, file, options.passphrase.has_value());
    // A full disk is a reason to have a backup, not to be refused one.
    if (!told && !storage::is_away(told.error())) return std::unexpected(told.error());
    GH_TRY_VOID(sink.finish());
    return Written{std::move(file), std::move(manifest), told ? "" : describe(told.error()),
                   stale_keys(read.settings, *opened->database)};
}

/// A place that goes with the object.
class Scratch {
 public:
    static Result<Scratch> make() {
        std::error_code error;
        const auto folder = std::filesystem::temp_directory_path(error);
        if (error) {
            return fail_errno(ErrorKind::unavailable, "backup.io",
                              "no folder for temporary files; make TMPDIR name one", error.value());
        }
        auto name = (folder / "gatehouse-verify-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            return fail_errno(ErrorKind::unavailable, "backup.io", name, errno);
        return Scratch(name);
    }
    Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] path database() const { return path_ / "gatehouse.db"; }

 private:
    explicit Scratch(path made) : path_(std::move(made)) {}
    path path_;
};

Result<Contents> verify(const BackupOptions& options) {
    GH_TRY(auto source, Source::open(options.file, passphrase_of(options)));
    GH_TRY(const auto scratch, Scratch::make());
    bool has_seal = false, has_sealed = false;
    const auto look = [&](const storage::backup::File& file) -> Result<void> {
        has_seal = has_seal || path(file.name).filename() == vault::Seal::file_name;
        has_sealed = has_sealed || file.content.starts_with(vault::SealedKeyStore::magic);
        if (is_state_file(file.name)) return {};
        return fail(ErrorKind::corrupt, "backup.damaged",
                    "the backup holds a file that is none of a data directory");
    };
    GH_TRY(auto contents,
           storage::backup::read_backup(source, storage::embedded_migrations(), scratch.database(),
                                        look, BackupProgress("read")));
    if (has_seal || !has_sealed) return contents;
    return fail(ErrorKind::corrupt, "backup.damaged",
                "the backup holds keys that are sealed and not keys/seal.json, without which "
                "nothing opens them: take another one");
}

}  // namespace

CommandResult backup(const Overrides& overrides, const Surroundings& surroundings,
                     const BackupOptions& options) {
    survive_large_files();
    const auto written = write(overrides, surroundings, options);
    if (!written) return failed(written.error());
    auto said = fmt::format("backed up {}\n", counts_of(written->manifest));
    if (!options.passphrase) {
        said +=
            "WARNING: it is not sealed. It holds the keys of this house and of its CA: keep it as "
            "you "
            "keep those, or seal backups with --passphrase-stdin\n";
    }
    if (!written->untold.empty()) {
        said += fmt::format(
            "WARNING: the database took no record, so the audit log does not tell of this backup: "
            "{}\n",
            written->untold);
    }
    if (!written->stale.empty()) {
        said += fmt::format(
            "WARNING: nothing opens what is sealed in this backup, for its keys are not those of "
            "its rows: {}; then make another one\n",
            written->stale);
    }
    return {.exit_code = written->stale.empty() ? 0 : 1,
            .out = written->file.string() + "\n",
            .err = std::move(said)};
}

CommandResult backup_verify(const BackupOptions& options) {
    survive_large_files();
    const auto contents = verify(options);
    if (!contents) return failed(contents.error());
    const auto& header = contents->header;
    return {.exit_code = 0,
            .out = fmt::format(
                "{}: whole: {}, made {} by gatehouse {} on {}, at step {} of the schema\n",
                options.file.string(), counts_of(contents->manifest), header.made_at,
                header.version, header.engine, header.schema.size()),
            .err = {}};
}

}  // namespace gh::app

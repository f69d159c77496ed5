#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <utility>

#include "app/backup_command.hpp"
#include "app/backup_progress.hpp"
#include "app/data_folder.hpp"
#include "app/lone_database.hpp"
#include "app/machine.hpp"
#include "app/restoring.hpp"
#include "app/state_files.hpp"
#include "app/unseal.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "audit/note.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "storage/backup/backup.hpp"

namespace gh::app {
namespace {

using storage::backup::Contents;

/// The server to restore into. Nothing where the engine is SQLite.
Result<std::unique_ptr<LoneDatabase>> open_server(const Settings& settings) {
    if (!settings.storage.url ||
        !std::holds_alternative<storage::PostgresUrl>(*settings.storage.url))
        return nullptr;
    return LoneDatabase::open(settings, "gatehouse restore");
}

std::unexpected<Error> not_empty(const std::string& what) {
    return fail(ErrorKind::conflict, "restore.not_empty",
                what +
                    " is in use by a house already; restore elsewhere, or add --force to replace "
                    "all of it");
}

Result<void> check_empty(const Settings& settings, LoneDatabase* server) {
    if (has_state_files(settings.data_dir)) return not_empty(settings.data_dir.string());
    const auto sqlite = sqlite_file_of(settings);
    std::error_code unknown;
    if (!sqlite.empty() && std::filesystem::exists(sqlite, unknown))
        return not_empty(sqlite.string());
    if (server == nullptr) return {};
    GH_TRY(const auto used, net::run_to_end(storage::backup::in_use(server->database())));
    return used ? not_empty("the PostgreSQL database") : Result<void>{};
}

/// The rows into the server, then the files that belong to them.
Result<void> put_into(LoneDatabase& server, const Settings& settings, Restoring& restoring) {
    const auto id = uuid_v7(std::chrono::system_clock::now());
    const std::string mark(view(id));
    GH_TRY_VOID(restoring.complete(mark));
    auto put = net::run_to_end(
        storage::backup::put_rows(server.database(), storage::embedded_migrations(),
                                  restoring.database(), mark, BackupProgress("put in place")));
    if (put) return restoring.put_in_place();
    if (put.error().reason != "storage.commit_unknown") return put;
    restoring.leave();
    GH_TRY_VOID(Restoring::settle(settings));
    GH_TRY(const auto last, net::run_to_end(storage::backup::last_mark(server.database())));
    return last == mark ? Result<void>{} : put;
}

/// Size and root hash of the newest checkpoint of the log that is replaced, as the file has them; empty without one.
std::string kept_checkpoint(const std::filesystem::path& data_dir) {
    const auto note = read_file_at(data_dir / "audit" / "checkpoint", audit::note_bytes_max);
    if (!note) return {};
    // Origin, size, hash: a line each.
    const auto first = note->find('\n') + 1;
    const auto second = note->find('\n', first) + 1;
    const auto end = note->find('\n', second);
    if (first == 0 || second == 0 || end == std::string::npos) return "unreadable";
    return note->substr(first, second - 1 - first) + " " + note->substr(second, end - second);
}

struct Restored {
    Contents contents;
    bool checkpoint_aside = false;
};

Result<Restored> restore_into(const Settings& settings, const BackupOptions& options) {
    GH_TRY_VOID(make_directory(settings.data_dir));
    GH_TRY(const auto folder, DataFolder::open(settings, DataFolder::Use::alone));
    GH_TRY(auto source, storage::backup::Source::open(
                            options.file, options.passphrase ? &*options.passphrase : nullptr));
    GH_TRY(const auto server, open_server(settings));
    if (!options.force) GH_TRY_VOID(check_empty(settings, server.get()));
    if (server) GH_TRY_VOID(server->check_alone("restore.in_use"));
    GH_TRY(auto restoring, Restoring::begin(settings));
    const auto take = [&](const storage::backup::File& file) { return restoring.take(file); };
    const auto record = audit::act_of_shell("backup.restore", "backup", options.file.string());
    const auto replaced = kept_checkpoint(settings.data_dir);
    const auto say = [&replaced](audit::Record& told, const Contents& read) {
        told.severity = audit::Severity::high;
        told.details = {{"made_at", read.header.made_at}, {"engine", read.header.engine}};
        if (!replaced.empty()) told.details.push_back({"checkpoint_before", replaced});
    };
    GH_TRY(auto contents, storage::backup::read_backup(
                              source, storage::embedded_migrations(), restoring.database(), take,
                              BackupProgress("read"), audit::also<Contents>(record, say)));
    if (server) {
        GH_TRY_VOID(put_into(*server, settings, restoring));
    } else {
        GH_TRY_VOID(restoring.complete({}));
        GH_TRY_VOID(restoring.put_in_place());
    }
    return Restored{std::move(contents), !replaced.empty()};
}

/// What the vault of a backup wants that is not in it; empty: nothing.
std::string wanted_for_vault(const std::filesystem::path& data_dir) {
    const auto keys = data_dir / "keys";
    if (!vault::Seal::exists(keys).value_or(true) || own_key_opens(data_dir).value_or(false))
        return {};
    const auto kinds = vault::Seal::kinds(keys);
    if (!kinds) return fmt::format("WARNING: {}\n", kinds.error().detail);
    return fmt::format(
        "its vault is sealed for: {}; it starts where the configuration names the same under "
        "vault\n",
        *kinds);
}

}  // namespace

CommandResult restore(const Overrides& overrides, const Surroundings& surroundings,
                      const BackupOptions& options) {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    const auto restored = restore_into(read->settings, options);
    if (!restored) return failed(restored.error());
    const auto& contents = restored->contents;
    auto said = fmt::format(
        "restored {} rows and {} files of the backup made {}; start it with "
        "gatehouse serve\n",
        contents.manifest.rows(), contents.manifest.files.size(), contents.header.made_at);
    if (restored->checkpoint_aside) {
        said += fmt::format(
            "the audit log goes on from the backup; the checkpoint of the log it replaced is kept "
            "in {}\n",
            (read->settings.data_dir / "audit" / "checkpoint.before-restore").string());
    }
    said += wanted_for_vault(read->settings.data_dir);
    return {.exit_code = 0, .out = {}, .err = std::move(said)};
}

}  // namespace gh::app

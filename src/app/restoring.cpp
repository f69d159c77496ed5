#include "app/restoring.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "app/state_files.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "base/unique_fd.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "net/run_task.hpp"
#include "storage/backup/backup.hpp"
#include "storage/open.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

constexpr std::string_view note_name = "complete";
constexpr std::size_t note_bytes_max = 8 * 1024;
constexpr const char* folders[] = {"keys", "fallback_db"};

path place(const path& data_dir) { return data_dir / "restored"; }
path laid_out(const path& database) { return database.native() + ".restored"; }

std::unexpected<Error> io_error(const path& file, int error_number) {
    const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
    if (!full) return fail_errno(ErrorKind::unavailable, "restore.io", file.string(), error_number);
    return fail_errno(ErrorKind::exhausted, "restore.full",
                      file.string() + ": there is no room; nothing was changed", error_number);
}

bool is_there(const path& file) {
    struct stat facts{};
    return ::lstat(file.c_str(), &facts) == 0;
}

Result<void> flush(const path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return io_error(file, errno);
    return {};
}

Result<void> put(const path& from, const path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error(to, errno);
    return {};
}

Result<void> drop(const path& file) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return io_error(file, errno);
    return {};
}

Result<void> make_folder(const path& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0) return io_error(folder, errno);
    return {};
}

/// What is left beside a note.
struct Note {
    std::string mark;  ///< of the transaction that decides; empty: the note does
    path sqlite;       ///< what is replaced; empty: PostgreSQL
    bool certificate = false;
};

std::string text_of(const Note& note) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("mark").string(note.mark).name("sqlite").string(note.sqlite.native());
    out.name("certificate").boolean(note.certificate).end_object();
    return text + "\n";
}

Result<std::optional<Note>> read_note(const path& data_dir) {
    const auto file = place(data_dir) / note_name;
    if (!is_there(file)) return std::nullopt;
    const auto text = read_file_at(file, note_bytes_max);
    const auto parsed = text ? codec::json::parse(*text) : std::unexpected(text.error());
    const auto* mark = parsed ? parsed->find_string("mark") : nullptr;
    const auto* sqlite = parsed ? parsed->find_string("sqlite") : nullptr;
    const auto* certificate = parsed ? parsed->find("certificate") : nullptr;
    if (!mark || !sqlite || !certificate || !certificate->boolean()) {
        return fail(ErrorKind::corrupt, "restore.note",
                    file.string() +
                        " cannot be read; run gatehouse restore --force again after "
                        "removing it");
    }
    return Note{*mark, *sqlite, *certificate->boolean()};
}

/// A folder takes the place of the other, which is kept until all is done.
Result<void> replace_folder(const path& data_dir, const char* name) {
    const auto from = place(data_dir) / name;
    if (!is_there(from)) return {};  // done before
    const auto to = data_dir / name;
    if (is_there(to)) GH_TRY_VOID(put(to, place(data_dir) / (std::string("old-") + name)));
    return put(from, to);
}

/// What stood in the old one's log must not be read into the new one.
Result<void> replace_database(const path& file) {
    if (file.empty() || !is_there(laid_out(file))) return {};
    for (const char* suffix : {"-wal", "-shm", "-journal"})
        GH_TRY_VOID(drop(file.native() + suffix));
    GH_TRY_VOID(put(laid_out(file), file));
    return flush(file.parent_path());
}

Result<void> replace_certificate(const path& data_dir, bool has_one) {
    const auto from = place(data_dir) / "ca.pem", to = data_dir / "ca.pem";
    if (!has_one) return drop(to);
    return is_there(from) ? put(from, to) : Result<void>{};
}

/// What was signed for the log that was here says nothing of the one that is restored; it is kept, for it says what is
/// missing.
Result<void> set_checkpoint_aside(const path& data_dir) {
    const auto folder = data_dir / "audit";
    if (!is_there(folder / "checkpoint")) return {};
    GH_TRY_VOID(put(folder / "checkpoint", folder / "checkpoint.before-restore"));
    return flush(folder);
}

/// The note goes first: without it what is left there is of no account.
Result<void> clear(const path& data_dir, const path& sqlite) {
    GH_TRY_VOID(drop(place(data_dir) / note_name));
    if (is_there(place(data_dir))) GH_TRY_VOID(flush(place(data_dir)));
    if (!sqlite.empty()) {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            GH_TRY_VOID(drop(laid_out(sqlite).native() + suffix));
    }
    std::error_code error;
    std::filesystem::remove_all(place(data_dir), error);
    if (error) return io_error(place(data_dir), error.value());
    return {};
}

Result<void> carry_out(const path& data_dir, const Note& note) {
    GH_TRY_VOID(replace_database(note.sqlite));
    for (const char* folder : folders) GH_TRY_VOID(replace_folder(data_dir, folder));
    GH_TRY_VOID(replace_certificate(data_dir, note.certificate));
    GH_TRY_VOID(set_checkpoint_aside(data_dir));
    // Passwords of the house that was here.
    for (const char* file : {"admin-password", "user-password", "guest-password"})
        GH_TRY_VOID(drop(data_dir / file));
    GH_TRY_VOID(flush(data_dir));
    return clear(data_dir, {});
}

/// Was the transaction committed that the files belong to?
Result<bool> committed(const Settings& settings, const std::string& mark) {
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, milliseconds(60'000));
    auto storage = settings.storage;
    storage.pool.min = 1;
    Result<std::string> last = fail(ErrorKind::unavailable, "storage.open");
    auto database = storage::open_database(storage, settings.data_dir, observer, nullptr);
    if (database && (*database)->dialect() == storage::Dialect::postgres)
        last = net::run_to_end(storage::backup::last_mark(**database));
    if (last) return *last == mark;
    return fail(ErrorKind::unavailable, "restore.undecided",
                fmt::format("a restore into PostgreSQL was cut short, and only that database knows "
                            "whether it was done: make it answer and try again ({})",
                            describe(last.error())));
}

}  // namespace

path sqlite_file_of(const Settings& settings) {
    if (!settings.storage.url) return settings.data_dir / "gatehouse.db";
    const auto* sqlite = std::get_if<storage::SqliteUrl>(&*settings.storage.url);
    if (sqlite == nullptr) return {};
    std::error_code no_working_directory;
    auto whole = std::filesystem::absolute(sqlite->file, no_working_directory);
    return no_working_directory ? sqlite->file : whole;
}

bool Restoring::left(const path& data_dir) { return is_there(place(data_dir)); }

Result<void> Restoring::settle(const Settings& settings) {
    const auto& data_dir = settings.data_dir;
    if (!left(data_dir)) return {};
    GH_TRY(const auto note, read_note(data_dir));
    if (note && !note->mark.empty()) {
        GH_TRY(const bool done, committed(settings, note->mark));
        if (!done) return clear(data_dir, sqlite_file_of(settings));
    }
    return note ? carry_out(data_dir, *note) : clear(data_dir, sqlite_file_of(settings));
}

Restoring::Restoring(const Settings& settings)
    : data_dir_(settings.data_dir), sqlite_(sqlite_file_of(settings)) {}

Restoring::Restoring(Restoring&& other) noexcept
    : data_dir_(std::move(other.data_dir_)),
      sqlite_(std::move(other.sqlite_)),
      certificate_(other.certificate_),
      abandoned_(std::exchange(other.abandoned_, false)) {}

Restoring::~Restoring() {
    if (abandoned_) std::ignore = clear(data_dir_, sqlite_);
}

Result<Restoring> Restoring::begin(const Settings& settings) {
    Restoring made(settings);
    GH_TRY_VOID(make_folder(place(made.data_dir_)));
    for (const char* folder : folders) GH_TRY_VOID(make_folder(place(made.data_dir_) / folder));
    return made;
}

path Restoring::database() const {
    return sqlite_.empty() ? place(data_dir_) / "rows.db" : laid_out(sqlite_);
}

Result<void> Restoring::take(const storage::backup::File& file) {
    if (!is_state_file(file.name)) {
        return fail(ErrorKind::corrupt, "backup.damaged",
                    "the backup holds a file that is none of a data directory");
    }
    const auto to = place(data_dir_) / file.name;
    const bool open_to_all = file.name == "ca.pem";
    certificate_ = certificate_ || open_to_all;
    GH_TRY(const auto folder, open_directory(to.parent_path()));
    const auto written =
        replace_file(folder, to.filename().native(), file.content, open_to_all ? 0644 : 0600);
    if (!written) {
        return fail(ErrorKind::unavailable, "restore.io",
                    to.string() + ": " + written.error().detail + "; nothing was changed");
    }
    return {};
}

Result<void> Restoring::complete(const std::string& mark) {
    for (const char* folder : folders) GH_TRY_VOID(flush(place(data_dir_) / folder));
    GH_TRY_VOID(flush(place(data_dir_)));
    GH_TRY_VOID(flush(data_dir_));
    if (!sqlite_.empty()) GH_TRY_VOID(flush(sqlite_.parent_path()));
    GH_TRY(const auto folder, open_directory(place(data_dir_)));
    const auto text = text_of({mark, sqlite_, certificate_});
    if (auto written = replace_file(folder, note_name, text, 0600); !written)
        return fail(ErrorKind::unavailable, "restore.io", written.error().detail);
    return {};
}

Result<void> Restoring::put_in_place() {
    abandoned_ = false;
    return carry_out(data_dir_, {.mark = {}, .sqlite = sqlite_, .certificate = certificate_});
}

}  // namespace gh::app

#include "app/import_command.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "app/secret_acts.hpp"
#include "app/secret_fields.hpp"
#include "app/vault_secrets.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "config/problem.hpp"
#include "crypto/burned.hpp"
#include "net/run_task.hpp"
#include "vault/env_file.hpp"
#include "vault/sealed_file.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

constexpr std::string_view backup_kind = "env backup";

/// A file as it was read: what is written later is for this one and no other.
struct EnvFile {
    path folder, name;
    std::string text;
    struct stat facts{};

    EnvFile() = default;
    EnvFile(EnvFile&&) = default;
    EnvFile& operator=(EnvFile&&) = default;
    EnvFile(const EnvFile&) = delete;
    EnvFile& operator=(const EnvFile&) = delete;
    ~EnvFile() { crypto::wipe(text.data(), text.size()); }

    [[nodiscard]] path whole() const { return folder / name; }
};

Result<EnvFile> read_env(const path& named) {
    EnvFile file;
    std::error_code gone;
    const auto whole = std::filesystem::absolute(named, gone);
    file.folder = whole.parent_path();
    file.name = whole.filename();
    if (::lstat(whole.c_str(), &file.facts) != 0) {
        return fail(ErrorKind::not_found, "import.absent",
                    fmt::format("there is no file {}", config::quote(named.native())));
    }
    if (S_ISLNK(file.facts.st_mode)) {
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: {} is a link; name the file it leads to",
                                config::quote(named.native())));
    }
    auto text = read_file_at(whole, config::dotenv_bytes_max);
    if (!text) {
        auto error = std::move(text).error();
        if (error.reason == "file.too_long")
            error.detail = fmt::format("{} is larger than 256 KiB", config::quote(named.native()));
        return std::unexpected(std::move(error));
    }
    file.text = *std::move(text);
    return file;
}

/// What became of a variable, or would.
struct Row {
    std::string name, path, state;
    enum class Kind : std::uint8_t { sealed, waits, refused, stays } kind = Kind::waits;
};

/// Variables that open the vault or its database: they cannot be in it.
std::set<std::string, std::less<>> opening(const config::Origins& origins) {
    std::set<std::string, std::less<>> names;
    for (const auto key : opening_keys()) {
        if (const auto name = origins.decider(key); !name.empty()) names.emplace(name);
        const auto* written = origins.find(key);
        constexpr std::string_view begins = "${env:";
        std::string_view text = written ? *written : std::string_view{};
        for (auto at = text.find(begins); at != text.npos; at = text.find(begins)) {
            text.remove_prefix(at + begins.size());
            names.emplace(text.substr(0, text.find('}')));
        }
    }
    return names;
}

bool holds(const vault::OpenedSecret& opened, const config::Secret& value) {
    if (!opened.value) return false;
    const auto fields = one_field(only_field, value.view());
    return crypto::constant_time_equal(opened.value->bytes(), fields.bytes());
}

class Import {
 public:
    Import(const ImportOptions& options, const Surroundings& surroundings, VerbState& house,
           EnvFile file)
        : options_(options),
          surroundings_(surroundings),
          house_(house),
          secrets_(*house.state->database, *house.keyring),
          file_(std::move(file)) {}

    Result<CommandResult> run() {
        auto read = config::parse_dotenv_assignments(file_.text, options_.file.native(),
                                                     surroundings_.environment);
        if (!read) return fail(ErrorKind::invalid_argument, "usage", read.error().line_text());
        assignments_ = *std::move(read);
        found_ = vault::secrets_of(assignments_);
        if (!options_.verify_only) GH_TRY_VOID(keep_backup());
        GH_TRY_VOID(take_all());
        if (!options_.verify_only) GH_TRY_VOID(write_env());
        return result();
    }

 private:
    /// Before anything is changed.
    Result<void> keep_backup() {
        if (!options_.backup && !options_.delete_env) return {};
        const auto folder = house_.settings.data_dir / "backups";
        std::error_code failed;
        std::filesystem::create_directory(folder, failed);
        if (failed) {
            return fail(ErrorKind::unavailable, "file.io",
                        folder.native() + ": " + failed.message());
        }
        if (::chmod(folder.c_str(), 0700) != 0)
            return fail_errno(ErrorKind::unavailable, "file.io", folder.native(), errno);
        const auto now = std::time(nullptr);
        std::tm utc{};
        ::gmtime_r(&now, &utc);
        const auto name = fmt::format("{}.backup_{:04}{:02}{:02}_{:02}{:02}{:02}",
                                      file_.name.native(), utc.tm_year + 1900, utc.tm_mon + 1,
                                      utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
        GH_TRY(const auto directory, open_directory(folder));
        const auto sealed =
            vault::seal_as_file(house_.files, backup_kind, crypto::bytes_of(file_.text));
        constexpr int in_one_second_max = 100;
        for (int i = 1;; ++i) {
            const auto free = i == 1 ? name : fmt::format("{}_{}", name, i);
            auto made = create_file(directory, free, sealed, 0600);
            if (!made && made.error().kind == ErrorKind::conflict && i < in_one_second_max)
                continue;
            backup_ = folder / free;
            return made;
        }
    }

    Result<void> take_all() {
        const auto bound = opening(house_.origins);
        for (const auto& each : found_) {
            Row row{.name = each.name, .path = options_.folder + each.name, .state = {}};
            const auto wrong = crypto::check_secret_strength(each.value.view(), 1);
            const auto misnamed = vault::check_secret_path(row.path);
            if (bound.contains(each.name)) {
                row.kind = Row::Kind::stays;
                row.state = "stays: it opens the vault or its database";
            } else if (!misnamed) {
                row.kind = Row::Kind::refused;
                row.state = "refused: " + misnamed.error().detail;
            } else if (!wrong && (wrong.error().reason == "secret.published" ||
                                  wrong.error().reason == "secret.placeholder")) {
                row.kind = Row::Kind::refused;
                row.state = "refused: " + wrong.error().detail;
            } else {
                GH_TRY_VOID(take(each, row));
            }
            rows_.push_back(std::move(row));
        }
        return {};
    }

    /// One into the vault, and back.
    Result<void> take(const vault::EnvSecret& each, Row& row) {
        const auto there = net::run_to_end(secrets_.get(row.path, 0));
        if (!there && there.error().reason != "secret.unknown")
            return std::unexpected(there.error());
        if (there && holds(*there, each.value)) {
            row.kind = Row::Kind::sealed;
            row.state = fmt::format("version {} has this value", there->version.version);
            return {};
        }
        if (options_.verify_only) {
            row.state = there ? fmt::format("version {} is another value", there->version.version)
                              : "not in the vault";
            return {};
        }
        auto put = secrets_.put(row.path, one_field(only_field, each.value.view()), std::nullopt,
                                std::chrono::system_clock::now(), recorded_secret("secret.put"));
        GH_TRY(const auto change, net::run_to_end(std::move(put)));
        const auto version = change.versions.front();
        GH_TRY(const auto back, net::run_to_end(secrets_.get(row.path, version)));
        if (!holds(back, each.value)) {
            return fail(ErrorKind::corrupt, "import.differs",
                        fmt::format("version {} of {} is not what was written; {} stays as it is",
                                    version, config::quote(row.path), file_.name.native()));
        }
        row.kind = Row::Kind::sealed;
        row.state = fmt::format("sealed as version {}, read back, equal", version);
        return {};
    }

    /// The last step: until here the file is what it was.
    Result<void> write_env() {
        std::vector<vault::MovedVariable> moved;
        for (const auto& row : rows_)
            if (row.kind == Row::Kind::sealed) moved.push_back({row.name, row.path});
        if (moved.empty() && !options_.delete_env) return {};
        if (options_.delete_env && moved.size() != rows_.size()) return {};  // result() says why
        GH_TRY(const auto again, read_env(file_.whole()));
        if (again.text != file_.text || again.facts.st_ino != file_.facts.st_ino) {
            return fail(ErrorKind::conflict, "import.changed",
                        fmt::format("somebody has changed {} meanwhile: it stays as it is; run "
                                    "this again",
                                    file_.name.native()));
        }
        GH_TRY(const auto directory, open_directory(file_.folder));
        if (options_.delete_env) return remove_file(directory, file_.name.native());
        rest_ = vault::without(file_.text, assignments_, moved);
        GH_TRY_VOID(
            replace_file(directory, file_.name.native(), rest_, file_.facts.st_mode & 07777));
        if (file_.facts.st_uid == ::geteuid() && file_.facts.st_gid == ::getegid()) return {};
        if (::chown(file_.whole().c_str(), file_.facts.st_uid, file_.facts.st_gid) == 0) return {};
        return fail_errno(ErrorKind::unavailable, "file.io",
                          "the secrets are in the vault, but " + file_.whole().native() +
                              " has another owner now",
                          errno);
    }

    [[nodiscard]] std::size_t count(Row::Kind kind) const {
        return static_cast<std::size_t>(std::ranges::count(rows_, kind, &Row::kind));
    }

    CommandResult result() const {
        std::size_t names = 4, paths = 7;
        for (const auto& row : rows_) {
            names = std::max(names, row.name.size());
            paths = std::max(paths, row.path.size());
        }
        CommandResult out{.exit_code = 0, .out = {}, .err = {}};
        if (!rows_.empty())
            out.out = fmt::format("{:{}}  {:{}}  {}\n", "NAME", names, "SECRET", paths, "STATE");
        for (const auto& row : rows_)
            out.out +=
                fmt::format("{:{}}  {:{}}  {}\n", row.name, names, row.path, paths, row.state);
        summarize(out);
        return out;
    }

    void summarize(CommandResult& out) const {
        const auto& file = options_.file.native();
        const auto sealed = count(Row::Kind::sealed), refused = count(Row::Kind::refused);
        out.err = rows_.empty() ? fmt::format("{} holds no secret\n", file)
                                : fmt::format("{} of {} secrets of {} are in the vault\n", sealed,
                                              rows_.size(), file);
        if (options_.verify_only) {
            // Whoever asks wants to know whether there is something to do.
            out.exit_code = rows_.empty() ? 0 : 1;
            return;
        }
        if (!backup_.empty())
            out.err += fmt::format("the file as it was: gatehouse secrets open-backup {}\n",
                                   backup_.native());
        if (refused > 0) {
            out.exit_code = 1;
            out.err +=
                "what was refused is no secret: put another value in its place, there and "
                "where it is used, and run this again\n";
        }
        if (options_.delete_env && sealed != rows_.size()) {
            out.exit_code = 1;
            out.err += fmt::format("{} stays as it is, for not all of it is in the vault\n", file);
        }
        for (const auto line : vault::lines_with(rest_, found_moved()))
            out.err += fmt::format("{}:{}: still holds a value that is in the vault\n", file, line);
    }

    [[nodiscard]] std::vector<vault::EnvSecret> found_moved() const {
        std::vector<vault::EnvSecret> moved;
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (rows_[i].kind == Row::Kind::sealed) moved.push_back(found_[i]);
        return moved;
    }

    const ImportOptions& options_;
    const Surroundings& surroundings_;
    VerbState& house_;
    vault::SecretRepository secrets_;
    EnvFile file_;
    std::vector<config::DotenvAssignment> assignments_;
    std::vector<vault::EnvSecret> found_;
    std::vector<Row> rows_;  ///< one for each of them
    path backup_;
    std::string rest_;  ///< of the file
};

}  // namespace

CommandResult secrets_import(const Overrides& overrides, const Surroundings& surroundings,
                             const ImportOptions& options) {
    if (auto folder = vault::check_secret_folder(options.folder); !folder) {
        return failed({ErrorKind::invalid_argument, "usage",
                       "command line: --folder: " + folder.error().detail});
    }
    auto file = read_env(options.file);
    if (!file) return failed(file.error());
    auto opened = open_verb_state(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto done = Import(options, surroundings, **opened, *std::move(file)).run();
    return done ? *std::move(done) : failed(done.error());
}

CommandResult secrets_open_backup(const Overrides& overrides, const Surroundings& surroundings,
                                  const ImportOptions& options) {
    auto opened = open_verb_state(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto sealed = read_file_at(options.sealed, 2 * config::dotenv_bytes_max);
    if (!sealed) return failed(sealed.error());
    const auto text = vault::open_sealed_file((*opened)->files, backup_kind, *sealed);
    if (!text) return failed(text.error());
    auto told = audit::act_of_shell("secret.open_backup", "secret", options.sealed.filename());
    if (auto noted = record_act(*(*opened)->state, std::move(told)); !noted)
        return failed(noted.error());
    return {.exit_code = 0, .out = std::string(crypto::text_of(text->bytes())), .err = {}};
}

}  // namespace gh::app

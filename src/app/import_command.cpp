#include "app/import_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "app/env_on_disk.hpp"
#include "app/kept_copies.hpp"
#include "app/secret_acts.hpp"
#include "app/staying_variables.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "config/problem.hpp"
#include "net/run_task.hpp"
#include "vault/env_file.hpp"
#include "vault/sealed_file.hpp"
#include "vault/secret_fields.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

using Fate = vault::EnvRow::Fate;

bool holds(const vault::OpenedSecret& opened, const config::Secret& value) {
    if (!opened.value) return false;
    const auto fields = vault::one_field(vault::only_field, value.view());
    return crypto::constant_time_equal(opened.value->bytes(), fields.bytes());
}

/// What there is of a row in the vault.
struct InVault {
    std::uint64_t newest = 0;  ///< version; 0: none
    bool same = false;         ///< it is this value
    std::string note;          ///< of the row, behind what became of it
};

class Import {
 public:
    /// @param house  null: there is no vault yet, and nothing is written
    Import(const ImportOptions& options, const config::Environment& process, VerbState* house,
           EnvOnDisk file)
        : options_(options), process_(process), house_(house), file_(std::move(file)) {
        if (house_) secrets_.emplace(*house_->state->database, *house_->keyring);
    }
    Import(const Import&) = delete;
    Import& operator=(const Import&) = delete;
    ~Import() { crypto::wipe(rest_.data(), rest_.size()); }

    /// First all that can be known beforehand, then the vault, then the file.
    Result<CommandResult> run(const vault::EnvReasons& stay) {
        GH_TRY_VOID(decide(stay));
        const bool nothing = count(Fate::moves) == 0 || (options_.delete_env && !goes());
        if (options_.verify_only || nothing) return result();
        GH_TRY_VOID(file_.check_replaceable());
        GH_TRY_VOID(keep_backup());
        if (auto done = seal_all(); !done) return broken(done.error());
        // Until here the file is what it was.
        auto written = goes() ? file_.remove() : file_.replace(rest_);
        if (written) return result();
        auto error = std::move(written).error();
        error.detail = fmt::format("the secrets are in the vault, and {} still holds them: {}",
                                   options_.file.native(), error.detail);
        return broken(error);
    }

 private:
    Result<void> decide(const vault::EnvReasons& stay) {
        auto read =
            config::parse_dotenv_assignments(file_.text(), options_.file.native(), process_);
        if (!read) return fail(ErrorKind::invalid_argument, "usage", read.error().line_text());
        assignments_ = *std::move(read);
        rows_ = vault::rows_of(assignments_, options_.folder, stay);
        there_.resize(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (rows_[i].fate == Fate::moves) GH_TRY_VOID(compare(rows_[i], there_[i]));
        vault::keep_what_is_mentioned(rows_, assignments_);
        settings_ = vault::settings_of(assignments_, rows_);
        rest_ = vault::without(file_.text(), assignments_, rows_);
        const auto changed = vault::changed_in(rest_, file_.text(), rows_, process_);
        if (!changed) return {};
        return fail(ErrorKind::conflict, "import.differs",
                    fmt::format("{} would have another value without the secrets of {}, which "
                                "stays as it is; --keep what it is made of",
                                *changed, file_.name()));
    }

    /// With what the vault has: nothing that somebody else wrote is replaced unasked.
    Result<void> compare(vault::EnvRow& row, InVault& there) {
        there.note = std::exchange(row.state, "not in the vault");
        if (!secrets_) return {};
        const auto found = net::run_to_end(secrets_->get(row.path, 0));
        if (!found && found.error().reason == "secret.unknown") return {};
        if (!found) return std::unexpected(found.error());
        there.newest = found->version.version;
        there.same = holds(*found, row.value);
        if (there.same) {
            row.state = fmt::format("version {} has this value", there.newest);
        } else if (!found->value) {
            row.state = fmt::format("version {} was deleted", there.newest);
        } else {
            row.state = fmt::format("version {} is another value", there.newest);
            if (options_.overwrite) return {};
            row.fate = Fate::refused;
            row.state = fmt::format(
                "refused: {}; --overwrite writes this one, too, --folder puts all elsewhere",
                row.state);
        }
        return {};
    }

    /// The whole file goes: there is nothing else in it.
    [[nodiscard]] bool goes() const {
        return options_.delete_env && !rows_.empty() && settings_.empty() &&
               count(Fate::moves) == rows_.size();
    }

    Result<void> keep_backup() {
        if (!options_.backup && !options_.delete_env) return {};
        GH_TRY(const auto data, open_directory(house_->settings.data_dir));
        if (::mkdirat(data.get(), kept_folder, 0700) != 0 && errno != EEXIST)
            return fail_errno(ErrorKind::unavailable, "file.io", kept_folder, errno);
        const UniqueFd folder(
            ::openat(data.get(), kept_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!folder || ::fsync(data.get()) != 0)
            return fail_errno(ErrorKind::unavailable, "file.io", kept_folder, errno);
        const auto now = std::time(nullptr);
        std::tm utc{};
        ::gmtime_r(&now, &utc);
        const auto name = fmt::format("{}.backup_{:04}{:02}{:02}_{:02}{:02}{:02}", file_.name(),
                                      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                      utc.tm_min, utc.tm_sec);
        const auto sealed =
            vault::seal_as_file(house_->files, kept_kind, crypto::bytes_of(file_.text()));
        constexpr int in_one_second_max = 100;
        for (int i = 1;; ++i) {
            const auto free = i == 1 ? name : fmt::format("{}_{}", name, i);
            auto made = create_file(folder, free, sealed, 0600);
            if (!made && made.error().kind == ErrorKind::conflict && i < in_one_second_max)
                continue;
            backup_ = house_->settings.data_dir / kept_folder / free;
            return made;
        }
    }

    Result<void> seal_all() {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (rows_[i].fate != Fate::moves) continue;
            if (!there_[i].same) GH_TRY_VOID(seal(rows_[i], there_[i]));
            if (!there_[i].note.empty()) rows_[i].state += ", " + there_[i].note;
        }
        return {};
    }

    /// One into the vault, and back.
    Result<void> seal(vault::EnvRow& row, InVault& there) {
        auto put = secrets_->put(row.path, vault::one_field(vault::only_field, row.value.view()),
                                 there.newest, std::chrono::system_clock::now(),
                                 recorded_secret("secret.put"));
        const auto change = net::run_to_end(std::move(put));
        if (!change && change.error().reason == "secret.cas") {
            return fail(ErrorKind::conflict, "secret.cas",
                        fmt::format("somebody wrote {} meanwhile; run this again", row.path));
        }
        if (!change) return std::unexpected(change.error());
        const auto version = change->versions.front();
        GH_TRY(const auto back, net::run_to_end(secrets_->get(row.path, version)));
        if (!holds(back, row.value)) {
            return fail(ErrorKind::corrupt, "import.differs",
                        fmt::format("version {} of {} is not what was written; {} stays as it is",
                                    version, config::quote(row.path), file_.name()));
        }
        there.same = true;
        row.state = fmt::format("sealed as version {}, read back, equal", version);
        return {};
    }

    [[nodiscard]] std::size_t count(Fate fate) const {
        return static_cast<std::size_t>(std::ranges::count(rows_, fate, &vault::EnvRow::fate));
    }

    [[nodiscard]] std::string table() const {
        std::size_t names = 4, paths = 7;
        for (const auto& row : rows_) {
            names = std::max(names, row.name.size());
            paths = std::max(paths, row.path.size());
        }
        if (rows_.empty()) return {};
        auto out = fmt::format("{:{}}  {:{}}  {}\n", "NAME", names, "SECRET", paths, "STATE");
        for (const auto& row : rows_)
            out += fmt::format("{:{}}  {:{}}  {}\n", row.name, names, row.path, paths, row.state);
        return out;
    }

    /// It went wrong when some was done already.
    [[nodiscard]] CommandResult broken(const Error& error) const {
        auto out = failed(error);
        out.out = table();
        return out;
    }

    [[nodiscard]] CommandResult result() const {
        CommandResult out{.exit_code = 0, .out = table(), .err = {}};
        const auto& file = options_.file.native();
        const auto sealed = std::ranges::count(there_, true, &InVault::same);
        out.err = rows_.empty() ? fmt::format("{} holds no secret\n", file)
                                : fmt::format("{} of {} secrets of {} are in the vault\n", sealed,
                                              rows_.size(), file);
        const auto refused = count(Fate::refused);
        if (refused > 0) out.exit_code = 1;
        if (options_.verify_only) {
            // Whoever asks wants to know whether there is something to do.
            if (count(Fate::moves) > 0) out.exit_code = 1;
            return out;
        }
        if (!backup_.empty())
            out.err += fmt::format("the file as it was: gatehouse secrets open-backup {}\n",
                                   backup_.native());
        if (options_.delete_env && !goes()) {
            out.exit_code = 1;
            out.err += why_it_stays();
        }
        if (goes() || count(Fate::moves) == 0) return out;
        for (const auto line : vault::lines_with(rest_, rows_))
            out.err += fmt::format("{}:{}: still holds a value that is in the vault\n", file, line);
        return out;
    }

    [[nodiscard]] std::string why_it_stays() const {
        const auto& file = options_.file.native();
        if (rows_.empty()) return fmt::format("{} stays as it is: remove it yourself\n", file);
        if (settings_.empty())
            return fmt::format("{} stays as it is, for not all of it can go into the vault\n",
                               file);
        return fmt::format(
            "{} stays as it is, for settings would be lost with it: {}; without --delete-env its "
            "secrets go\n",
            file, fmt::join(settings_, ", "));
    }

    const ImportOptions& options_;
    const config::Environment& process_;
    VerbState* const house_;
    std::optional<vault::SecretRepository> secrets_;
    EnvOnDisk file_;
    std::vector<config::DotenvAssignment> assignments_;
    std::vector<vault::EnvRow> rows_;
    std::vector<InVault> there_;         ///< one for each row
    std::vector<std::string> settings_;  ///< names of what else is in the file
    path backup_;
    std::string rest_;  ///< of the file
};

}  // namespace

CommandResult secrets_import(Overrides overrides, const Surroundings& surroundings,
                             const ImportOptions& options) {
    if (auto folder = vault::check_secret_folder(options.folder); !folder) {
        return failed({ErrorKind::invalid_argument, "usage",
                       "command line: --folder: " + folder.error().detail});
    }
    auto file = EnvOnDisk::open(options.file);
    if (!file) return failed(file.error());
    overrides.look_only = options.verify_only;
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    const auto stay = staying_variables(*read, overrides, options, *file);
    auto opened = open_verb_state(overrides, surroundings);
    if (!opened && opened.error().reason != "vault.absent") return failed(opened.error());
    const bool linked = file->has_other_names();
    auto done = Import(options, surroundings.environment, opened ? opened->get() : nullptr,
                       *std::move(file))
                    .run(stay);
    if (!done) return failed(done.error());
    if (linked) {
        done->err += fmt::format(
            "{} has another name as well, a hard link, and what is there stays as it was\n",
            options.file.native());
    }
    return *std::move(done);
}

CommandResult secrets_open_backup(const Overrides& overrides, const Surroundings& surroundings,
                                  const ImportOptions& options) {
    auto opened = open_verb_state(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto sealed = read_file_at(options.sealed, kept_bytes_max);
    if (!sealed) return failed(sealed.error());
    const auto text = vault::open_sealed_file((*opened)->files, kept_kind, *sealed);
    if (!text) return failed(text.error());
    auto told = audit::act_of_shell("secret.open_backup", "secret", options.sealed.filename());
    if (auto noted = record_act(*(*opened)->state, std::move(told)); !noted)
        return failed(noted.error());
    return {.exit_code = 0, .out = std::string(crypto::text_of(text->bytes())), .err = {}};
}

}  // namespace gh::app

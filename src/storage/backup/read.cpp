#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include "base/run_inline.hpp"
#include "base/try.hpp"
#include "storage/backup/backup.hpp"
#include "storage/backup/table.hpp"
#include "storage/sqlite/session.hpp"

namespace gh::storage::backup {
namespace {

constexpr std::size_t batch_rows = 500;
constexpr std::size_t batch_bytes = 4 * 1024 * 1024;
// Nobody else has the file, and what a crash leaves of it is thrown away.
constexpr char in_a_hurry[] =
    "PRAGMA journal_mode=DELETE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; "
    "PRAGMA foreign_keys=OFF; PRAGMA secure_delete=OFF;";
constexpr Statement list_triggers{
    .name = "backup.triggers", .sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"};
constexpr Statement find_dangling{.name = "backup.dangling",
                                  .sql = "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1"};

std::unexpected<Error> damaged(std::string what) {
    return fail(ErrorKind::corrupt, "backup.damaged",
                "the backup is damaged: " + std::move(what) + "; take another one");
}

template <class T>
Result<T> now(Task<Result<T>> task) {
    auto done = run_inline(std::move(task));
    if (!done) return fail(ErrorKind::internal, "backup.suspended", "SQLite had to be waited for");
    return *std::move(done);
}

/// Which steps of ours the backup has.
Result<std::span<const Migration>> steps_of(const Header& header,
                                            std::span<const Migration> migrations) {
    if (header.schema.size() > migrations.size()) {
        return fail(ErrorKind::conflict, "backup.newer",
                    fmt::format("the backup has {} steps of the schema and this program knows {}: "
                                "use gatehouse {} or later",
                                header.schema.size(), migrations.size(), header.version));
    }
    const auto steps = migrations.first(header.schema.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& had = header.schema[i];
        if (had.number == steps[i].number && had.sqlite == steps[i].checksum(Dialect::sqlite) &&
            had.postgres == steps[i].checksum(Dialect::postgres)) {
            continue;
        }
        return fail(
            ErrorKind::conflict, "backup.changed",
            fmt::format("step {} ({}) of the backup's schema has another text here: use the "
                        "build that made it, gatehouse {}",
                        had.number, had.name, header.version));
    }
    return steps;
}

void remove_database(const std::filesystem::path& file) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        ::unlink((file.native() + suffix).c_str());
}

/// Reads lines into a new database.
class Reader {
 public:
    Reader(Source& source, std::span<const Migration> migrations,
           const std::function<Result<void>(const File&)>& take_file, const Progress& progress,
           const Also<Contents>& also)
        : source_(source),
          migrations_(migrations),
          take_file_(take_file),
          progress_(progress),
          also_(also) {}

    [[nodiscard]] Result<Contents> read(const std::filesystem::path& file);

 private:
    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> make_schema();
    [[nodiscard]] Result<void> read_lines();
    [[nodiscard]] Result<bool> take(std::string_view line);
    [[nodiscard]] Result<void> take_table(const TableStart& start);
    [[nodiscard]] Result<void> take_row(std::string_view line, Parameters row);
    [[nodiscard]] Result<void> put_batch();
    [[nodiscard]] Result<void> look_again();
    [[nodiscard]] Result<void> bring_up();

    Source& source_;
    std::span<const Migration> migrations_;
    const std::function<Result<void>(const File&)>& take_file_;
    const Progress& progress_;
    const Also<Contents>& also_;

    telemetry::Registry registry_;
    Observer observer_{registry_, nullptr, milliseconds(60'000)};
    std::unique_ptr<SqliteConnection> connection_;
    std::span<const Migration> steps_;
    std::vector<Table> tables_;
    std::vector<std::string> triggers_;
    std::set<std::string, std::less<>> files_;
    std::string insert_;
    std::vector<Parameters> batch_;
    std::size_t batch_bytes_ = 0;
    Contents contents_;
};

Result<Contents> Reader::read(const std::filesystem::path& file) {
    remove_database(file);
    GH_TRY(connection_,
           SqliteConnection::open(file, SqliteConnection::Mode::read_write, observer_));
    GH_TRY_VOID(connection_->script(in_a_hurry));
    GH_TRY_VOID(begin());
    GH_TRY_VOID(connection_->script("BEGIN"));
    GH_TRY_VOID(make_schema());
    GH_TRY_VOID(read_lines());
    GH_TRY_VOID(look_again());
    GH_TRY_VOID(bring_up());
    GH_TRY_VOID(connection_->script("COMMIT"));
    connection_.reset();
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0)
        return fail_errno(ErrorKind::unavailable, "backup.io", file.string(), errno);
    return std::move(contents_);
}

Result<void> Reader::begin() {
    GH_TRY(const auto line, source_.line());
    if (!line) return damaged("it is empty");
    auto parsed = parse_line(*line);
    if (!parsed) return damaged("its first line: " + parsed.error().detail);
    auto* header = std::get_if<Header>(&*parsed);
    if (header == nullptr) return damaged("its first line is none of a backup");
    contents_.header = std::move(*header);
    GH_TRY(steps_, steps_of(contents_.header, migrations_));
    GH_TRY(tables_, tables_of(steps_));
    return {};
}

/// Empty tables as the backup's steps have them: without what the steps put into them, and with nobody who acts on what
/// comes in.
Result<void> Reader::make_schema() {
    SqliteSession session(*connection_);
    GH_TRY(const auto applied,
           now(migrate_within(session, steps_, std::chrono::system_clock::now())));
    std::ignore = applied;
    GH_TRY(const auto triggers, connection_->run(list_triggers, {}));
    for (std::size_t i = 0; i < triggers.size(); ++i) {
        triggers_.push_back(triggers[i].text(1));
        GH_TRY_VOID(connection_->script("DROP TRIGGER " + sql_name(triggers[i].text(0))));
    }
    for (const auto& table : tables_)
        GH_TRY_VOID(connection_->script("DELETE FROM " + sql_name(table.name)));
    return {};
}

Result<void> Reader::read_lines() {
    for (;;) {
        GH_TRY(const auto line, source_.line());
        if (!line) return damaged("it has no end");
        GH_TRY(const auto more, take(*line));
        if (!more) break;
    }
    GH_TRY(const auto line, source_.line());
    if (line) return damaged("something follows its end");
    return {};
}

/// @return false at the end
Result<bool> Reader::take(std::string_view line) {
    auto parsed = parse_line(line);
    if (!parsed) return damaged(parsed.error().detail);
    if (auto* row = std::get_if<Parameters>(&*parsed)) {
        GH_TRY_VOID(take_row(line, std::move(*row)));
    } else if (auto* file = std::get_if<File>(&*parsed)) {
        if (!contents_.manifest.tables.empty() || !files_.insert(file->name).second)
            return damaged("a file in the wrong place");
        contents_.manifest.add(*file);
        auto taken = take_file_(*file);
        crypto::wipe(file->content.data(), file->content.size());
        GH_TRY_VOID(std::move(taken));
    } else if (const auto* table = std::get_if<TableStart>(&*parsed)) {
        GH_TRY_VOID(take_table(*table));
    } else if (std::holds_alternative<End>(*parsed)) {
        GH_TRY_VOID(put_batch());
        if (contents_.manifest.tables.size() != tables_.size())
            return damaged("tables are missing");
        if (line != end_line(contents_.manifest, source_.sha256_before()))
            return damaged("it does not hold what its last line says");
        return false;
    } else {
        return damaged("a second first line");
    }
    return true;
}

/// Tables come in the order of their names, all of them.
Result<void> Reader::take_table(const TableStart& start) {
    GH_TRY_VOID(put_batch());
    const auto at = contents_.manifest.tables.size();
    if (at >= tables_.size() || tables_[at].name != start.name ||
        tables_[at].columns != start.columns) {
        return damaged("tables are not those of its schema");
    }
    contents_.manifest.tables.push_back({start.name, {}});
    insert_ = insert_sql(tables_[at]);
    return {};
}

Result<void> Reader::take_row(std::string_view line, Parameters row) {
    const auto at = contents_.manifest.tables.size();
    if (at == 0 || row.size() != tables_[at - 1].columns.size())
        return damaged("a row that is no table's");
    contents_.manifest.tables.back().digest.add(line);
    batch_.push_back(std::move(row));
    batch_bytes_ += line.size();
    if (batch_.size() < batch_rows && batch_bytes_ < batch_bytes) return {};
    return put_batch();
}

Result<void> Reader::put_batch() {
    if (batch_.empty()) return {};
    SqliteSession session(*connection_);
    const Statement statement{.name = "backup.insert", .sql = insert_};
    const auto put = now(session.execute_many(statement, std::exchange(batch_, {})));
    batch_bytes_ = 0;
    if (!put && (put.error().kind == ErrorKind::conflict ||
                 put.error().kind == ErrorKind::invalid_argument)) {
        return damaged("rows that its tables refuse");
    }
    GH_TRY_VOID(put);
    progress_(contents_.manifest.rows());
    return {};
}

/// What is in the database now is what was in the file.
Result<void> Reader::look_again() {
    SqliteSession session(*connection_);
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        RowsDigest digest;
        Pages pages(session, tables_[i]);
        for (;;) {
            GH_TRY(const auto rows, now(pages.next()));
            if (rows.empty()) break;
            for (std::size_t row = 0; row < rows.size(); ++row) {
                GH_TRY(const auto line, line_of(rows[row], tables_[i].columns.size()));
                digest.add(line);
            }
        }
        if (digest != contents_.manifest.tables[i].digest)
            return damaged("rows of " + tables_[i].name + " are others once they are read");
    }
    GH_TRY(const auto dangling, connection_->run(find_dangling, {}));
    if (!dangling.empty()) {
        return damaged("rows of " + dangling[0].text(0) + " refer to rows that are not there");
    }
    return {};
}

Result<void> Reader::bring_up() {
    for (const auto& trigger : triggers_) GH_TRY_VOID(connection_->script(trigger));
    SqliteSession session(*connection_);
    GH_TRY(const auto applied,
           now(migrate_within(session, migrations_, std::chrono::system_clock::now())));
    std::ignore = applied;
    if (also_.before) GH_TRY_VOID(now(also_.before(session)));
    if (also_.after) GH_TRY_VOID(now(also_.after(session, contents_)));
    return {};
}

}  // namespace

Result<Contents> read_backup(Source& source, std::span<const Migration> migrations,
                             const std::filesystem::path& database,
                             const std::function<Result<void>(const File&)>& take_file,
                             const Progress& progress, Also<Contents> also) {
    auto contents = Reader(source, migrations, take_file, progress, also).read(database);
    if (!contents) remove_database(database);
    return contents;
}

}  // namespace gh::storage::backup

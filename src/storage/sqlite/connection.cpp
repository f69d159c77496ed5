#include "storage/sqlite/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/try.hpp"
#include "storage/session.hpp"

namespace gh::storage {
namespace {

// Another process may hold the write lock: the command line. SQLite's own waiting sleeps up to a tenth of a second between two
// looks, and one that writes over and over again leaves it no moment.
constexpr std::chrono::milliseconds busy_max{10'000};
constexpr std::chrono::milliseconds busy_poll{1};
constexpr int progress_steps = 4'000;

// Of the write-ahead log 64 MiB are written into the file at once, so that a page that changes often is written there once;
// no more, as readers look for each page in all blocks of the log's index, four of them now.
constexpr char pragmas[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA wal_autocheckpoint=16000;"
    "PRAGMA journal_size_limit=67108864;";  // what a long reader made of the log is given back

/// Made by us, so that nobody else may read it for a moment.
Result<void> make_file(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fail_errno(ErrorKind::unavailable, "storage.open", file.string(), errno);
    ::close(fd);
    return {};
}

ErrorKind constraint_kind(int extended) {
    switch (extended) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
        case SQLITE_CONSTRAINT_FOREIGNKEY: return ErrorKind::conflict;
        default: return ErrorKind::invalid_argument;
    }
}

std::string_view constraint_reason(int extended) {
    if (extended == SQLITE_CONSTRAINT_FOREIGNKEY) return "storage.foreign_key";
    return constraint_kind(extended) == ErrorKind::conflict ? "storage.unique" : "storage.check";
}

/// Of SQLITE_ERROR, which has no finer codes.
Error statement_error(std::string detail) {
    if (detail.starts_with("no such table: ") || detail.starts_with("no such column: ") ||
        detail.contains(" has no column named ")) {
        detail += "; bring the schema up to date with: gatehouse migrate up";
        return {ErrorKind::unavailable, "storage.schema", std::move(detail)};
    }
    if (detail.starts_with("table ") && detail.ends_with(" already exists")) {
        detail += "; what is there is not of gatehouse: give it a file of its own in storage.url";
        return {ErrorKind::conflict, "storage.occupied", std::move(detail)};
    }
    return {ErrorKind::internal, "storage.statement", std::move(detail)};
}

/// Where the disk of the database is to be looked at: what to do.
std::string_view disk_advice(int extended) {
    switch (extended & 0xff) {
        case SQLITE_FULL: return "; make room on its disk";
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            return "; is its disk there, writable and not full? The kernel's log may say more";
        case SQLITE_READONLY:
        case SQLITE_PERM: return "; let the user gatehouse runs as write to it and to its folder";
        default: return {};
    }
}

Error error_of(int extended, std::string detail) {
    // ON DELETE RESTRICT is a trigger inside SQLite, and says so.
    if (extended == SQLITE_CONSTRAINT_TRIGGER && detail.contains("FOREIGN KEY constraint failed"))
        extended = SQLITE_CONSTRAINT_FOREIGNKEY;
    switch (extended & 0xff) {
        case SQLITE_CONSTRAINT:
            return {constraint_kind(extended), constraint_reason(extended), std::move(detail)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {ErrorKind::unavailable, "storage.busy", std::move(detail)};
        case SQLITE_FULL: return {ErrorKind::exhausted, "storage.full", std::move(detail)};
        case SQLITE_READONLY:
        case SQLITE_PERM: return {ErrorKind::unavailable, "storage.read_only", std::move(detail)};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return {ErrorKind::corrupt, "storage.corrupt", std::move(detail)};
        case SQLITE_INTERRUPT:
            return {ErrorKind::deadline_exceeded, "storage.timeout", std::move(detail)};
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN: return {ErrorKind::unavailable, "storage.io", std::move(detail)};
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
            return {ErrorKind::invalid_argument, "storage.value", std::move(detail)};
        case SQLITE_ERROR: return statement_error(std::move(detail));
        default: return {ErrorKind::internal, "storage.statement", std::move(detail)};
    }
}

/// SQLite refuses a link anywhere on the way. The folder may be reached by one, the file itself may be none.
Result<std::filesystem::path> behind_links(const std::filesystem::path& file) {
    std::error_code error;
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const auto folder = std::filesystem::canonical(parent, error);
    if (error)
        return fail_errno(ErrorKind::unavailable, "storage.open", file.string(), error.value());
    return folder / file.filename();
}

int bind(sqlite3_stmt* statement, int index, const Value& value) {
    struct Binder {
        sqlite3_stmt* statement;
        int index;
        int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
        int operator()(bool on) const { return sqlite3_bind_int(statement, index, on ? 1 : 0); }
        int operator()(std::int64_t n) const { return sqlite3_bind_int64(statement, index, n); }
        int operator()(double x) const { return sqlite3_bind_double(statement, index, x); }
        int operator()(const std::string& text) const {
            return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC,
                                       SQLITE_UTF8);
        }
        int operator()(const Blob& blob) const {
            return sqlite3_bind_blob64(statement, index, blob.octets.data(), blob.octets.size(),
                                       SQLITE_STATIC);
        }
    };
    return std::visit(Binder{statement, index}, value);
}

/// Which parameter a placeholder stands for: SQLite numbers "$2" by its first appearance, not by its name.
std::size_t parameter_of(sqlite3_stmt* statement, int index) {
    const std::string_view name = sqlite3_bind_parameter_name(statement, index);
    std::size_t number = 0;
    std::from_chars(name.data() + 1, name.data() + name.size(), number);
    return number;
}

Value value_of(sqlite3_stmt* statement, int column) {
    const auto size = [&] {
        return static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    };
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER:
            return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
        case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
        case SQLITE_TEXT: {
            const auto* text = sqlite3_column_text(statement, column);
            return std::string(reinterpret_cast<const char*>(text), size());
        }
        case SQLITE_BLOB: {
            const auto* octets = static_cast<const char*>(sqlite3_column_blob(statement, column));
            return Blob{octets ? std::string(octets, size()) : std::string{}};
        }
        default: return nullptr;
    }
}

}  // namespace

Result<void> SqliteConnection::open_file(const std::string& file) {
    // Counting memory takes one lock of the process for each allocation. Before SQLite is used at all.
    [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr) != SQLITE_OK) {
        return fail(ErrorKind::unavailable, "storage.open",
                    file + ": " + (handle_ ? sqlite3_errmsg(handle_) : "out of memory"));
    }
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_handler(
        handle_,
        [](void* self, int looks) {
            auto& since = static_cast<SqliteConnection*>(self)->busy_since_;
            const auto now = std::chrono::steady_clock::now();
            if (looks == 0) since = now;
            if (now - since >= busy_max) return 0;
            std::this_thread::sleep_for(busy_poll);
            return 1;
        },
        this);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_progress_handler(
        handle_, progress_steps,
        [](void* self) {
            const auto& connection = *static_cast<SqliteConnection*>(self);
            return std::chrono::steady_clock::now() > connection.deadline_ ? 1 : 0;
        },
        this);
    auto ready = script(pragmas);
    if (!ready && ready.error().kind == ErrorKind::corrupt) {
        return fail(ErrorKind::corrupt, "storage.corrupt",
                    fmt::format("{} is no SQLite database that can be read ({}): it is damaged, "
                                "encrypted, or another program's. Restore a backup with gatehouse "
                                "restore --force, or move the file away to begin anew",
                                file, ready.error().detail));
    }
    return ready;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& file,
                                                                 Mode mode, Observer& observer) {
    GH_TRY(const auto real, behind_links(file));
    if (mode == Mode::read_write) GH_TRY_VOID(make_file(real));
    std::unique_ptr<SqliteConnection> made(new SqliteConnection(observer));
    GH_TRY_VOID(made->open_file(real.native()));
    // Who writes touches many pages again and again: 16 MiB of them, where a reader has 2.
    GH_TRY_VOID(made->script(mode == Mode::read_only ? "PRAGMA query_only=ON;"
                                                     : "PRAGMA cache_size=-16384;"));
    return made;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::in_memory(Observer& observer) {
    std::unique_ptr<SqliteConnection> made(new SqliteConnection(observer));
    GH_TRY_VOID(made->open_file(":memory:"));
    return made;
}

void SqliteConnection::interrupt() { sqlite3_interrupt(handle_); }

SqliteConnection::~SqliteConnection() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

Error SqliteConnection::last_error() const {
    const int extended = sqlite3_extended_errcode(handle_);
    std::string said = sqlite3_errmsg(handle_);
    if (const auto advice = disk_advice(extended); !advice.empty())
        said = fmt::format("{}: {}{}", sqlite3_db_filename(handle_, "main"), said, advice);
    return error_of(extended, std::move(said));
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<sqlite3_stmt*> SqliteConnection::prepared(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
        return std::unexpected(last_error());
    }
    statements_.emplace(sql, statement);
    return statement;
}

Result<Rows> SqliteConnection::step(sqlite3_stmt* statement, const Parameters& parameters) {
    const int count = sqlite3_bind_parameter_count(statement);
    for (int index = 1; index <= count; ++index) {
        const auto number = parameter_of(statement, index);
        if (number == 0 || number > parameters.size())
            return fail(ErrorKind::internal, "storage.statement", "a parameter is missing");
        if (!storable(parameters[number - 1]))
            return fail(ErrorKind::invalid_argument, "storage.value", "NUL or no UTF-8 in text");
        if (bind(statement, index, parameters[number - 1]) != SQLITE_OK)
            return std::unexpected(last_error());
    }
    const auto columns = static_cast<std::size_t>(sqlite3_column_count(statement));
    std::vector<Value> values;
    int state = SQLITE_ROW;
    while ((state = sqlite3_step(statement)) == SQLITE_ROW) {
        if (values.size() >= Session::rows_max * columns)
            return fail(ErrorKind::internal, "storage.rows", "too many rows, ask by pages");
        for (std::size_t i = 0; i < columns; ++i)
            values.push_back(value_of(statement, static_cast<int>(i)));
    }
    if (state != SQLITE_DONE) return std::unexpected(last_error());
    const auto affected = sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(handle_);
    return Rows(columns, std::move(values), static_cast<std::uint64_t>(affected));
}

Result<Rows> SqliteConnection::run(const Statement& statement, const Parameters& parameters) {
    const auto started = std::chrono::steady_clock::now();
    GH_TRY(auto* prepared_statement, prepared(statement.text(Dialect::sqlite)));
    auto rows = step(prepared_statement, parameters);
    sqlite3_reset(prepared_statement);
    sqlite3_clear_bindings(prepared_statement);
    if (!rows) rows.error().detail = fmt::format("{}: {}", statement.name, rows.error().detail);
    observer_.done(statement, std::chrono::steady_clock::now() - started,
                   rows ? nullptr : &rows.error());
    return rows;
}

Result<void> SqliteConnection::script(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return std::unexpected(last_error());
    return {};
}

}  // namespace gh::storage

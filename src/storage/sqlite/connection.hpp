#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/observer.hpp"
#include "storage/statement.hpp"
#include "storage/value.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace gh::storage {

/// One connection to an SQLite file, for one thread at a time. Everything blocks.
class SqliteConnection {
 public:
    enum class Mode : std::uint8_t { read_only, read_write };

    /// The folder may be reached through links, the file may be none. Opens with WAL, `synchronous=FULL`, foreign keys on and
    /// the schema untrusted; makes the file (0600) when it is to be written.
    /// @return `unavailable` "storage.open"; `corrupt` "storage.corrupt": the detail says what to do
    [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> open(
        const std::filesystem::path& file, Mode mode, Observer& observer);
    /// A database of its own that goes with the connection.
    [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> in_memory(Observer& observer);
    ~SqliteConnection();
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    /// Statements are cut off behind it with `deadline_exceeded` "storage.timeout".
    void set_deadline(SteadyTime deadline) { deadline_ = deadline; }

    [[nodiscard]] Result<Rows> run(const Statement& statement, const Parameters& parameters);
    [[nodiscard]] Result<void> script(const std::string& sql);

    /// Ends the statement that runs, with `deadline_exceeded` "storage.timeout". From any thread.
    void interrupt();

    /// False also when SQLite has rolled back by itself (disk full, I/O error).
    [[nodiscard]] bool in_transaction() const;

 private:
    explicit SqliteConnection(Observer& observer) : observer_(observer) {}
    [[nodiscard]] Result<void> open_file(const std::string& file);
    [[nodiscard]] Result<sqlite3_stmt*> prepared(std::string_view sql);
    [[nodiscard]] Result<Rows> step(sqlite3_stmt* statement, const Parameters& parameters);
    [[nodiscard]] Error last_error() const;

    struct HashOfText : std::hash<std::string_view> {
        using is_transparent = void;
    };

    Observer& observer_;
    sqlite3* handle_ = nullptr;
    std::unordered_map<std::string, sqlite3_stmt*, HashOfText, std::equal_to<>> statements_;
    SteadyTime deadline_ = SteadyTime::max();
    SteadyTime busy_since_;
};

}  // namespace gh::storage

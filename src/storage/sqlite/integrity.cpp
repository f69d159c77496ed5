#include "storage/sqlite/integrity.hpp"

#include <sys/resource.h>

#include <chrono>
#include <utility>

#include "base/signal_stack.hpp"
#include "base/try.hpp"

namespace gh::storage {
namespace {

constexpr std::size_t findings_max = 20;
constexpr auto stop_poll = milliseconds(5);

constexpr Statement quick{.name = "integrity.quick", .sql = "PRAGMA quick_check(20)"};
constexpr Statement whole{.name = "integrity.whole", .sql = "PRAGMA integrity_check(20)"};
constexpr Statement references{.name = "integrity.references",
                               .sql =
                                   "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || "
                                   "parent || ' that is not there' "
                                   "FROM pragma_foreign_key_check LIMIT 20"};

/// The answers of one look; "ok" is none.
Result<std::vector<std::string>> look(SqliteConnection& connection, const Statement& statement) {
    const auto rows = connection.run(statement, {});
    if (!rows && rows.error().kind == ErrorKind::corrupt)
        return std::vector<std::string>{rows.error().detail};
    if (!rows) return std::unexpected(rows.error());
    std::vector<std::string> found;
    for (std::size_t i = 0; i < rows->size() && found.size() < findings_max; ++i) {
        if (const auto& text = (*rows)[i].text(0); text != "ok") found.push_back(text);
    }
    return found;
}

}  // namespace

Result<std::vector<std::string>> find_damage(SqliteConnection& connection,
                                             const std::atomic<bool>& stop) {
    for (const auto* statement : {&quick, &whole, &references}) {
        if (stop) return fail(ErrorKind::deadline_exceeded, "storage.timeout", "given up");
        GH_TRY(auto found, look(connection, *statement));
        if (!found.empty()) return found;
    }
    return std::vector<std::string>{};
}

IntegrityCheck::IntegrityCheck(std::filesystem::path file, telemetry::Registry& registry,
                               telemetry::Log& log)
    : file_(std::move(file)),
      log_(log),
      damaged_gauge_(registry.one_gauge("database_damaged",
                                        "1 when the check at the start found the file damaged.")),
      checked_gauge_(registry.one_gauge("database_checked_timestamp_seconds",
                                        "When that check ended; 0 before.")) {
    auto opened = SqliteConnection::open(file_, SqliteConnection::Mode::read_only, observer_);
    if (!opened) {
        tell(std::unexpected(opened.error()));
        return;
    }
    connection_ = *std::move(opened);
    thread_ = std::jthread([this] { run(); });
}

IntegrityCheck::~IntegrityCheck() {
    stop_ = true;
    if (!thread_.joinable()) return;
    // Once may be too early: just before the statement that it is to end.
    while (!ended_) {
        connection_->interrupt();
        std::this_thread::sleep_for(stop_poll);
    }
}

void IntegrityCheck::run() {
    keep_signal_stack();
    ::setpriority(PRIO_PROCESS, 0, 19);  // of this thread, on Linux
    const auto findings = find_damage(*connection_, stop_);
    if (!stop_) tell(findings);
    ended_ = true;
}

void IntegrityCheck::tell(const Result<std::vector<std::string>>& findings) {
    if (!findings) {
        log_.warning("storage", "the database could not be checked").error(findings.error());
        return;
    }
    damaged_ = !findings->empty();
    damaged_gauge_.set(findings->empty() ? 0 : 1);
    checked_gauge_.set(std::chrono::duration_cast<std::chrono::seconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count());
    if (findings->empty()) {
        log_.info("storage", "the database is whole");
        return;
    }
    for (const auto& finding : *findings) {
        log_.error("storage",
                   "the database is damaged; stop gatehouse, keep a copy of the file, and run "
                   "gatehouse restore with the last good backup and --force")
            .field("file", file_.native())
            .field("finding", finding);
    }
}

}  // namespace gh::storage

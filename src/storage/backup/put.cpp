#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "base/try.hpp"
#include "storage/backup/backup.hpp"
#include "storage/backup/table.hpp"
#include "storage/sqlite/session.hpp"

namespace gh::storage::backup {
namespace {

constexpr std::string_view mark_prefix = "restored ";

constexpr Statement list_references{
    .name = "restore.references",
    .sql =
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE contype = 'f' AND NOT condeferrable AND connamespace = "
        "current_schema()::regnamespace "
        "AND conrelid = to_regclass($1)"};
constexpr Statement find_mark{
    .name = "restore.mark",
    .sql = "SELECT coalesce(obj_description(to_regclass('schema_migrations'), 'pg_class'), '')"};
constexpr Statement count_others{
    .name = "restore.others",
    .sql =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()"};
constexpr Statement find_steps{.name = "restore.steps",
                               .sql = "SELECT to_regclass('schema_migrations') IS NOT NULL"};

/// Where rows come from: read while those of the other engine are written, by one thread.
struct From {
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(60'000)};
    std::unique_ptr<SqliteConnection> connection;
};

/// Rows may come before those that they refer to, and nobody acts on their coming.
struct Loosened {
    std::string loosen, tighten;
};

Task<Result<Loosened>> loosened(Session& session, std::span<const Table> tables) {
    Loosened made;
    for (const auto& table : tables) {
        const auto name = sql_name(table.name);
        made.loosen += fmt::format("ALTER TABLE {} DISABLE TRIGGER USER;", name);
        made.tighten += fmt::format("ALTER TABLE {} ENABLE TRIGGER USER;", name);
        GH_CO_TRY(const auto references, co_await session.query(list_references, name));
        for (std::size_t i = 0; i < references.size(); ++i) {
            const auto alter = fmt::format("ALTER TABLE {} ALTER CONSTRAINT {} ", name,
                                           sql_name(references[i].text(1)));
            made.loosen += alter + "DEFERRABLE INITIALLY DEFERRED;";
            made.tighten += alter + "NOT DEFERRABLE;";
        }
    }
    co_return made;
}

std::string truncate_all(std::span<const Table> tables) {
    std::string sql = "TRUNCATE ";
    for (std::size_t i = 0; i < tables.size(); ++i)
        sql += (i > 0 ? ", " : "") + sql_name(tables[i].name);
    return sql + ";";
}

Task<Result<std::uint64_t>> copy_table(Session& source, Session& target, const Table& table) {
    const auto insert = insert_sql(table);
    const Statement statement{.name = "restore.insert", .sql = insert};
    Pages pages(source, table);
    std::uint64_t copied = 0;
    for (;;) {
        GH_CO_TRY(const auto rows, co_await pages.next());
        if (rows.empty()) break;
        std::vector<Parameters> sets;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            auto& set = sets.emplace_back();
            for (std::size_t column = 0; column < table.columns.size(); ++column)
                set.push_back(rows[i].value(column));
        }
        GH_CO_TRY(const auto written, co_await target.execute_many(statement, std::move(sets)));
        copied += written;
    }
    GH_CO_TRY(const auto there, co_await count_rows(target, table));
    GH_CO_TRY(const auto wanted, co_await count_rows(source, table));
    if (there != wanted) {
        co_return fail(ErrorKind::corrupt, "restore.count",
                       fmt::format("table {} would have {} rows instead of {}; nothing was changed",
                                   table.name, there, wanted));
    }
    co_return copied;
}

Task<Result<void>> replace_rows(Session& session, std::span<const Migration> migrations,
                                std::span<const Table> tables, From& from, const std::string& mark,
                                const Progress& progress) {
    GH_CO_TRY(const auto applied,
              co_await migrate_within(session, migrations, std::chrono::system_clock::now()));
    std::ignore = applied;
    GH_CO_TRY(auto constraints, co_await loosened(session, tables));
    auto begin = "SET LOCAL lock_timeout = '10s';" + constraints.loosen + truncate_all(tables);
    GH_CO_TRY_VOID(co_await session.script(std::move(begin)));
    SqliteSession source(*from.connection);
    std::uint64_t done = 0;
    for (const auto& table : tables) {
        GH_CO_TRY(const auto copied, co_await copy_table(source, session, table));
        done += copied;
        progress(done);
    }
    auto end = "SET CONSTRAINTS ALL IMMEDIATE;" + constraints.tighten +
               fmt::format("COMMENT ON TABLE schema_migrations IS '{}{}';", mark_prefix, mark);
    co_return co_await session.script(std::move(end));
}

Task<Result<std::string>> read_mark(Session& session) {
    GH_CO_TRY_VOID(co_await lock_schema(session));
    GH_CO_TRY(const auto rows, co_await session.query(find_mark));
    const auto& comment = rows[0].text(0);
    if (!comment.starts_with(mark_prefix)) co_return std::string();
    co_return comment.substr(mark_prefix.size());
}

}  // namespace

Task<Result<void>> put_rows(Database& database, std::span<const Migration> migrations,
                            std::filesystem::path file, std::string mark, Progress progress) {
    if (mark.find_first_not_of("0123456789abcdef-") != std::string::npos)
        co_return fail(ErrorKind::internal, "restore.mark", "a mark is a UUID");
    GH_CO_TRY(const auto tables, tables_of(migrations));
    From from;
    GH_CO_TRY(from.connection,
              SqliteConnection::open(file, SqliteConnection::Mode::read_only, from.observer));
    auto work = [&](Session& session) {
        return replace_rows(session, migrations, tables, from, mark, progress);
    };
    co_return co_await database.write(std::move(work));
}

Task<Result<std::string>> last_mark(Database& database) {
    // Behind a transaction that is about to end: its client may be gone, and it commits all the same.
    auto work = [](Session& session) { return read_mark(session); };
    co_return co_await database.write(std::move(work));
}

Task<Result<std::uint64_t>> others_connected(Database& database, std::string application_name) {
    GH_CO_TRY(const auto rows, co_await database.query(count_others, application_name));
    co_return static_cast<std::uint64_t>(rows[0].integer(0));
}

Task<Result<bool>> in_use(Database& database) {
    GH_CO_TRY(const auto rows, co_await database.query(find_steps));
    co_return rows[0].boolean(0);
}

}  // namespace gh::storage::backup

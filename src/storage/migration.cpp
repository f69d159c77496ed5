#include "storage/migration.hpp"

#include <fmt/format.h>

#include "crypto/digest.hpp"

namespace gh::storage {
namespace {

// The one who waited for the lock must see what the other did: so no snapshot from before it.
constexpr Statement see_all_postgres{.name = "migration.see_all",
                                     .sql = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"};
// What keeps two migrators apart: any number, the same in every version.
constexpr Statement lock_postgres{.name = "migration.lock",
                                  .sql = "SELECT pg_advisory_xact_lock(7163405281123041)"};
// A step may take as long as its tables are large.
constexpr Statement no_hurry_postgres{.name = "migration.no_hurry",
                                      .sql = "SET LOCAL statement_timeout = 0"};
constexpr Statement find_table{
    .name = "migration.table",
    .sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
    .postgres =
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() "
        "AND table_name = 'schema_migrations'"};
constexpr Statement list_applied{
    .name = "migration.list",
    .sql = "SELECT number, name, checksum, applied_at FROM schema_migrations ORDER BY number"};
constexpr Statement record{.name = "migration.record",
                           .sql =
                               "INSERT INTO schema_migrations (number, name, checksum, "
                               "applied_at) VALUES ($1, $2, $3, $4)"};
constexpr Statement make_table{
    .name = "migration.make_table",
    .sql =
        "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
    .postgres =
        "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"};

bool has(const Rows& rows) { return !rows.empty(); }

Task<Result<SchemaState>> look(Session& session, std::span<const Migration> migrations) {
    SchemaState state;
    GH_CO_TRY(const auto table, co_await session.query(find_table));
    Rows applied;
    if (has(table)) {
        GH_CO_TRY(applied, co_await session.query(list_applied));
    }
    for (std::size_t i = 0; i < applied.size(); ++i) {
        const auto row = applied[i];
        const auto number = static_cast<std::uint32_t>(row.integer(0));
        if (i >= migrations.size()) {
            co_return fail(ErrorKind::conflict, "migration.newer",
                           fmt::format("the database is at step {}, this program knows {}: use a "
                                       "newer gatehouse, or restore a backup of its own",
                                       number, migrations.size()));
        }
        if (migrations[i].number != number ||
            migrations[i].checksum(session.dialect()) != row.text(2)) {
            co_return fail(ErrorKind::conflict, "migration.changed",
                           fmt::format("step {} ({}) was applied with another text; "
                                       "this database was made by another build of gatehouse",
                                       number, row.text(1)));
        }
        state.applied.push_back({number, row.text(1), row.time(3)});
    }
    for (const auto& migration : migrations.subspan(applied.size()))
        state.pending.push_back(&migration);
    co_return state;
}

}  // namespace

std::string Migration::checksum(Dialect dialect) const { return crypto::sha256_hex(sql(dialect)); }

Task<Result<SchemaState>> schema_state(Database& database, std::span<const Migration> migrations) {
    auto work = [migrations](Session& session) { return look(session, migrations); };
    co_return co_await database.read(std::move(work));
}

Task<Result<std::size_t>> migrate(Database& database, std::span<const Migration> migrations,
                                  SystemTime now) {
    auto work = [migrations, now](Session& session) {
        return migrate_within(session, migrations, now);
    };
    co_return co_await database.write(std::move(work));
}

Task<Result<void>> lock_schema(Session& session) {
    if (session.dialect() == Dialect::postgres) {
        GH_CO_TRY_VOID(co_await session.query(see_all_postgres));
        const auto locked = co_await session.query(lock_postgres);
        if (!locked && locked.error().kind == ErrorKind::deadline_exceeded) {
            co_return fail(ErrorKind::unavailable, "migration.locked",
                           "another gatehouse migrates this database or restores into it; wait "
                           "until it has ended and try again");
        }
        GH_CO_TRY_VOID(locked);
        GH_CO_TRY_VOID(co_await session.query(no_hurry_postgres));
    }
    co_return Result<void>{};
}

Task<Result<std::size_t>> migrate_within(Session& session, std::span<const Migration> migrations,
                                         SystemTime now) {
    const auto dialect = session.dialect();
    GH_CO_TRY_VOID(co_await lock_schema(session));
    GH_CO_TRY(const auto state, co_await look(session, migrations));
    GH_CO_TRY(const auto table, co_await session.query(find_table));
    if (!has(table)) GH_CO_TRY_VOID(co_await session.query(make_table));
    for (const auto* migration : state.pending) {
        std::string sql(migration->sql(dialect));
        auto done = co_await session.script(std::move(sql));
        if (!done) {
            done.error().detail = fmt::format("step {} ({}): {}", migration->number,
                                              migration->name, done.error().detail);
            co_return std::unexpected(std::move(done).error());
        }
        GH_CO_TRY_VOID(co_await session.execute(record, migration->number, migration->name,
                                                migration->checksum(dialect), now));
    }
    co_return state.pending.size();
}

}  // namespace gh::storage

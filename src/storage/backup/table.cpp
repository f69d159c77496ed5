#include "storage/backup/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/run_inline.hpp"
#include "storage/sqlite/connection.hpp"

namespace gh::storage::backup {
namespace {

constexpr std::int64_t page_rows_min = 16, page_rows_max = 2'000;
constexpr std::size_t page_bytes = 4 * 1024 * 1024;

constexpr Statement list_tables{
    .name = "backup.tables",
    .sql =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'schema_migrations' "
        "ORDER BY name"};
constexpr Statement list_columns{.name = "backup.columns",
                                 .sql = "SELECT name, pk FROM pragma_table_info($1) ORDER BY cid"};

Result<Table> table_of(SqliteConnection& connection, const std::string& name) {
    GH_TRY(const auto rows, connection.run(list_columns, {name}));
    Table table{.name = name, .columns = {}, .key = {}};
    std::vector<std::pair<std::int64_t, std::size_t>> key;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        table.columns.push_back(rows[i].text(0));
        if (const auto place = rows[i].integer(1); place > 0) key.emplace_back(place, i);
    }
    std::ranges::sort(key);
    for (const auto& [place, column] : key) table.key.push_back(column);
    if (table.key.empty())
        return fail(ErrorKind::internal, "backup.table", name + " has no primary key");
    return table;
}

std::size_t size_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size();
    if (const auto* blob = std::get_if<Blob>(&value)) return blob->octets.size();
    return 8;
}

/// "a, b" of the names, each as `one` makes it.
template <class Names, class One>
std::string listed(const Names& names, One one) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += ", ";
        text += one(names[i], i);
    }
    return text;
}

}  // namespace

std::string sql_name(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + '"';
}

Result<std::vector<Table>> tables_of(std::span<const Migration> steps) {
    telemetry::Registry registry;
    Observer observer(registry, nullptr, milliseconds(1'000));
    GH_TRY(const auto connection, SqliteConnection::in_memory(observer));
    for (const auto& step : steps) GH_TRY_VOID(connection->script(std::string(step.sqlite)));
    GH_TRY(const auto names, connection->run(list_tables, {}));
    std::vector<Table> tables;
    for (std::size_t i = 0; i < names.size(); ++i) {
        GH_TRY(auto table, table_of(*connection, names[i].text(0)));
        tables.push_back(std::move(table));
    }
    return tables;
}

std::string insert_sql(const Table& table) {
    return fmt::format(
        "INSERT INTO {} ({}) VALUES ({})", sql_name(table.name),
        listed(table.columns, [](const auto& name, std::size_t) { return sql_name(name); }),
        listed(table.columns,
               [](const auto&, std::size_t i) { return fmt::format("${}", i + 1); }));
}

Pages::Pages(Session& session, const Table& table)
    : session_(session), table_(table), limit_(page_rows_min) {
    const auto columns =
        listed(table.columns, [](const auto& name, std::size_t) { return sql_name(name); });
    const auto key = listed(table.key, [&](std::size_t column, std::size_t) {
        return sql_name(table.columns[column]);
    });
    const auto values =
        listed(table.key, [](std::size_t, std::size_t i) { return fmt::format("${}", i + 2); });
    first_sql_ =
        fmt::format("SELECT {} FROM {} ORDER BY {} LIMIT $1", columns, sql_name(table.name), key);
    next_sql_ = fmt::format("SELECT {} FROM {} WHERE ({}) > ({}) ORDER BY {} LIMIT $1", columns,
                            sql_name(table.name), key, values, key);
}

Task<Result<Rows>> Pages::next() {
    const Statement statement{.name = "backup.page",
                              .sql = after_.empty() ? first_sql_ : next_sql_};
    Parameters parameters{limit_};
    parameters.insert(parameters.end(), after_.begin(), after_.end());
    GH_CO_TRY(auto rows, co_await session_.run(statement, std::move(parameters)));
    if (rows.empty()) co_return rows;
    after_.clear();
    for (const auto column : table_.key) after_.push_back(rows[rows.size() - 1].value(column));
    std::size_t bytes = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t column = 0; column < table_.columns.size(); ++column)
            bytes += size_of(rows[row].value(column));
    }
    const auto each = static_cast<std::int64_t>(bytes / rows.size() + 1);
    limit_ = std::clamp(static_cast<std::int64_t>(page_bytes) / each, page_rows_min, page_rows_max);
    co_return rows;
}

Task<Result<std::uint64_t>> count_rows(Session& session, const Table& table) {
    const auto sql = "SELECT count(*) FROM " + sql_name(table.name);
    const Statement statement{.name = "backup.count", .sql = sql};
    GH_CO_TRY(const auto rows, co_await session.run(statement, {}));
    co_return static_cast<std::uint64_t>(rows[0].integer(0));
}

}  // namespace gh::storage::backup

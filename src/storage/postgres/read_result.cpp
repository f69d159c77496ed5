#include "storage/postgres/read_result.hpp"

#include <charconv>
#include <string_view>

#include "base/try.hpp"
#include "storage/postgres/text.hpp"
#include "storage/session.hpp"

namespace gh::storage::postgres {
namespace {

std::string_view view(const char* text) { return text == nullptr ? "" : std::string_view(text); }

/// "INSERT 0 3", "UPDATE 3": rows touched. "SELECT 3" touched none.
std::uint64_t touched(PGresult* result) {
    if (view(PQcmdStatus(result)).starts_with("SELECT")) return 0;
    const auto digits = view(PQcmdTuples(result));
    std::uint64_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return count;
}

}  // namespace

Result<Rows> read_rows(PGresult* result) {
    const int rows = PQntuples(result);
    const int columns = PQnfields(result);
    if (static_cast<std::size_t>(rows) > Session::rows_max)
        return fail(ErrorKind::internal, "storage.rows", "too many rows, ask by pages");
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(result, row, column) != 0) {
                values.emplace_back(nullptr);
                continue;
            }
            const std::string_view text(PQgetvalue(result, row, column),
                                        static_cast<std::size_t>(PQgetlength(result, row, column)));
            GH_TRY(auto value, read_column(PQftype(result, column), text));
            values.push_back(std::move(value));
        }
    }
    return Rows(static_cast<std::size_t>(columns), std::move(values), touched(result));
}

Failure read_failure(const PGresult* result) {
    const auto field = [result](int code) { return view(PQresultErrorField(result, code)); };
    const auto primary = field(PG_DIAG_MESSAGE_PRIMARY);
    return read_report({.sqlstate = field(PG_DIAG_SQLSTATE),
                        .message = primary.empty() ? view(PQresultErrorMessage(result)) : primary,
                        .table = field(PG_DIAG_TABLE_NAME),
                        .column = field(PG_DIAG_COLUMN_NAME),
                        .constraint = field(PG_DIAG_CONSTRAINT_NAME)});
}

bool is_commit(PGresult* result) { return view(PQcmdStatus(result)) == "COMMIT"; }

}  // namespace gh::storage::postgres

#include "storage/postgres/failure.hpp"

#include <gtest/gtest.h>

namespace gh::storage::postgres {
namespace {

TEST(PostgresFailure, ReadsEverySqlstateThatMatters) {
    struct Case {
        std::string_view sqlstate;
        ErrorKind kind;
        std::string_view reason;
        Remedy remedy = Remedy::none;
    };
    using enum ErrorKind;
    constexpr Case cases[] = {
        {"", unavailable, "storage.connection", Remedy::elsewhere},
        {"08006", unavailable, "storage.connection", Remedy::elsewhere},
        {"08P01", internal, "storage.statement"},
        {"0A000", internal, "storage.statement", Remedy::elsewhere},
        {"22003", invalid_argument, "storage.value"},
        {"22P02", invalid_argument, "storage.value"},
        {"23505", conflict, "storage.unique"},
        {"23503", conflict, "storage.foreign_key"},
        {"23514", invalid_argument, "storage.check"},
        {"23502", invalid_argument, "storage.check"},
        {"25006", unavailable, "storage.read_only"},
        {"25P02", internal, "storage.statement"},
        {"26000", internal, "storage.statement", Remedy::elsewhere},
        {"40001", unavailable, "storage.busy", Remedy::again},
        {"40P01", unavailable, "storage.busy", Remedy::again},
        {"42601", internal, "storage.statement"},
        {"42P01", unavailable, "storage.schema"},
        {"42703", unavailable, "storage.schema"},
        {"42P07", conflict, "storage.occupied"},
        {"42501", unavailable, "storage.permission"},
        {"53100", exhausted, "storage.full"},
        {"53300", exhausted, "storage.full"},
        {"55P03", unavailable, "storage.busy"},
        {"57014", deadline_exceeded, "storage.timeout"},
        {"57P01", unavailable, "storage.connection", Remedy::elsewhere},
        {"58030", unavailable, "storage.io"},
        {"XX001", corrupt, "storage.corrupt"},
        {"XX000", internal, "storage.statement"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.sqlstate);
        Report report;
        report.sqlstate = c.sqlstate;
        const auto failure = read_report(report);
        EXPECT_EQ(failure.error.kind, c.kind);
        EXPECT_EQ(failure.error.reason, c.reason);
        EXPECT_EQ(failure.remedy, c.remedy);
        EXPECT_EQ(failure.connection, c.remedy == Remedy::elsewhere);
    }
}

TEST(PostgresFailure, QuotesOnlyMessagesThatHoldNames) {
    Report report;
    report.sqlstate = "23505";
    report.message = "duplicate key value violates unique constraint \"t_name_key\"";
    report.table = "t";
    report.constraint = "t_name_key";
    EXPECT_EQ(read_report(report).error.detail,
              "SQLSTATE 23505: duplicate key value violates unique constraint \"t_name_key\"; "
              "table t; constraint t_name_key");
    report = {};
    report.sqlstate = "22P02";
    report.message = "invalid input syntax for type bigint: \"hunter2\"";
    EXPECT_EQ(read_report(report).error.detail, "SQLSTATE 22P02");
    report.sqlstate = "P0001";
    EXPECT_EQ(read_report(report).error.detail, "SQLSTATE P0001");
}

TEST(PostgresFailure, SaysWhatToDoWhereTheOperatorCan) {
    struct Case {
        std::string_view sqlstate, message, remedy;
    };
    constexpr Case cases[] = {
        {"42501", "permission denied for schema public", "own the schema public"},
        {"42P01", "relation \"users\" does not exist", "gatehouse migrate up"},
        {"42703", "column \"x\" does not exist", "gatehouse migrate up"},
        {"42P07", "relation \"users\" already exists", "a database of its own"},
    };
    for (const auto& c : cases) {
        Report report;
        report.sqlstate = c.sqlstate;
        report.message = c.message;
        const auto detail = read_report(report).error.detail;
        EXPECT_TRUE(detail.contains(c.message) && detail.contains(c.remedy)) << detail;
    }
}

TEST(PostgresFailure, SaysWhatToDoWhereNoConnectionWasMade) {
    const auto error = connect_error("postgresql://u@h:5432/d?sslmode=verify-full",
                                     "connection failed: SSL error: certificate verify failed\n");
    EXPECT_EQ(error.reason, "storage.connection");
    EXPECT_EQ(
        error.detail,
        "postgresql://u@h:5432/d?sslmode=verify-full: connection failed: SSL error: certificate "
        "verify failed; the server's certificate is not signed by the CA of sslrootcert; name the "
        "CA that signed it");
}

}  // namespace
}  // namespace gh::storage::postgres

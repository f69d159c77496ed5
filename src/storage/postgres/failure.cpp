#include "storage/postgres/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace gh::storage::postgres {
namespace {

struct Row {
    std::string_view prefix;  // the longest match counts: more particular ones stand first
    ErrorKind kind;
    std::string_view reason;
    Remedy remedy = Remedy::none;
    bool connection = false;
};

// PostgreSQL 15, appendix A.
constexpr Row rows[] = {
    {"08P01", ErrorKind::internal, "storage.statement"},  // too few parameters
    {"08", ErrorKind::unavailable, "storage.connection", Remedy::elsewhere, true},
    {"0A000", ErrorKind::internal, "storage.statement", Remedy::elsewhere,
     true},  // a cached plan whose table changed
    {"22", ErrorKind::invalid_argument, "storage.value"},
    {"23505", ErrorKind::conflict, "storage.unique"},
    {"23P01", ErrorKind::conflict, "storage.unique"},
    {"23503", ErrorKind::conflict, "storage.foreign_key"},
    {"23001", ErrorKind::conflict, "storage.foreign_key"},
    {"23", ErrorKind::invalid_argument, "storage.check"},
    {"25006", ErrorKind::unavailable, "storage.read_only"},
    {"25P03", ErrorKind::unavailable, "storage.connection", Remedy::elsewhere, true},
    {"26000", ErrorKind::internal, "storage.statement", Remedy::elsewhere,
     true},  // prepared no more
    {"28", ErrorKind::unavailable, "storage.connection", Remedy::none, true},
    {"40001", ErrorKind::unavailable, "storage.busy", Remedy::again},
    {"40P01", ErrorKind::unavailable, "storage.busy", Remedy::again},
    {"42501", ErrorKind::unavailable, "storage.permission"},
    {"42P01", ErrorKind::unavailable, "storage.schema"},  // no such table
    {"42703", ErrorKind::unavailable, "storage.schema"},  // no such column
    {"42P07", ErrorKind::conflict, "storage.occupied"},
    {"53", ErrorKind::exhausted, "storage.full"},
    {"54", ErrorKind::invalid_argument, "storage.value"},
    {"55P03", ErrorKind::unavailable, "storage.busy"},
    {"57014", ErrorKind::deadline_exceeded, "storage.timeout"},
    {"57P", ErrorKind::unavailable, "storage.connection", Remedy::elsewhere, true},
    {"58", ErrorKind::unavailable, "storage.io"},
    {"XX001", ErrorKind::corrupt, "storage.corrupt"},
    {"XX002", ErrorKind::corrupt, "storage.corrupt"},
};

/// Classes whose primary messages name tables, columns and constraints, and never quote what was stored or given.
bool safe_message(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 11> classes{"08", "0A", "23", "25", "26", "28",
                                                       "40", "42", "53", "55", "57"};
    return std::ranges::find(classes, sqlstate.substr(0, 2)) != classes.end();
}

struct Advice {
    std::string_view said, remedy;
};

/// By SQLSTATE.
constexpr Advice state_advices[] = {
    {"42501",
     "let the user of storage.url own the schema public and what is in it (docs/storage.md)"},
    {"42P01", "bring the schema up to date with: gatehouse migrate up"},
    {"42703", "bring the schema up to date with: gatehouse migrate up"},
    {"42P07",
     "what is there is not of gatehouse; give it a database of its own, or move that away"},
};

std::string detail_of(const Report& report) {
    std::string detail = fmt::format("SQLSTATE {}", report.sqlstate);
    if (safe_message(report.sqlstate)) detail += fmt::format(": {}", report.message);
    for (const auto& [what, name] :
         {std::pair{"table", report.table}, std::pair{"column", report.column},
          std::pair{"constraint", report.constraint}}) {
        if (!name.empty()) detail += fmt::format("; {} {}", what, name);
    }
    const auto* advice = std::ranges::find(state_advices, report.sqlstate, &Advice::said);
    if (advice != std::end(state_advices)) detail += fmt::format("; {}", advice->remedy);
    return detail;
}

std::string on_one_line(std::string_view text) {
    std::string line(text.substr(0, text.find_last_not_of(" \n") + 1));
    std::ranges::replace(line, '\n', ' ');
    return line;
}

constexpr Advice advices[] = {
    {"certificate verify failed",
     "the server's certificate is not signed by the CA of sslrootcert; name the CA that signed it"},
    {"does not match host name",
     "the server's certificate is for another name; connect by a name it holds, or have it issued "
     "for this one"},
    {"could not get server's host name from server certificate",
     "the server's certificate has no name; have it issued for this host"},
    {"server does not support SSL",
     "turn ssl on in postgresql.conf, or spell out sslmode=disable if nobody can listen in "
     "between"},
    {"root certificate file", "make sslrootcert name a readable file with the CA's certificate"},
    {"could not read root certificate",
     "make sslrootcert name a readable file with the CA's certificate"},
    {"password authentication failed",
     "correct storage.password, or the user in storage.url (DATABASE_URL and POSTGRES_PASSWORD "
     "override both)"},
    {"no password supplied", "give the password in storage.password"},
    {"no pg_hba.conf entry",
     "let pg_hba.conf admit this user, database, address and kind of encryption"},
    {"does not exist", "create the database or the user, or correct storage.url"},
    {"too many clients", "lower storage.pool.max, or raise max_connections of the server"},
    {"remaining connection slots",
     "lower storage.pool.max, or raise max_connections of the server"},
    {"No such file or directory", "is the server running, and is the folder of its socket right?"},
    {"Connection refused", "is the server running, and are host and port right?"},
    {"starting up", "wait until it has"},
};

}  // namespace

Failure read_report(const Report& report) {
    if (report.sqlstate.empty()) {
        return {{ErrorKind::unavailable, "storage.connection", on_one_line(report.message)},
                Remedy::elsewhere,
                true};
    }
    const auto* row = std::ranges::find_if(
        rows, [&](const Row& each) { return report.sqlstate.starts_with(each.prefix); });
    if (row == std::end(rows))
        return {{ErrorKind::internal, "storage.statement", detail_of(report)}, Remedy::none, false};
    return {{row->kind, row->reason, detail_of(report)}, row->remedy, row->connection};
}

Error connect_error(std::string_view place, std::string_view message) {
    auto detail = fmt::format("{}: {}", place, on_one_line(message));
    const auto* advice = std::ranges::find_if(
        advices, [&](const Advice& each) { return message.contains(each.said); });
    if (advice != std::end(advices)) detail += fmt::format("; {}", advice->remedy);
    return {ErrorKind::unavailable, "storage.connection", std::move(detail)};
}

}  // namespace gh::storage::postgres

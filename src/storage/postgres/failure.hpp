#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "storage/statement.hpp"

namespace gh::storage::postgres {

/// What may help the transaction that failed.
enum class Remedy : std::uint8_t {
    none,
    again,  ///< the same once more: it met another
    elsewhere,  ///< the same on another connection: this one is not, or not any more, what we took it for
};

struct Failure {
    Error error;
    Remedy remedy = Remedy::none;
    bool connection = false;  ///< the connection is over, or not to be trusted
};

/// What the server said of a statement, or of a connection.
struct Report {
    std::string_view
        sqlstate;  ///< five characters; empty: libpq itself speaks, of a broken connection
    std::string_view message;
    std::string_view table, column, constraint;
};

/// SQLSTATE to our reasons (session.hpp). The detail has what names no value: the state, the names, and the server's primary
/// message in the classes whose messages hold only names.
[[nodiscard]] Failure read_report(const Report& report);

/// Of a failed attempt to connect: what libpq said, and what to do.
[[nodiscard]] Error connect_error(std::string_view place, std::string_view message);

}  // namespace gh::storage::postgres

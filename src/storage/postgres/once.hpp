#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/url.hpp"

// Servers that are not the house's own database: a connection for one thing, then it is closed. On the loop of the caller.

namespace gh::storage {

/// How long each may take: to be there, and to answer.
struct OncePatience {
    milliseconds connect{3'000};
    milliseconds answer{2'000};
    /// The answer must be there by then, or nothing is asked: looking up a name has no limit of its own.
    SteadyTime until = SteadyTime::max();
};

/// Lets the server check the user, the password and the right to be in the database.
/// @return `unavailable` "storage.connection": it does not, or it is away
[[nodiscard]] Task<Result<void>> log_in_once(PostgresUrl url, OncePatience patience = {});

/// Runs statements apart by ';' in a transaction of their own. No parameters: what is foreign in it was quoted.
/// @return errors of log_in_once() and of Session; `unavailable` "storage.commit_unknown" where the connection ended in
///         between; `unavailable` "storage.late": nothing was asked
[[nodiscard]] Task<Result<void>> run_once(PostgresUrl url, std::string script,
                                          OncePatience patience = {});

/// An identifier in quotes (PostgreSQL manual §4.1.1).
[[nodiscard]] std::string quoted_identifier(std::string_view name);

}  // namespace gh::storage

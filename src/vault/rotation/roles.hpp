#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/postgres/once.hpp"
#include "storage/url.hpp"
#include "vault/rotation/repository.hpp"
#include "vault/secret_repository.hpp"

// Passwords of roles of a PostgreSQL server, changed in that server. The password itself is sent to nobody: the server gets
// what it keeps of one.

namespace gh::vault::rotation {

/// Where the server is and as whom to change roles there.
/// @return `invalid_argument` "rotation.connection"; errors of SecretRepository::get()
[[nodiscard]] Task<Result<storage::PostgresUrl>> find_server(SecretRepository& secrets,
                                                             std::string connection,
                                                             SystemTime now);

/// The same, if all of the URL but a password in it is as it was when somebody named it who may read and write the
/// secret: the password goes nowhere else because somebody may write.
/// @param meant  storage::text_of() of what find_server() found then
/// @return `conflict` "rotation.connection_changed"; errors of find_server()
[[nodiscard]] Task<Result<storage::PostgresUrl>> find_meant_server(SecretRepository& secrets,
                                                                   std::string connection,
                                                                   std::string meant,
                                                                   SystemTime now);

/// What a server takes for the house itself, and not for the user of a password: a Unix socket, a certificate of a file.
/// @return `invalid_argument` "rotation.connection"
[[nodiscard]] Result<void> check_foreign(const storage::PostgresUrl& server);

/// Who names a server.
enum class NamedBy : std::uint8_t { api, shell };

/// The server of a rule that is about to be made; of a rule without one, nothing.
/// @param path  the secret that is to be rotated
/// @return `invalid_argument` "rotation.connection": none, or not for this rule; errors of find_server(), of check_foreign()
///         but for the shell
[[nodiscard]] Task<Result<std::optional<storage::PostgresUrl>>> server_for(
    SecretRepository& secrets, std::string path, Generator by, NamedBy who, SystemTime now);

/// The server of a rule that was made. @return errors of find_meant_server()
[[nodiscard]] Task<Result<storage::PostgresUrl>> server_of(SecretRepository& secrets,
                                                           Rotation rotation, SystemTime now);

/// Asked before a server is told anything: the work is ours still, and until when.
using StillOurs = std::function<Task<Result<storage::OncePatience>>()>;

/// Tells the server the pending password and logs in with it. Where that fails and the role has no second one to take turns
/// with, the password before is put back.
/// @return `conflict` "rotation.changed": the newest version is of the role whose password would change; `unavailable`
///         "rotation.login", "rotation.unsettled": nor could it be put back; errors of storage::run_once() and of `ours`
[[nodiscard]] Task<Result<void>> apply_password(storage::PostgresUrl server, Rotation rotation,
                                                Values values, StillOurs ours);

/// Before the version before becomes the newest again: its password is let in. Where it is not any more, the role has it
/// again. @return errors of apply_password()
[[nodiscard]] Task<Result<void>> give_back_password(storage::PostgresUrl server, Rotation rotation,
                                                    Values values, StillOurs ours);

/// The role of the version before has no password any more. Never that of the newest version.
[[nodiscard]] Task<Result<void>> end_password(storage::PostgresUrl server, Rotation rotation,
                                              Values values, StillOurs ours);

}  // namespace gh::vault::rotation

#include "vault/rotation/roles.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/scram.hpp"
#include "storage/postgres/once.hpp"

namespace gh::vault::rotation {
namespace {

constexpr std::size_t salt_bytes = 16;

std::string_view text_of(const std::shared_ptr<const crypto::Secret>& fields) {
    return fields ? crypto::text_of(fields->bytes()) : std::string_view();
}

std::unexpected<Error> bad_connection(std::string detail) {
    return fail(ErrorKind::invalid_argument, "rotation.connection", std::move(detail));
}

/// Who changes their own password is out as soon as the answer is lost: the connection's secret has the old one.
Result<void> check_roles(const storage::PostgresUrl& server, const Generator& by) {
    if (std::ranges::find(by.roles, server.user) == by.roles.end()) return {};
    return bad_connection("the user of the connection, " + server.user +
                          ", does not change its own password: name another user's connection");
}

/// Whose credential these fields are; empty: nobody's.
std::string user_in(std::string_view fields) {
    if (fields.empty()) return {};
    const auto name = text_field(fields, username_field);
    return name ? std::string(crypto::text_of(name->bytes())) : std::string();
}

std::string change_of(const std::string& role, const crypto::Secret& password) {
    const auto salt = crypto::Secret::random(salt_bytes);
    return "ALTER ROLE " + storage::quoted_identifier(role) + " PASSWORD '" +
           crypto::scram_verifier(password, salt.bytes()) + "'";
}

storage::PostgresUrl as_role(storage::PostgresUrl server, const Rotation& rotation,
                             const std::string& role, const crypto::Secret& password) {
    server.user = role;
    server.password = config::Secret(std::string(crypto::text_of(password.bytes())));
    const auto& database = rotation.rule.generator.database;
    if (!database.empty()) server.database = database;
    return server;
}

/// After a login that failed: nobody shall be left with neither.
Task<Result<void>> put_back(storage::PostgresUrl server, const Rotation& rotation,
                            std::string_view before, const StillOurs& ours) {
    if (rotation.rule.takes_turns() || user_in(before) != rotation.pending_role)
        co_return Result<void>{};
    GH_CO_TRY(const auto password, text_field(before, password_field));
    GH_CO_TRY(const auto patience, co_await ours());
    auto script = change_of(rotation.pending_role, password);
    co_return co_await storage::run_once(std::move(server), std::move(script), patience);
}

}  // namespace

Task<Result<storage::PostgresUrl>> find_server(SecretRepository& secrets, std::string connection,
                                               SystemTime now) {
    GH_CO_TRY(const auto name, parse_connection(connection));
    const auto secret = co_await secrets.get(name.path, 0, now);
    if (!secret && secret.error().reason != "secret.unknown")
        co_return std::unexpected(secret.error());
    if (!secret || !secret->value)
        co_return bad_connection("there is no secret " + name.path + " with the connection");
    const auto fields = text_of(secret->value);
    const auto text = text_field(fields, name.field);
    if (!text) co_return bad_connection(name.path + ": " + text.error().detail);
    const auto url = storage::parse_storage_url(crypto::text_of(text->bytes()));
    if (!url) co_return bad_connection(name.path + ": " + url.error().detail);
    const auto* server = std::get_if<storage::PostgresUrl>(&*url);
    if (server == nullptr)
        co_return bad_connection(name.path + " is not postgresql://user@host/database");
    auto found = *server;
    const auto password = text_field(fields, password_field);
    if (found.password.view().empty() && password)
        found.password = config::Secret(std::string(crypto::text_of(password->bytes())));
    co_return found;
}

Task<Result<storage::PostgresUrl>> find_meant_server(SecretRepository& secrets,
                                                     std::string connection, std::string meant,
                                                     SystemTime now) {
    GH_CO_TRY(auto server, co_await find_server(secrets, connection, now));
    if (storage::text_of(server) == meant) co_return server;
    co_return fail(ErrorKind::conflict, "rotation.connection_changed",
                   connection +
                       " names another server by now, or another user: set it anew, if "
                       "that is meant");
}

Result<void> check_foreign(const storage::PostgresUrl& server) {
    if (server.unix_socket())
        return bad_connection("a Unix socket may be named from the shell alone");
    if (server.certificate_file.empty() && server.key_file.empty()) return {};
    return bad_connection("sslcert and sslkey may be named from the shell alone");
}

Task<Result<std::optional<storage::PostgresUrl>>> server_for(SecretRepository& secrets,
                                                             std::string path, Generator by,
                                                             NamedBy who, SystemTime now) {
    if (by.kind != Kind::postgresql) co_return std::nullopt;
    GH_CO_TRY(const auto name, parse_connection(by.connection));
    if (name.path == path)
        co_return bad_connection(path + " is the connection: it does not rotate itself");
    GH_CO_TRY(auto server, co_await find_server(secrets, by.connection, now));
    if (who == NamedBy::api) GH_CO_TRY_VOID(check_foreign(server));
    GH_CO_TRY_VOID(check_roles(server, by));
    co_return server;
}

Task<Result<storage::PostgresUrl>> server_of(SecretRepository& secrets, Rotation rotation,
                                             SystemTime now) {
    const auto& by = rotation.rule.generator;
    GH_CO_TRY(auto server,
              co_await find_meant_server(secrets, by.connection, rotation.server, now));
    GH_CO_TRY_VOID(check_roles(server, by));
    co_return server;
}

Task<Result<void>> apply_password(storage::PostgresUrl server, Rotation rotation, Values values,
                                  StillOurs ours) {
    const auto before = text_of(values.newest);
    if (rotation.rule.takes_turns() && user_in(before) == rotation.pending_role) {
        co_return fail(ErrorKind::conflict, "rotation.changed",
                       "the newest version is of " + rotation.pending_role +
                           " by now: the next password is made for the other role");
    }
    GH_CO_TRY(const auto password, text_field(text_of(values.pending), password_field));
    GH_CO_TRY(const auto patience, co_await ours());
    auto script = change_of(rotation.pending_role, password);
    GH_CO_TRY_VOID(co_await storage::run_once(server, std::move(script), patience));
    auto role = as_role(server, rotation, rotation.pending_role, password);
    const auto let_in = co_await storage::log_in_once(std::move(role));
    if (let_in) co_return Result<void>{};
    const auto undone = co_await put_back(std::move(server), rotation, before, ours);
    auto detail = "the new password was set, and does not log in: " + let_in.error().detail;
    if (undone) co_return fail(ErrorKind::unavailable, "rotation.login", std::move(detail));
    detail += "; nor could the one before be put back: " + undone.error().detail;
    co_return fail(ErrorKind::unavailable, "rotation.unsettled", std::move(detail));
}

Task<Result<void>> give_back_password(storage::PostgresUrl server, Rotation rotation, Values values,
                                      StillOurs ours) {
    const auto fields = text_of(values.previous);
    const auto role = user_in(fields);
    const auto& roles = rotation.rule.generator.roles;
    if (std::ranges::find(roles, role) == roles.end()) co_return Result<void>{};
    GH_CO_TRY(const auto password, text_field(fields, password_field));
    const auto as_before = as_role(server, rotation, role, password);
    if (co_await storage::log_in_once(as_before)) co_return Result<void>{};
    GH_CO_TRY(const auto patience, co_await ours());
    auto script = change_of(role, password);
    GH_CO_TRY_VOID(co_await storage::run_once(std::move(server), std::move(script), patience));
    const auto let_in = co_await storage::log_in_once(as_before);
    if (let_in) co_return Result<void>{};
    co_return fail(ErrorKind::unavailable, "rotation.login",
                   "the password before does not log in: " + let_in.error().detail);
}

Task<Result<void>> end_password(storage::PostgresUrl server, Rotation rotation, Values values,
                                StillOurs ours) {
    if (rotation.previous_role.empty()) co_return Result<void>{};
    if (user_in(text_of(values.newest)) == rotation.previous_role) co_return Result<void>{};
    GH_CO_TRY(const auto patience, co_await ours());
    auto script =
        "ALTER ROLE " + storage::quoted_identifier(rotation.previous_role) + " PASSWORD NULL";
    co_return co_await storage::run_once(std::move(server), std::move(script), patience);
}

}  // namespace gh::vault::rotation

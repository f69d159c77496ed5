#include "vault/leases/lessor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "config/unit.hpp"
#include "crypto/scram.hpp"
#include "net/at_once.hpp"
#include "storage/postgres/once.hpp"
#include "vault/rotation/generate.hpp"
#include "vault/rotation/roles.hpp"
#include "vault/rotation/rotation.hpp"

namespace gh::vault::leases {
namespace {

constexpr std::size_t id_characters = 24;
constexpr std::size_t password_characters = 32;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t workers = 16;  // of a round: a server that hangs takes one for some seconds
constexpr std::string_view letters_and_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

SystemTime now() { return std::chrono::system_clock::now(); }

storage::Also<Lease> recorded(audit::Record record) {
    return audit::also<Lease>(std::move(record), [](audit::Record& told, const Lease& lease) {
        told.object_id = lease.id;
        told.details.push_back({"username", lease.username});
        told.details.push_back({"expires_at", config::time_text(lease.expires_at)});
    });
}

std::string text(std::size_t characters) {
    const auto made = rotation::random_text(letters_and_digits, characters);
    return std::string(crypto::text_of(made.bytes()));
}

Lease lease_of(const Role& role, std::string holder, SystemTime now) {
    Lease lease;
    lease.id = "database/creds/" + role.name + "/" + text(id_characters);
    lease.role = role.name;
    lease.connection = role.connection;
    lease.username = new_username(role.name, now);
    lease.revocation = role.revocation;
    lease.holder = std::move(holder);
    lease.issued_at = now;
    lease.expires_at = now + role.ttl();
    lease.ends_at = now + role.longest();
    lease.next_at = now + making_max;
    return lease;
}

/// What the statements of an operator did is for whoever asked to hear.
Error of_server(Error error) {
    if (storage::is_away(error)) return error;
    return {ErrorKind::invalid_argument, "lease.server", std::move(error.detail)};
}

}  // namespace

std::string secret_of(std::string_view connection) { return "database/" + std::string(connection); }

Lessor::Lessor(Parts parts)
    : parts_(parts),
      live_(parts.registry.one_gauge("gatehouse_leases_live", "Leases that are good.")),
      failing_(parts.registry.one_gauge(
          "gatehouse_leases_failing",
          "Leases that are over and whose user could not be ended when it was last tried.")),
      failed_(parts.registry.one_counter("gatehouse_lease_failures_total",
                                         "Users that could not be ended here, each try.")) {}

Task<Result<storage::PostgresUrl>> Lessor::server_of(std::string connection) {
    GH_CO_TRY(auto meant, co_await parts_.leases.meant_server(connection));
    auto server = co_await rotation::find_meant_server(
        parts_.secrets, "vault:" + secret_of(connection), std::move(meant), now());
    if (!server && server.error().reason.starts_with("rotation."))
        co_return fail(ErrorKind::invalid_argument, "lease.server", server.error().detail);
    co_return server;
}

Task<Result<MadeLease>> Lessor::make(std::string name, std::string holder, audit::Record record) {
    GH_CO_TRY(const auto role, co_await parts_.leases.find_role(std::move(name)));
    const auto path = secret_of(role.connection);
    const auto secret = co_await parts_.secrets.get(path, 0);
    if (!secret || !secret->value) {
        if (!secret && secret.error().reason != "secret.unknown")
            co_return std::unexpected(secret.error());
        co_return fail(ErrorKind::not_found, "lease.connection",
                       "there is no connection " + role.connection);
    }
    GH_CO_TRY(const auto connection, connection_of(crypto::text_of(secret->value->bytes())));
    if (!allows(connection, role.name)) {
        co_return fail(ErrorKind::permission_denied, "lease.role",
                       role.name + " is not among the allowed_roles of the connection");
    }
    GH_CO_TRY(auto server, co_await server_of(role.connection));
    auto wanted = lease_of(role, std::move(holder), now());
    auto also = recorded(std::move(record));
    GH_CO_TRY(auto lease, co_await parts_.leases.add(std::move(wanted), std::move(also)));
    MadeLease made;
    made.password = rotation::random_text(letters_and_digits, password_characters);
    const auto salt = crypto::Secret::random(salt_bytes);
    auto script =
        creation_script(role, lease.username, crypto::scram_verifier(made.password, salt.bytes()),
                        lease.expires_at);
    auto done = co_await storage::run_once(std::move(server), std::move(script));
    if (!done) {  // it may be there all the same, or come yet
        storage::Also<Lease> nothing;
        std::ignore =
            co_await parts_.leases.begin_end(lease.id, now() + making_max, std::move(nothing));
        co_return std::unexpected(of_server(std::move(done).error()));
    }
    GH_CO_TRY(made.lease, co_await parts_.leases.went_live(lease.id));
    co_return made;
}

Task<Result<Lease>> Lessor::renew(Lease lease, std::optional<seconds> wished,
                                  audit::Record record) {
    const auto length = wished && wished->count() > 0
                            ? *wished
                            : std::chrono::duration_cast<seconds>(
                                  lease.expires_at - lease.renewed_at.value_or(lease.issued_at));
    const auto moment = now();
    const auto expires = std::min(moment + length, lease.ends_at);
    GH_CO_TRY(auto server, co_await server_of(lease.connection));
    // The server first: a lease that the database knows of is no longer than its user.
    auto script = renew_script(lease.username, expires);
    auto done = co_await storage::run_once(std::move(server), std::move(script));
    if (!done) co_return std::unexpected(of_server(std::move(done).error()));
    auto also = recorded(std::move(record));
    co_return co_await parts_.leases.renew(lease.id, expires, moment, std::move(also));
}

Task<Result<void>> Lessor::revoke(std::string id, audit::Record record) {
    auto also = recorded(std::move(record));
    GH_CO_TRY(auto lease, co_await parts_.leases.begin_end(std::move(id), now(), std::move(also)));
    co_return co_await end(std::move(lease));
}

Task<Result<void>> Lessor::end_user(const Lease& lease) {
    GH_CO_TRY(const auto server, co_await server_of(lease.connection));
    auto close = close_script(lease.username);
    GH_CO_TRY_VOID(co_await storage::run_once(server, std::move(close)));
    auto gone = end_script(lease.revocation, lease.username);
    co_return co_await storage::run_once(server, std::move(gone));
}

Task<Result<void>> Lessor::end(Lease lease) {
    GH_CO_TRY(const bool ours, co_await parts_.leases.take(lease, now()));
    if (!ours) co_return Result<void>{};
    auto done = co_await end_user(lease);
    if (done) {
        auto also = recorded(audit::act_of_house("lease.end", "lease"));
        GH_CO_TRY_VOID(co_await parts_.leases.ended(std::move(lease), std::move(also)));
        co_return Result<void>{};
    }
    failed_.add();
    const auto again = now() + rotation::pause_after(lease.failures + 1);
    parts_.log.warning("vault", "the user of a lease could not be ended and is tried again")
        .field("lease", lease.id)
        .field("username", lease.username)
        .field("next", config::time_text(again))
        .error(done.error());
    GH_CO_TRY_VOID(
        co_await parts_.leases.not_ended(std::move(lease), std::move(done).error(), again));
    co_return Result<void>{};
}

Task<Result<void>> Lessor::end_due() {
    GH_CO_TRY(auto due, co_await parts_.leases.due(now()));
    std::function<Task<Result<void>>(Lease)> work = [this](Lease lease) {
        return end(std::move(lease));
    };
    co_return co_await net::at_once(std::move(due), workers, std::move(work));
}

Task<Result<void>> Lessor::observe() {
    GH_CO_TRY(const auto seen, co_await parts_.leases.overview());
    live_.set(seen.live);
    failing_.set(seen.failing);
    co_return Result<void>{};
}

}  // namespace gh::vault::leases

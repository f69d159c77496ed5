#include "vault/leases/repository.hpp"

#include <functional>
#include <memory>
#include <utility>

#include "base/try.hpp"
#include "vault/foreign_text.hpp"

namespace gh::vault::leases {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement upsert_role{
    .name = "leases.put_role",
    .sql =
        "INSERT INTO lease_roles (name, connection, creation, revocation, default_ttl, max_ttl, "
        "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (name) "
        "DO UPDATE SET connection = $2, creation = $3, revocation = $4, default_ttl = $5, "
        "max_ttl = $6, updated_at = $7"};
constexpr Statement count_roles{.name = "leases.count_roles",
                                .sql = "SELECT count(*) FROM lease_roles WHERE name <> $1"};
constexpr Statement select_role{
    .name = "leases.find_role",
    .sql =
        "SELECT name, connection, creation, revocation, default_ttl, max_ttl FROM lease_roles "
        "WHERE name = $1"};
constexpr Statement select_role_names{.name = "leases.list_roles",
                                      .sql = "SELECT name FROM lease_roles ORDER BY name"};
constexpr Statement delete_role{.name = "leases.remove_role",
                                .sql = "DELETE FROM lease_roles WHERE name = $1"};
constexpr Statement put_server{.name = "leases.put_server",
                               .sql =
                                   "INSERT INTO lease_connections (name, server) VALUES ($1, $2) "
                                   "ON CONFLICT (name) DO UPDATE SET server = $2"};
constexpr Statement select_server{.name = "leases.server",
                                  .sql = "SELECT server FROM lease_connections WHERE name = $1"};
constexpr Statement delete_server{.name = "leases.forget_server",
                                  .sql = "DELETE FROM lease_connections WHERE name = $1"};
constexpr Statement count_leases{.name = "leases.count", .sql = "SELECT count(*) FROM leases"};
constexpr Statement insert_lease{
    .name = "leases.put",
    .sql =
        "INSERT INTO leases (id, role, connection, username, revocation, holder, state, "
        "issued_at, expires_at, ends_at, next_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, 'making', $7, $8, $9, $10)"};
constexpr Statement set_live{
    .name = "leases.live",
    .sql =
        "UPDATE leases SET state = 'live', next_at = expires_at WHERE id = $1 AND "
        "state = 'making'"};
constexpr Statement select_one{
    .name = "leases.find",
    .sql =
        "SELECT id, role, connection, username, revocation, holder, state, issued_at, expires_at, "
        "renewed_at, ends_at, next_at, failures, error FROM leases WHERE id = $1"};
constexpr Statement select_due{
    .name = "leases.due",
    .sql =
        "SELECT id, role, connection, username, revocation, holder, state, issued_at, expires_at, "
        "renewed_at, ends_at, next_at, failures, error FROM leases WHERE next_at <= $1 "
        "ORDER BY next_at LIMIT $2"};
constexpr Statement select_ids{
    .name = "leases.list",
    .sql =
        "SELECT id FROM leases WHERE id >= $1 AND id < $2 AND state = 'live' ORDER BY id "
        "LIMIT $3"};
constexpr Statement count_connection{.name = "leases.count_connection",
                                     .sql = "SELECT count(*) FROM leases WHERE connection = $1"};
constexpr Statement update_expiry{
    .name = "leases.renew",
    .sql =
        "UPDATE leases SET expires_at = $2, next_at = $2, renewed_at = $3 WHERE id = $1 AND "
        "state = 'live' AND expires_at > $3"};
constexpr Statement set_ending{
    .name = "leases.begin_end",
    .sql = "UPDATE leases SET state = 'ending', next_at = $2 WHERE id = $1"};
constexpr Statement take_one{
    .name = "leases.take",
    .sql = "UPDATE leases SET state = 'ending', next_at = $3 WHERE id = $1 AND next_at = $2"};
constexpr Statement delete_lease{.name = "leases.ended", .sql = "DELETE FROM leases WHERE id = $1"};
constexpr Statement update_failure{
    .name = "leases.not_ended",
    .sql = "UPDATE leases SET failures = $2, error = $3, next_at = $4 WHERE id = $1"};
constexpr Statement select_overview{.name = "leases.overview",
                                    .sql =
                                        "SELECT count(CASE WHEN state = 'live' THEN 1 END), "
                                        "count(CASE WHEN failures > 0 THEN 1 END) FROM leases"};

using SharedLease = std::shared_ptr<const Lease>;

State state_named(std::string_view name) {
    if (name == name_of(State::making)) return State::making;
    return name == name_of(State::live) ? State::live : State::ending;
}

Role role_of(const storage::Row& row) {
    Role role;
    role.name = row.text(0);
    role.connection = row.text(1);
    role.creation = texts_of(row.text(2));
    role.revocation = texts_of(row.text(3));
    role.default_ttl = seconds(row.integer(4));
    role.max_ttl = seconds(row.integer(5));
    return role;
}

Lease lease_of(const storage::Row& row) {
    Lease lease;
    lease.id = row.text(0);
    lease.role = row.text(1);
    lease.connection = row.text(2);
    lease.username = row.text(3);
    lease.revocation = texts_of(row.text(4));
    lease.holder = row.text(5);
    lease.state = state_named(row.text(6));
    lease.issued_at = row.time(7);
    lease.expires_at = row.time(8);
    lease.renewed_at = row.optional_time(9);
    lease.ends_at = row.time(10);
    lease.next_at = row.time(11);
    lease.failures = static_cast<std::uint32_t>(row.integer(12));
    lease.error = row.text(13);
    return lease;
}

std::unexpected<Error> unknown() {
    return fail(ErrorKind::not_found, "lease.unknown", "invalid lease");
}

Task<Result<Lease>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, id));
    if (!row) co_return unknown();
    co_return lease_of(*row);
}

Task<Result<Role>> read_role(Session& session, std::string name) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_role, name));
    if (row) co_return role_of(*row);
    co_return fail(ErrorKind::not_found, "lease.role", "unknown role: " + name);
}

Task<Result<Role>> write_role(Session& session, std::shared_ptr<const Role> role, SystemTime now) {
    GH_CO_TRY(const auto others, co_await session.query(count_roles, role->name));
    if (others[0].integer(0) >= roles_max)
        co_return fail(ErrorKind::conflict, "lease.too_many", "there are 1000 roles already");
    GH_CO_TRY_VOID(co_await session.execute(upsert_role, role->name, role->connection,
                                            text_of(role->creation), text_of(role->revocation),
                                            role->default_ttl.count(), role->max_ttl.count(), now));
    co_return *role;
}

Task<Result<Role>> erase_role(Session& session, std::string name) {
    GH_CO_TRY_VOID(co_await session.execute(delete_role, name));
    Role gone;
    gone.name = std::move(name);
    co_return gone;
}

Task<Result<Lease>> write(Session& session, SharedLease lease) {
    GH_CO_TRY(const auto count, co_await session.query(count_leases));
    if (count[0].integer(0) >= leases_max)
        co_return fail(ErrorKind::conflict, "lease.too_many", "there are 10000 leases already");
    GH_CO_TRY_VOID(co_await session.execute(insert_lease, lease->id, lease->role, lease->connection,
                                            lease->username, text_of(lease->revocation),
                                            lease->holder, lease->issued_at, lease->expires_at,
                                            lease->ends_at, lease->next_at));
    co_return *lease;
}

Task<Result<Lease>> make_live(Session& session, std::string id) {
    GH_CO_TRY(const auto changed, co_await session.execute(set_live, id));
    if (changed == 0)
        co_return fail(ErrorKind::conflict, "lease.changed", "it took too long to make the user");
    co_return co_await read(session, std::move(id));
}

Task<Result<Lease>> extend(Session& session, std::string id, SystemTime expires, SystemTime now) {
    GH_CO_TRY(const auto changed, co_await session.execute(update_expiry, id, expires, now));
    if (changed == 0) co_return unknown();
    co_return co_await read(session, std::move(id));
}

Task<Result<Lease>> mark_ending(Session& session, std::string id, SystemTime now) {
    GH_CO_TRY(auto lease, co_await read(session, id));
    // What is being ended already is left to who does it.
    if (lease.state == State::ending) co_return lease;
    GH_CO_TRY_VOID(co_await session.execute(set_ending, id, now));
    lease.state = State::ending;
    lease.next_at = now;
    co_return lease;
}

Task<Result<bool>> take_ours(Session& session, SharedLease lease, SystemTime until) {
    GH_CO_TRY(const auto changed,
              co_await session.execute(take_one, lease->id, lease->next_at, until));
    co_return changed > 0;
}

Task<Result<Lease>> erase(Session& session, SharedLease lease) {
    GH_CO_TRY_VOID(co_await session.execute(delete_lease, lease->id));
    co_return *lease;
}

Task<Result<Lease>> note_failure(Session& session, SharedLease lease) {
    GH_CO_TRY_VOID(co_await session.execute(update_failure, lease->id, lease->failures,
                                            lease->error, lease->next_at));
    co_return *lease;
}

Task<Result<std::vector<std::string>>> read_texts(Session& session, Statement statement,
                                                  storage::Parameters parameters) {
    GH_CO_TRY(const auto rows, co_await session.run(statement, std::move(parameters)));
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < rows.size(); ++i) texts.push_back(rows[i].text(0));
    co_return texts;
}

Task<Result<std::vector<Lease>>> read_due(Session& session, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(select_due, now, due_at_once));
    std::vector<Lease> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(lease_of(rows[i]));
    co_return found;
}

using AfterChange = std::function<Task<Result<void>>(Session&, const SecretChange&)>;

Task<Result<void>> write_server(Session& session, std::string connection, std::string server,
                                AfterChange then, SecretChange change) {
    // Users are ended where they were made: another server would know of none of them.
    GH_CO_TRY(const auto before, co_await session.query_one(select_server, connection));
    GH_CO_TRY(const auto leases, co_await session.query(count_connection, connection));
    if (before && (*before).text(0) != server && leases[0].integer(0) > 0)
        co_return fail(ErrorKind::conflict, "lease.in_use");
    if (server.empty()) {
        GH_CO_TRY_VOID(co_await session.execute(delete_server, connection));
    } else {
        GH_CO_TRY_VOID(co_await session.execute(put_server, connection, server));
    }
    co_return co_await then(session, change);
}

SharedLease shared(Lease lease) { return std::make_shared<const Lease>(std::move(lease)); }

}  // namespace

std::string_view name_of(State state) {
    switch (state) {
        case State::making: return "making";
        case State::live: return "live";
        case State::ending: return "ending";
    }
    std::unreachable();
}

Task<Result<Role>> Repository::put_role(Role role, SystemTime now, Also<Role> also) {
    const auto wanted = std::make_shared<const Role>(std::move(role));
    auto work = [wanted, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, write_role(session, wanted, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Role>> Repository::find_role(std::string name) {
    auto work = [name = std::move(name)](Session& session) { return read_role(session, name); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> Repository::role_names() {
    auto work = [](Session& session) {
        storage::Parameters none;
        return read_texts(session, select_role_names, std::move(none));
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Role>> Repository::remove_role(std::string name, Also<Role> also) {
    auto work = [name = std::move(name), also = std::move(also)](Session& session) {
        return storage::with_also(session, erase_role(session, name), also);
    };
    co_return co_await database_.write(std::move(work));
}

Also<SecretChange> Repository::meant(std::string connection, std::string server,
                                     Also<SecretChange> also) {
    auto after = [connection = std::move(connection), server = std::move(server),
                  then = std::move(also.after)](Session& session, const SecretChange& change) {
        return write_server(session, connection, server, then, change);
    };
    return {.before = std::move(also.before), .after = std::move(after)};
}

Task<Result<std::string>> Repository::meant_server(std::string connection) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_server, connection));
    co_return rows.size() == 0 ? std::string() : rows[0].text(0);
}

Task<Result<Lease>> Repository::add(Lease lease, Also<Lease> also) {
    auto work = [lease = shared(std::move(lease)), also = std::move(also)](Session& session) {
        return storage::with_also(session, write(session, lease), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Lease>> Repository::went_live(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return make_live(session, id); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Lease>> Repository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> Repository::ids(std::string prefix, std::size_t limit) {
    auto work = [prefix = std::move(prefix), limit](Session& session) {
        auto behind = prefix;
        behind.back() = static_cast<char>(behind.back() + 1);  // '0' for '/'
        storage::Parameters parameters{prefix, behind, static_cast<std::int64_t>(limit)};
        return read_texts(session, select_ids, std::move(parameters));
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Lease>> Repository::renew(std::string id, SystemTime expires, SystemTime now,
                                      Also<Lease> also) {
    auto work = [id = std::move(id), expires, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, extend(session, id, expires, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Lease>> Repository::begin_end(std::string id, SystemTime now, Also<Lease> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, mark_ending(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<Lease>>> Repository::due(SystemTime now) {
    auto work = [now](Session& session) { return read_due(session, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<bool>> Repository::take(const Lease& lease, SystemTime now) {
    auto work = [wanted = shared(lease), until = now + ending_max](Session& session) {
        return take_ours(session, wanted, until);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Lease>> Repository::ended(Lease lease, Also<Lease> also) {
    auto work = [gone = shared(std::move(lease)), also = std::move(also)](Session& session) {
        return storage::with_also(session, erase(session, gone), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Lease>> Repository::not_ended(Lease lease, Error error, SystemTime again) {
    error.detail = storable(std::move(error.detail));
    lease.error = describe(error);
    lease.next_at = again;
    ++lease.failures;
    auto work = [failed = shared(std::move(lease))](Session& session) {
        return note_failure(session, failed);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<LeaseOverview>> Repository::overview() {
    GH_CO_TRY(const auto rows, co_await database_.query(select_overview));
    LeaseOverview overview;
    overview.live = rows[0].integer(0);
    overview.failing = rows[0].integer(1);
    co_return overview;
}

}  // namespace gh::vault::leases

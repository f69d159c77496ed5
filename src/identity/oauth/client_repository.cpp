#include "identity/oauth/client_repository.hpp"

#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/secret.hpp"
#include "identity/revocations.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement select_one{
    .name = "oauth_clients.find",
    .sql =
        "SELECT id, name, authentication, secret_hash, certificate_name, redirect_uris, grants, "
        "scopes, resources, serves, require_dpop, certificate_bound, disabled_at, created_at, "
        "updated_at FROM oauth_clients WHERE id = $1"};
constexpr Statement select_some{
    .name = "oauth_clients.list",
    .sql =
        "SELECT id, name, authentication, secret_hash, certificate_name, redirect_uris, grants, "
        "scopes, resources, serves, require_dpop, certificate_bound, disabled_at, created_at, "
        "updated_at FROM oauth_clients ORDER BY created_at, id LIMIT $1"};
constexpr Statement insert{
    .name = "oauth_clients.create",
    .sql =
        "INSERT INTO oauth_clients (id, name, authentication, secret_hash, certificate_name, "
        "redirect_uris, grants, scopes, resources, serves, require_dpop, certificate_bound, "
        "created_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)"};
constexpr Statement update_disabled{
    .name = "oauth_clients.disable",
    .sql =
        "UPDATE oauth_clients SET disabled_at = $2, updated_at = $2 "
        "WHERE id = $1 AND disabled_at IS NULL"};
constexpr Statement end_grants{
    .name = "oauth_clients.end_grants",
    .sql = "UPDATE oauth_grants SET ended_at = $2 WHERE client_id = $1 AND ended_at IS NULL"};

Client client_of(const storage::Row& row) {
    Client client;
    client.id = row.text(0);
    client.name = row.text(1);
    client.authentication =
        client_authentication_of(row.text(2)).value();  // the table allows no other
    if (!row.is_null(3)) client.secret_hash = row.octets(3);
    client.certificate_name = row.optional_text(4).value_or("");
    client.redirect_uris = split_names(row.text(5), ' ');
    client.grants = split_names(row.text(6), ' ');
    client.scopes = split_names(row.text(7), ' ');
    client.resources = split_names(row.text(8), ' ');
    client.serves = split_names(row.text(9), ' ');
    client.require_dpop = row.boolean(10);
    client.certificate_bound = row.boolean(11);
    client.disabled_at = row.optional_time(12);
    client.created_at = row.time(13);
    client.updated_at = row.time(14);
    return client;
}

Task<Result<Client>> end(Session& session, std::string id, SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(update_disabled, id, now));
    GH_CO_TRY_VOID(co_await session.execute(end_grants, id, now));
    Revocation revocation{RevocationKind::client, id, next_millisecond(now),
                          next_millisecond(now) + token_lifetime_max};
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, std::move(revocation), now));
    co_return co_await ClientRepository::find_in(session, id);
}

}  // namespace

Task<Result<Client>> ClientRepository::find_in(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "client.unknown");
    co_return client_of(*row);
}

Task<Result<Client>> ClientRepository::insert_in(Session& session, Client client) {
    std::optional<storage::Blob> hash;
    if (client.secret_hash) hash = storage::Blob{*client.secret_hash};
    std::optional<std::string> certificate;
    if (!client.certificate_name.empty()) certificate = client.certificate_name;
    GH_CO_TRY_VOID(
        co_await session.execute(insert, client.id, client.name, name_of(client.authentication),
                                 hash, certificate, join_names(client.redirect_uris, ' '),
                                 join_names(client.grants, ' '), join_names(client.scopes, ' '),
                                 join_names(client.resources, ' '), join_names(client.serves, ' '),
                                 client.require_dpop, client.certificate_bound, client.created_at));
    co_return client;
}

Result<MadeClient> ClientRepository::made_of(NewClient client, SystemTime now) const {
    GH_TRY(auto good, checked(std::move(client)));
    MadeClient made;
    static_cast<NewClient&>(made.client) = std::move(good);
    made.client.id = new_client_id();
    made.client.created_at = made.client.updated_at = now;
    if (made.client.has_secret()) {
        auto secret = make_client_secret(made.client.id, *hasher_);
        made.secret = std::move(secret.text);
        made.client.secret_hash = blob_of(secret.hash).octets;
    }
    return made;
}

Task<Result<MadeClient>> ClientRepository::create(NewClient client, SystemTime now,
                                                  storage::Also<Client> also) {
    GH_CO_TRY(auto made, made_of(std::move(client), now));
    auto work = [client = made.client, also = std::move(also)](Session& session) {
        return storage::with_also(session, insert_in(session, client), also);
    };
    GH_CO_TRY_VOID(co_await database_.write(std::move(work)));
    co_return made;
}

Task<Result<Client>> ClientRepository::find(std::string id) {
    if (!is_client_id(id)) co_return fail(ErrorKind::not_found, "client.unknown");
    auto work = [id = std::move(id)](Session& session) { return find_in(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Client>>> ClientRepository::list(std::size_t limit) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_some, limit));
    std::vector<Client> clients;
    clients.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) clients.push_back(client_of(rows[i]));
    co_return clients;
}

Task<Result<Client>> ClientRepository::disable(Session& session, std::string id, SystemTime now) {
    return end(session, std::move(id), now);
}

Task<Result<Client>> ClientRepository::disable(std::string id, SystemTime now,
                                               storage::Also<Client> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, end(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::identity::oauth

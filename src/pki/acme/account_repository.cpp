#include "pki/acme/account_repository.hpp"

#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "pki/acme/jws.hpp"
#include "pki/acme/words.hpp"
#include "storage/joined.hpp"

namespace gh::pki::acme {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "acme_accounts.create",
    .sql =
        "INSERT INTO acme_accounts (id, thumbprint, jwk, status, contacts, external_key_id, "
        "created_at) VALUES ($1, $2, $3, 'valid', $4, $5, $6)"};
constexpr std::string_view select_account =
    "SELECT a.id, thumbprint, jwk, status, contacts, external_key_id, a.created_at";
constexpr std::string_view by_id = " FROM acme_accounts a WHERE a.id = $1";
constexpr std::string_view by_key = " FROM acme_accounts a WHERE thumbprint = $1";
constexpr std::string_view with_names =
    ", k.name FROM acme_accounts a LEFT JOIN acme_external_keys k ON k.id = a.external_key_id "
    "WHERE a.id > $1 ORDER BY a.id LIMIT $2";
constexpr Statement select_by_id{.name = "acme_accounts.find",
                                 .sql = storage::joined<select_account, by_id>};
constexpr Statement select_by_key{.name = "acme_accounts.find_by_key",
                                  .sql = storage::joined<select_account, by_key>};
constexpr Statement select_page{.name = "acme_accounts.list",
                                .sql = storage::joined<select_account, with_names>};
constexpr Statement update_contacts{.name = "acme_accounts.change_contacts",
                                    .sql = "UPDATE acme_accounts SET contacts = $2 WHERE id = $1"};
constexpr Statement update_key{
    .name = "acme_accounts.change_key",
    .sql = "UPDATE acme_accounts SET thumbprint = $2, jwk = $3 WHERE id = $1"};
constexpr Statement update_ended{.name = "acme_accounts.end",
                                 .sql = "UPDATE acme_accounts SET status = $2 WHERE id = $1"};
constexpr Statement end_orders{.name = "acme_orders.end_of_account",
                               .sql =
                                   "UPDATE acme_orders SET status = 'invalid' "
                                   "WHERE account_id = $1 AND status IN ('pending', 'ready')"};
constexpr Statement end_authorizations{
    .name = "acme_authorizations.end_of_account",
    .sql =
        "UPDATE acme_authorizations SET status = 'deactivated' "
        "WHERE account_id = $1 AND status IN ('pending', 'valid')"};
constexpr Statement insert_external{
    .name = "acme_external_keys.create",
    .sql =
        "INSERT INTO acme_external_keys (id, name, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4)"};
constexpr Statement use_external{.name = "acme_external_keys.use",
                                 .sql =
                                     "UPDATE acme_external_keys SET used_at = $2 "
                                     "WHERE id = $1 AND used_at IS NULL AND expires_at > $2"};
constexpr Statement select_external{
    .name = "acme_external_keys.find",
    .sql = "SELECT id, name, created_at, expires_at FROM acme_external_keys WHERE id = $1"};
constexpr Statement select_unused{
    .name = "acme_external_keys.list_unused",
    .sql =
        "SELECT id, name, created_at, expires_at FROM acme_external_keys "
        "WHERE used_at IS NULL AND id > $1 ORDER BY id LIMIT $2"};
constexpr Statement end_external{
    .name = "acme_external_keys.end",
    .sql = "UPDATE acme_external_keys SET expires_at = $2 WHERE id = $1 AND used_at IS NULL"};
constexpr Statement delete_idle{
    .name = "acme_accounts.clean",
    .sql =
        "DELETE FROM acme_accounts WHERE id IN (SELECT id FROM acme_accounts a "
        "WHERE external_key_id IS NULL AND created_at < $1 AND status <> 'revoked' "
        "AND NOT EXISTS (SELECT 1 FROM acme_orders o WHERE o.account_id = a.id) "
        "AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.issued_to = 'acme:' || a.id) "
        "LIMIT $2)"};

Result<Account> account_of(const storage::Row& row) {
    Account found;
    found.id = row.text(0);
    found.thumbprint = row.text(1);
    const auto jwk = codec::json::parse(row.text(2));
    if (!jwk) return fail(ErrorKind::corrupt, "acme.account_key", found.id);
    auto key = codec::read_jwk(*jwk);
    if (!key) return fail(ErrorKind::corrupt, "acme.account_key", found.id);
    found.key = *std::move(key);
    found.status = status_of(row.text(3));
    found.contacts = words_of(row.text(4));
    found.external_key_id = row.optional_text(5);
    found.created_at = row.time(6);
    return found;
}

Task<Result<Account>> read(Session& session, const Statement& statement, std::string by) {
    GH_CO_TRY(const auto row, co_await session.query_one(statement, std::move(by)));
    if (!row) co_return fail(ErrorKind::not_found, "acme.account_unknown");
    co_return account_of(*row);
}

Task<Result<Account>> put(Session& session, AccountRepository::New account, SystemTime now) {
    if (account.external_key_id) {
        GH_CO_TRY(const auto used,
                  co_await session.execute(use_external, *account.external_key_id, now));
        if (used == 0) {
            co_return fail(
                ErrorKind::permission_denied, "acme.external_account_refused",
                "there is no such key, or it was used, or its time is over; ask for another one");
        }
    }
    std::string id(view(uuid_v7(now)));
    GH_CO_TRY_VOID(co_await session.execute(
        insert, id, thumbprint_of(account.key), codec::thumbprint_input(account.key),
        text_of_words(account.contacts), account.external_key_id, now));
    co_return co_await read(session, select_by_id, std::move(id));
}

/// With all that it has under way.
Task<Result<void>> end(Session& session, std::string id, Status status) {
    GH_CO_TRY_VOID(co_await session.execute(update_ended, id, name_of(status)));
    GH_CO_TRY_VOID(co_await session.execute(end_orders, id));
    GH_CO_TRY_VOID(co_await session.execute(end_authorizations, std::move(id)));
    co_return Result<void>{};
}

Task<Result<Account>> put_revoked(Session& session, std::string id) {
    GH_CO_TRY_VOID(co_await end(session, id, Status::revoked));
    co_return co_await read(session, select_by_id, std::move(id));
}

Task<Result<Account>> put_change(Session& session, std::string id,
                                 AccountRepository::Change change) {
    if (change.contacts)
        GH_CO_TRY_VOID(
            co_await session.execute(update_contacts, id, text_of_words(*change.contacts)));
    if (change.key)
        GH_CO_TRY_VOID(co_await session.execute(update_key, id, thumbprint_of(*change.key),
                                                codec::thumbprint_input(*change.key)));
    if (change.deactivate) GH_CO_TRY_VOID(co_await end(session, id, Status::deactivated));
    co_return co_await read(session, select_by_id, std::move(id));
}

Task<Result<AccountRepository::ExternalKey>> put_external(Session& session, std::string name,
                                                          SystemTime now, SystemTime expires_at) {
    AccountRepository::ExternalKey key{.id = std::string(view(uuid_v4())),
                                       .name = std::move(name),
                                       .created_at = now,
                                       .expires_at = expires_at};
    GH_CO_TRY_VOID(co_await session.execute(insert_external, key.id, key.name, now, expires_at));
    co_return key;
}

AccountRepository::ExternalKey key_of(const storage::Row& row) {
    return {.id = row.text(0),
            .name = row.text(1),
            .created_at = row.time(2),
            .expires_at = row.time(3)};
}

Task<Result<AccountRepository::ExternalKey>> put_ended(Session& session, std::string id,
                                                       SystemTime now) {
    GH_CO_TRY(const auto ended, co_await session.execute(end_external, id, now));
    if (ended == 0) co_return fail(ErrorKind::not_found, "acme.external_key_unknown");
    GH_CO_TRY(const auto row, co_await session.query_one(select_external, std::move(id)));
    co_return key_of(*row);
}

/// The key of another account.
template <class T>
Result<T> in_words(Result<T> done) {
    if (!done && done.error().reason == "storage.unique")
        return fail(ErrorKind::conflict, "acme.key_in_use");
    return done;
}

}  // namespace

Task<Result<Account>> AccountRepository::create(New account, SystemTime now,
                                                storage::Also<Account> also) {
    auto work = [account = std::move(account), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, account, now), also);
    };
    co_return in_words(co_await database_.write(std::move(work)));
}

Task<Result<Account>> AccountRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, select_by_id, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Account>> AccountRepository::find_by_key(std::string thumbprint) {
    auto work = [thumbprint = std::move(thumbprint)](Session& session) {
        return read(session, select_by_key, thumbprint);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Account>> AccountRepository::change(std::string id, Change change,
                                                storage::Also<Account> also) {
    auto work = [id = std::move(id), change = std::move(change),
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_change(session, id, change), also);
    };
    co_return in_words(co_await database_.write(std::move(work)));
}

Task<Result<AccountRepository::ExternalKey>> AccountRepository::add_external_key(
    std::string name, SystemTime now, SystemTime expires_at, storage::Also<ExternalKey> also) {
    auto work = [name = std::move(name), now, expires_at,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_external(session, name, now, expires_at), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<AccountRepository::Listed>>> AccountRepository::list(std::string after) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_page, std::move(after), page));
    std::vector<Listed> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        GH_CO_TRY(auto account, account_of(rows[i]));
        all.push_back({std::move(account), rows[i].optional_text(7).value_or("")});
    }
    co_return all;
}

Task<Result<std::vector<AccountRepository::ExternalKey>>> AccountRepository::unused_keys(
    std::string after) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_unused, std::move(after), page));
    std::vector<ExternalKey> all;
    for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(key_of(rows[i]));
    co_return all;
}

Task<Result<Account>> AccountRepository::revoke(std::string id, storage::Also<Account> also) {
    auto work = [id = std::move(id), also = std::move(also)](Session& session) {
        return storage::with_also(session, put_revoked(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<AccountRepository::ExternalKey>> AccountRepository::end_external_key(
    std::string id, SystemTime now, storage::Also<ExternalKey> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_ended(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> AccountRepository::clean(SystemTime before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_idle, before, page));
    co_return rows.affected();
}

}  // namespace gh::pki::acme

#include "identity/key_repository.hpp"

#include <algorithm>

#include "base/id.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/secret.hpp"
#include "identity/names.hpp"
#include "identity/principal.hpp"
#include "identity/rights.hpp"
#include "identity/user.hpp"
#include "storage/joined.hpp"

namespace gh::identity {
namespace {

using storage::Blob;
using storage::Row;
using storage::Session;
using storage::Statement;

constexpr std::size_t key_name_bytes_max = 128;
constexpr std::size_t key_names_max = 64;  // roles or scopes of one key
// Longer than any worker believes a key without asking, or any node is cut off from the database and goes on.
constexpr std::chrono::hours key_revocation_kept{24};

constexpr Statement select_one{
    .name = "api_keys.find",
    .sql =
        "SELECT id, hash, name, owner, subject, kind, roles, scopes, expires_at, revoked_at, "
        "last_used_at, version, created_at, updated_at FROM api_keys WHERE id = $1"};
// A key goes no further than whoever made it, and whoever it stands for: one of them kept out, so is the key; and what its
// maker is no more, it is no more.
constexpr Statement select_presented{
    .name = "api_keys.recognise",
    .sql =
        "SELECT id, hash, name, owner, subject, kind, roles, scopes, expires_at, revoked_at, "
        "last_used_at, version, created_at, updated_at, "
        "(SELECT count(*) FROM users u WHERE u.name_folded IN (lower(k.owner), lower(k.subject)) "
        "AND u.disabled_at IS NOT NULL), (SELECT coalesce(u.roles, '') FROM user_records u "
        "WHERE u.name_folded = lower(k.owner)) FROM api_keys k WHERE id = $1"};
// The pages of a list: behind $1, $2, be it before the first of all.
constexpr std::string_view select_keys =
    "SELECT id, hash, name, owner, subject, kind, roles, scopes, expires_at, revoked_at, "
    "last_used_at, version, created_at, updated_at FROM api_keys WHERE ";
constexpr std::string_view whoever;
constexpr std::string_view of_owner = "owner = $5 AND ";
constexpr std::string_view oldest =
    "(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3 OFFSET $4";
constexpr std::string_view newest =
    "(created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";
template <const std::string_view& who, const std::string_view& order>
constexpr Statement list_page{.name = "api_keys.list",
                              .sql = storage::joined<select_keys, who, order>};
constexpr struct {
    Statement all, of_owner;
} oldest_pages{list_page<whoever, oldest>, list_page<of_owner, oldest>},
    newest_pages{list_page<whoever, newest>, list_page<of_owner, newest>};
constexpr Statement count_of_owner{
    .name = "api_keys.count_of_owner",
    .sql =
        "SELECT count(*) FROM api_keys "
        "WHERE owner = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"};
constexpr Statement insert{
    .name = "api_keys.create",
    .sql =
        "INSERT INTO api_keys (id, hash, name, owner, subject, kind, roles, scopes, expires_at, "
        "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"};
constexpr Statement update_hash{
    .name = "api_keys.rotate",
    .sql = "UPDATE api_keys SET hash = $2, version = version + 1, updated_at = $3 WHERE id = $1"};
constexpr Statement update_revoked{
    .name = "api_keys.revoke",
    .sql =
        "UPDATE api_keys SET revoked_at = $2, version = version + 1, updated_at = $2 "
        "WHERE id = $1 AND revoked_at IS NULL"};
constexpr Statement select_of_user{
    .name = "api_keys.of_user",
    .sql =
        "SELECT id, updated_at FROM api_keys WHERE revoked_at IS NULL "
        "AND (lower(owner) = $1 OR lower(subject) = $1)"};
constexpr Statement update_changed{.name = "api_keys.interrupt",
                                   .sql = "UPDATE api_keys SET updated_at = $2 WHERE id = $1"};
constexpr Statement update_used{
    .name = "api_keys.touch",
    .sql =
        "UPDATE api_keys SET last_used_at = $2 "
        "WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)"};
constexpr Statement delete_old{
    .name = "api_keys.clean",
    // One that was taken over stays known: it may still be offered at every start.
    .sql =
        "DELETE FROM api_keys WHERE (expires_at < $1 OR revoked_at < $1) AND id NOT LIKE "
        "'taken-%'"};

StoredKey key_of(const Row& row) {
    StoredKey key{.id = row.text(0),
                  .hash = {},
                  .name = row.text(2),
                  .owner = row.text(3),
                  .subject = row.text(4),
                  .kind = row.text(5) == "service" ? access::PrincipalType::service
                                                   : access::PrincipalType::api_key,
                  .roles = split_names(row.text(6), ','),
                  .scopes = split_names(row.text(7), ' '),
                  .expires_at = row.optional_time(8),
                  .revoked_at = row.optional_time(9),
                  .last_used_at = row.optional_time(10),
                  .version = row.integer(11),
                  .created_at = row.time(12),
                  .updated_at = row.time(13)};
    const auto& hash = row.octets(1);
    std::copy_n(hash.begin(), std::min(hash.size(), key.hash.size()), key.hash.begin());
    return key;
}

bool printable(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max && text.front() != ' ' && text.back() != ' ' &&
           std::ranges::none_of(
               text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

Result<void> check(const NewKey& key, SystemTime now) {
    const auto refuse = [](std::string_view reason) {
        return fail(ErrorKind::invalid_argument, reason);
    };
    if (!printable(key.name, key_name_bytes_max)) return refuse("key.name");
    if (!key.subject.empty() && !printable(key.subject, user_name_bytes_max))
        return refuse("key.subject");
    if (key.roles.size() > key_names_max || !std::ranges::all_of(key.roles, valid_role_name))
        return refuse("key.role");
    if (key.scopes.size() > key_names_max || !std::ranges::all_of(key.scopes, valid_scope))
        return refuse("key.scope");
    if (key.expires_at && *key.expires_at <= now) return refuse("key.expired");
    return {};
}

/// 12 characters that collide once in 2^30 keys, and then the primary key says so.
std::string new_id() {
    std::array<std::uint8_t, 8> octets{};
    random_bytes(octets);
    return codec::encode_hex({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

/// Of a key whose text says none.
std::string id_of_foreign(const ApiKeyHash& hash) {
    return "taken-" + codec::encode_hex({reinterpret_cast<const char*>(hash.data()), 8});
}

Blob blob_of(const ApiKeyHash& hash) {
    return {std::string(reinterpret_cast<const char*>(hash.data()), hash.size())};
}

Task<Result<StoredKey>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "key.unknown");
    co_return key_of(*row);
}

Task<Result<StoredKey>> put(Session& session, std::string id, NewKey key, ApiKeyHash hash,
                            SystemTime now) {
    GH_CO_TRY(const auto living, co_await session.query(count_of_owner, key.owner, now));
    if (living[0].integer(0) >= keys_of_owner_max)
        co_return fail(ErrorKind::conflict, "key.too_many");
    const std::string_view kind =
        key.kind == access::PrincipalType::service ? "service" : "api_key";
    GH_CO_TRY_VOID(co_await session.execute(
        insert, id, blob_of(hash), key.name, key.owner, key.subject.empty() ? id : key.subject,
        kind, join_names(key.roles, ','), join_names(key.scopes, ' '), key.expires_at, now));
    co_return co_await read(session, id);
}

/// When a change of `before` happens: later than the one before it, also where that was made by a clock that is ahead.
SystemTime moment_of_change(SystemTime before, SystemTime now) {
    return std::max(now, before + std::chrono::microseconds(1));
}

Task<Result<StoredKey>> put_hash(Session& session, std::string id, ApiKeyHash hash,
                                 std::optional<std::int64_t> expected_version, SystemTime now) {
    GH_CO_TRY(const auto before, co_await read(session, id));
    if (expected_version && *expected_version != before.version)
        co_return fail(ErrorKind::conflict, "key.changed");
    if (before.revoked_at) co_return fail(ErrorKind::conflict, "key.revoked");
    const auto at = moment_of_change(before.updated_at, now);
    GH_CO_TRY_VOID(co_await session.execute(update_hash, id, blob_of(hash), at));
    GH_CO_TRY(auto after, co_await read(session, id));
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, end_of_key(after), now));
    co_return after;
}

/// @param owner_roles  nothing: whoever made it is no user here
std::shared_ptr<const access::Principal> principal_of(
    StoredKey key, const std::optional<std::string>& owner_roles) {
    auto principal = std::make_shared<access::Principal>();
    principal->type = key.kind;
    principal->subject = std::move(key.subject);
    principal->token_id = std::move(key.id);
    principal->roles = std::move(key.roles);
    principal->scopes = std::move(key.scopes);
    principal->issued_at = key.updated_at;
    principal->expires = key.expires_at;
    principal->revoked_by = access::RevokedBy::key_list;
    if (owner_roles) {
        access::Principal owner;
        owner.roles = split_names(*owner_roles, ',');
        settle_roles(owner);
        std::erase_if(principal->roles,
                      [&](const auto& role) { return !within_roles(owner, role); });
        principal->owner_roles = std::move(owner.roles);
    }
    settle_roles(*principal);
    return principal;
}

}  // namespace

Task<Result<void>> KeyRepository::interrupt(Session& session, std::string user, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(select_of_user, folded(user)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto at = moment_of_change(rows[i].time(1), now);
        const Revocation before{RevocationKind::key, rows[i].text(0), at, at + key_revocation_kept};
        GH_CO_TRY_VOID(co_await session.execute(update_changed, rows[i].text(0), at));
        GH_CO_TRY_VOID(co_await RevocationRepository::record(session, before, now));
    }
    co_return Result<void>{};
}

Revocation end_of_key(const StoredKey& key) {
    return {RevocationKind::key, key.id, key.updated_at, key.updated_at + key_revocation_kept};
}

Task<Result<MadeKey>> KeyRepository::create(NewKey key, SystemTime now,
                                            storage::Also<StoredKey> also) {
    GH_CO_TRY_VOID(check(key, now));
    const auto id = new_id();
    GH_CO_TRY(auto text, generate_api_key(id));
    auto work = [id, key = std::move(key), hash = hasher_->of_text(text), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, id, key, hash, now), also);
    };
    GH_CO_TRY(auto stored, co_await database_.write(std::move(work)));
    co_return MadeKey{std::move(stored), std::move(text)};
}

Task<Result<bool>> KeyRepository::take_over(std::string_view text, NewKey key, SystemTime now,
                                            storage::Also<StoredKey> also) {
    // Not a coroutine: no frame holds the text.
    const auto hash = hasher_->of_text(text);
    const bool takeable = text.size() >= api_key_bytes_min && !text.starts_with("gh_");
    return put_new(takeable ? id_of_foreign(hash) : std::string(), std::move(key), hash, now,
                   std::move(also));
}

Task<Result<bool>> KeyRepository::put_new(std::string id, NewKey key, ApiKeyHash hash,
                                          SystemTime now, storage::Also<StoredKey> also) {
    if (id.empty()) co_return fail(ErrorKind::invalid_argument, "key.malformed");
    GH_CO_TRY_VOID(check(key, now));
    const auto known = co_await find(id);
    if (known) co_return false;
    if (known.error().kind != ErrorKind::not_found) co_return std::unexpected(known.error());
    auto work = [id, key = std::move(key), hash, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, id, key, hash, now), also);
    };
    const auto made = co_await database_.write(std::move(work));
    if (made) co_return true;
    if (made.error().reason == "storage.unique") co_return false;  // another node was quicker
    co_return std::unexpected(made.error());
}

Task<Result<StoredKey>> KeyRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<StoredKey>>> KeyRepository::list(KeyPage page) {
    const auto start = page.newest_first ? SystemTime::max() : SystemTime{} - seconds(1);
    const auto after = page.after.value_or(KeyPage::After{start, ""});
    storage::Parameters where{storage::to_value(after.created_at), after.id,
                              static_cast<std::int64_t>(page.limit),
                              static_cast<std::int64_t>(page.offset)};
    if (page.owner) where.emplace_back(*page.owner);
    const auto& pages = page.newest_first ? newest_pages : oldest_pages;
    auto work = [where = std::move(where), statement = page.owner ? pages.of_owner : pages.all](
                    Session& session) { return session.run(statement, where); };
    GH_CO_TRY(const auto rows, co_await database_.read(std::move(work)));
    std::vector<StoredKey> keys;
    keys.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) keys.push_back(key_of(rows[i]));
    co_return keys;
}

Task<Result<MadeKey>> KeyRepository::rotate(std::string id,
                                            std::optional<std::int64_t> expected_version,
                                            SystemTime now, storage::Also<StoredKey> also) {
    auto generated = generate_api_key(id);
    if (!generated) co_return fail(ErrorKind::not_found, "key.unknown");  // no id of ours
    auto work = [id = std::move(id), hash = hasher_->of_text(*generated), expected_version, now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_hash(session, id, hash, expected_version, now),
                                  also);
    };
    GH_CO_TRY(auto stored, co_await database_.write(std::move(work)));
    co_return MadeKey{std::move(stored), *std::move(generated)};
}

Task<Result<StoredKey>> KeyRepository::revoke(Session& session, std::string id, SystemTime at,
                                              SystemTime now) {
    GH_CO_TRY(auto before, co_await read(session, id));
    if (before.revoked_at) co_return before;
    GH_CO_TRY_VOID(
        co_await session.execute(update_revoked, id, moment_of_change(before.updated_at, at)));
    GH_CO_TRY(auto after, co_await read(session, id));
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, end_of_key(after), now));
    co_return after;
}

Task<Result<StoredKey>> KeyRepository::revoke(std::string id, SystemTime now,
                                              storage::Also<StoredKey> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, revoke(session, id, now, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> KeyRepository::touch(std::vector<std::pair<std::string, SystemTime>> last_uses) {
    std::vector<storage::Parameters> sets;
    sets.reserve(last_uses.size());
    for (auto& [id, used] : last_uses) sets.push_back({std::move(id), storage::to_value(used)});
    auto work = [sets = std::move(sets)](Session& session) {
        return session.execute_many(update_used, sets);
    };
    GH_CO_TRY_VOID(co_await database_.write(std::move(work)));
    co_return Result<void>{};
}

Task<Result<std::uint64_t>> KeyRepository::clean(SystemTime before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_old, before));
    co_return rows.affected();
}

Task<Result<std::shared_ptr<const access::Principal>>> KeyRepository::recognise(
    std::string_view text, SystemTime now) {
    // Not a coroutine: no frame holds the text.
    if (const auto id = api_key_id(text))
        return compare(std::string(*id), hasher_->of_text(text), now);
    if (text.size() < api_key_bytes_min || text.size() > api_key_bytes_max ||
        text.starts_with("gh_"))
        return compare({}, {}, now);
    const auto hash = hasher_->of_text(text);
    return compare(id_of_foreign(hash), hash, now);
}

Task<Result<std::shared_ptr<const access::Principal>>> KeyRepository::compare(
    std::optional<std::string> id, ApiKeyHash hash, SystemTime now) {
    if (!id) co_return fail(ErrorKind::unauthenticated, "key.malformed");
    GH_CO_TRY(const auto rows, co_await database_.query(select_presented, *std::move(id)));
    if (rows.empty()) co_return fail(ErrorKind::unauthenticated, "key.unknown");
    auto found = key_of(rows[0]);
    if (!crypto::constant_time_equal(found.hash, hash))
        co_return fail(ErrorKind::unauthenticated, "key.unknown");
    if (found.revoked_at) co_return fail(ErrorKind::unauthenticated, "key.revoked");
    if (found.expires_at && now >= *found.expires_at)
        co_return fail(ErrorKind::unauthenticated, "key.expired");
    if (rows[0].integer(14) > 0) co_return fail(ErrorKind::unauthenticated, "key.owner_disabled");
    co_return principal_of(std::move(found), rows[0].optional_text(15));
}

}  // namespace gh::identity

#include "identity/key_repository.hpp"

#include <algorithm>

#include "base/id.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/secret.hpp"
#include "identity/key_rows.hpp"
#include "identity/names.hpp"
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
constexpr std::int64_t cleaned_at_once = 1'000;
constexpr int clean_rounds = 1'000;
// Longer than any worker believes a key without asking, or any node is cut off from the database and goes on.
constexpr std::chrono::hours key_revocation_kept{24};

constexpr std::string_view with_id = " FROM api_keys WHERE id = $1";
constexpr Statement select_one{.name = "api_keys.find",
                               .sql = storage::joined<key_columns, with_id>};
// The pages of a list: behind $1, $2, be it before the first of all.
constexpr std::string_view from_keys = " FROM api_keys WHERE ";
constexpr std::string_view whoever;
constexpr std::string_view of_owner = "owner = $5 AND ";
constexpr std::string_view oldest =
    "(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3 OFFSET $4";
constexpr std::string_view newest =
    "(created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";
template <const std::string_view& who, const std::string_view& order>
constexpr Statement list_page{.name = "api_keys.list",
                              .sql = storage::joined<key_columns, from_keys, who, order>};
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
        "created_at, updated_at, answers_to, parent) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)"};
constexpr Statement count_line{
    .name = "api_keys.count_line",
    .sql =
        "WITH RECURSIVE line (id, parent, updated_at) AS ("
        "SELECT id, parent, updated_at FROM api_keys WHERE id = $1 UNION ALL "
        "SELECT k.id, k.parent, k.updated_at FROM api_keys k JOIN line ON k.id = line.parent) "
        "SELECT count(*), max(updated_at) FROM line"};
constexpr Statement count_of_user{
    .name = "api_keys.count_of_user",
    .sql =
        "SELECT count(*) FROM api_keys WHERE lower(answers_to) = $1 AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > $2)"};
constexpr std::string_view of_key = " FROM api_keys k WHERE k.id = $1";
constexpr Statement select_lined{
    .name = "api_keys.find_lined",
    .sql = storage::joined<key_line, key_columns, line_columns, of_key>};
constexpr Statement update_hash{
    .name = "api_keys.rotate",
    .sql = "UPDATE api_keys SET hash = $2, version = version + 1, updated_at = $3 WHERE id = $1"};
constexpr Statement update_revoked{
    .name = "api_keys.revoke",
    .sql =
        "UPDATE api_keys SET revoked_at = $2, version = version + 1, updated_at = $2 "
        "WHERE id = $1 AND revoked_at IS NULL"};
// With what they made: that ends with them, and begins anew with them.
constexpr std::string_view keys_of_user =
    "WITH RECURSIVE mine (id, parent, updated_at) AS (SELECT id, parent, updated_at FROM api_keys "
    "WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) "
    "AND (lower(owner) = $1 OR lower(subject) = $1 OR lower(answers_to) = $1) UNION "
    "SELECT k.id, k.parent, k.updated_at FROM api_keys k JOIN mine ON k.parent = mine.id "
    "WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)) ";
constexpr std::string_view their_last_change = "SELECT max(updated_at) FROM mine";
constexpr std::string_view first_of_them =
    "SELECT id FROM mine WHERE parent IS NULL OR parent NOT IN (SELECT id FROM mine)";
constexpr Statement select_change{.name = "api_keys.change_of_user",
                                  .sql = storage::joined<keys_of_user, their_last_change>};
constexpr Statement select_first{.name = "api_keys.first_of_user",
                                 .sql = storage::joined<keys_of_user, first_of_them>};
constexpr std::string_view change_those = "UPDATE api_keys SET updated_at = $3 WHERE id IN (";
constexpr std::string_view all_of_them = "SELECT id FROM mine)";
constexpr Statement update_changed{.name = "api_keys.interrupt",
                                   .sql = storage::joined<change_those, keys_of_user, all_of_them>};
// Those that live: all in one statement, for they may be many.
constexpr Statement revoke_below{
    .name = "api_keys.revoke_below",
    .sql =
        "UPDATE api_keys SET revoked_at = $2, version = version + 1, updated_at = $2 "
        "WHERE id IN (WITH RECURSIVE below (id) AS (SELECT id FROM api_keys WHERE parent = $1 "
        "AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) UNION ALL "
        "SELECT k.id FROM api_keys k JOIN below ON k.parent = below.id WHERE k.revoked_at IS NULL "
        "AND (k.expires_at IS NULL OR k.expires_at > $3)) SELECT id FROM below)"};
constexpr Statement update_orphans{.name = "api_keys.release",
                                   .sql = "UPDATE api_keys SET parent = NULL WHERE parent = $1"};
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
constexpr Statement delete_termed{
    .name = "api_keys.clean_termed",
    .sql =
        "DELETE FROM api_keys WHERE id IN (SELECT k.id FROM api_keys k "
        "JOIN key_terms t ON t.key_id = k.id WHERE k.expires_at < $1 "
        "ORDER BY k.expires_at LIMIT $2)"};
// What was made by what is gone is over, too.
constexpr Statement delete_lost{
    .name = "api_keys.clean_lost",
    .sql =
        "DELETE FROM api_keys WHERE id IN (SELECT k.id FROM api_keys k WHERE k.parent IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM api_keys p WHERE p.id = k.parent) LIMIT $1)"};

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
    if (key.parent) {
        GH_CO_TRY(const auto line, co_await session.query(count_line, *key.parent));
        if (line[0].integer(0) >= key_line_max) co_return fail(ErrorKind::conflict, "key.too_deep");
        if (line[0].integer(0) == 0) co_return fail(ErrorKind::not_found, "key.unknown");
        // Not older than what made it last changed, whatever the clock that said so: what ended that does not mean this.
        now = std::max(now, line[0].time(1));
    }
    const auto answers_to = key.answers_to.value_or(key.owner);
    GH_CO_TRY(const auto of_user, co_await session.query(count_of_user, folded(answers_to), now));
    if (!answers_to.empty() && of_user[0].integer(0) >= keys_of_user_max)
        co_return fail(ErrorKind::conflict, "key.too_many");
    const std::string_view kind =
        key.kind == access::PrincipalType::service ? "service" : "api_key";
    GH_CO_TRY_VOID(co_await session.execute(insert, id, blob_of(hash), key.name, key.owner,
                                            key.subject.empty() ? id : key.subject, kind,
                                            join_names(key.roles, ','), join_names(key.scopes, ' '),
                                            key.expires_at, now, answers_to, key.parent));
    co_return co_await read(session, id);
}

Task<Result<StoredKey>> put_hash(Session& session, std::string id, ApiKeyHash hash,
                                 std::optional<std::int64_t> expected_version, SystemTime now) {
    GH_CO_TRY(const auto before, co_await read(session, id));
    if (expected_version && *expected_version != before.version)
        co_return fail(ErrorKind::conflict, "key.changed");
    if (before.revoked_at) co_return fail(ErrorKind::conflict, "key.revoked");
    const auto at = moment_of_change(before.updated_at, now);
    GH_CO_TRY_VOID(co_await session.execute(update_hash, id, blob_of(hash), at));
    GH_CO_TRY_VOID(co_await session.execute(revoke_below, id, at, now));
    GH_CO_TRY(auto after, co_await read(session, id));
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, end_of_key(after), now));
    co_return after;
}

Task<Result<StoredKey>> let_go_and_revoke(Session& session, std::string id, SystemTime now) {
    // What it made must not come back to life with it gone.
    GH_CO_TRY(const auto row, co_await session.query_one(select_lined, id));
    if (!row) co_return fail(ErrorKind::not_found, "key.unknown");
    auto key = key_of(*row);
    const bool over = outlives_its_line(key, *row) || key.revoked_at ||
                      (key.expires_at && *key.expires_at <= now);
    if (over) co_return fail(ErrorKind::not_found, "key.unknown");
    GH_CO_TRY_VOID(co_await session.execute(update_orphans, id));
    co_return co_await KeyRepository::revoke(session, std::move(id), now, now);
}

}  // namespace

Task<Result<StoredKey>> KeyRepository::revoke_alone(std::string id, SystemTime now,
                                                    storage::Also<StoredKey> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, let_go_and_revoke(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> KeyRepository::interrupt(Session& session, std::string user, SystemTime now) {
    const auto name = folded(user);
    GH_CO_TRY(const auto last, co_await session.query(select_change, name, now));
    if (last[0].is_null(0)) co_return Result<void>{};
    // One moment for all: none of a line is older than what ends those before it.
    const auto at = moment_of_change(last[0].time(0), now);
    GH_CO_TRY_VOID(co_await session.execute(update_changed, name, now, at));
    GH_CO_TRY(const auto first, co_await session.query(select_first, name, now));
    for (std::size_t i = 0; i < first.size(); ++i) {
        const Revocation before{RevocationKind::key, first[i].text(0), at,
                                at + key_revocation_kept};
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
    const auto end = moment_of_change(before.updated_at, at);
    GH_CO_TRY_VOID(co_await session.execute(update_revoked, id, end));
    GH_CO_TRY_VOID(co_await session.execute(revoke_below, id, end, now));
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

Task<Result<std::uint64_t>> KeyRepository::clean(SystemTime before, SystemTime termed_before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_old, before));
    auto gone = rows.affected();
    // Some at a time, for nobody else writes meanwhile; what is left over is for the next round.
    for (int round = 0; round < clean_rounds; ++round) {
        GH_CO_TRY(const auto termed,
                  co_await database_.query(delete_termed, termed_before, cleaned_at_once));
        GH_CO_TRY(const auto lost, co_await database_.query(delete_lost, cleaned_at_once));
        const auto some = termed.affected() + lost.affected();
        gone += some;
        if (some == 0) break;
    }
    co_return gone;
}

}  // namespace gh::identity

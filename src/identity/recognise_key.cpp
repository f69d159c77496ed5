#include <algorithm>

#include "codec/hex.hpp"
#include "identity/key_rows.hpp"
#include "identity/names.hpp"
#include "identity/principal.hpp"
#include "identity/rights.hpp"
#include "storage/joined.hpp"

// Whom a key stands for, from its row and those of whoever made it.

namespace gh::identity {
namespace {

using storage::Row;
using storage::Statement;

// A key goes no further than the users who answer for it, and whoever it stands for: one of them kept out, so is the key, and
// what it made; and what the first of them is no more, it is no more. A key of before the line was known answers to its owner.
constexpr std::string_view its_people =
    ", (SELECT count(*) FROM users u WHERE u.name_folded IN (lower(k.owner), lower(k.subject), "
    "lower(k.answers_to)) AND u.disabled_at IS NOT NULL), "
    "(SELECT count(*) FROM line JOIN users u ON u.name_folded IN (lower(line.owner), "
    "lower(line.subject)) WHERE u.disabled_at IS NOT NULL), "
    "(SELECT coalesce(u.roles, '') FROM user_records u "
    "WHERE u.name_folded = lower(coalesce(nullif(k.answers_to, ''), k.owner)))";
constexpr std::string_view from_key = " FROM api_keys k WHERE k.id = $1";
constexpr Statement select_presented{
    .name = "api_keys.recognise",
    .sql = storage::joined<key_line, key_columns, line_columns, line_ids, its_people, from_key>,
    .postgres =
        storage::joined<key_line, key_columns, line_columns, line_ids_pg, its_people, from_key>};

/// @param owner_roles  nothing: who answers for it is no user here
std::shared_ptr<const access::Principal> principal_of(
    StoredKey key, std::vector<std::string> line, const std::optional<std::string>& owner_roles) {
    auto principal = std::make_shared<access::Principal>();
    principal->type = key.kind;
    principal->subject = std::move(key.subject);
    principal->token_id = std::move(key.id);
    principal->roles = std::move(key.roles);
    principal->scopes = std::move(key.scopes);
    principal->issued_at = key.updated_at;
    principal->expires = key.expires_at;
    principal->revoked_by = access::RevokedBy::key_list;
    principal->origins = std::move(line);
    principal->answers_to =
        key.answers_to.empty() ? std::move(key.owner) : std::move(key.answers_to);
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

bool outlives_its_line(StoredKey& key, const Row& row) {
    if (!key.parent) return false;
    if (row.integer(16) > 0 || row.integer(17) == 0) return true;
    const auto last = row.optional_time(18);
    if (last && (!key.expires_at || *last < *key.expires_at)) key.expires_at = last;
    return false;
}

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
                  .updated_at = row.time(13),
                  .answers_to = row.text(14),
                  .parent = row.optional_text(15)};
    const auto& hash = row.octets(1);
    std::copy_n(hash.begin(), std::min(hash.size(), key.hash.size()), key.hash.begin());
    return key;
}

std::string id_of_foreign(const ApiKeyHash& hash) {
    return "taken-" + codec::encode_hex({reinterpret_cast<const char*>(hash.data()), 8});
}

SystemTime moment_of_change(SystemTime before, SystemTime now) {
    return std::max(now, before + std::chrono::microseconds(1));
}

std::string answers_for_keys_of(const access::Principal& maker) {
    return maker.revoked_by == access::RevokedBy::key_list ? maker.answers_to : maker.subject;
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

Task<Result<std::string>> KeyRepository::id_of(std::string_view text) {
    // Not a coroutine: no frame holds the text.
    const auto hash = hasher_->of_text(text);
    const auto id = api_key_id(text);
    return owner_of_hash(id ? std::string(*id) : id_of_foreign(hash), hash);
}

Task<Result<std::string>> KeyRepository::owner_of_hash(std::string id, ApiKeyHash hash) {
    const auto found = co_await find(std::move(id));
    if (!found) co_return std::unexpected(found.error());
    if (!crypto::constant_time_equal(found->hash, hash))
        co_return fail(ErrorKind::not_found, "key.unknown");
    co_return found->id;
}

Task<Result<std::shared_ptr<const access::Principal>>> KeyRepository::compare(
    std::optional<std::string> id, ApiKeyHash hash, SystemTime now) {
    if (!id) co_return fail(ErrorKind::unauthenticated, "key.malformed");
    GH_CO_TRY(const auto rows, co_await database_.query(select_presented, *std::move(id)));
    if (rows.empty()) co_return fail(ErrorKind::unauthenticated, "key.unknown");
    auto found = key_of(rows[0]);
    if (!crypto::constant_time_equal(found.hash, hash))
        co_return fail(ErrorKind::unauthenticated, "key.unknown");
    if (found.revoked_at || outlives_its_line(found, rows[0]))
        co_return fail(ErrorKind::unauthenticated, "key.revoked");
    if (found.expires_at && now >= *found.expires_at)
        co_return fail(ErrorKind::unauthenticated, "key.expired");
    if (rows[0].integer(20) > 0 || rows[0].integer(21) > 0)
        co_return fail(ErrorKind::unauthenticated, "key.owner_disabled");
    auto line = split_names(rows[0].optional_text(19).value_or(std::string()), ',');
    co_return principal_of(std::move(found), std::move(line), rows[0].optional_text(22));
}

}  // namespace gh::identity

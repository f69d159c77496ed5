#include "base/try.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/grant_rows.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert_token{
    .name = "oauth_refresh_tokens.create",
    .sql =
        "INSERT INTO oauth_refresh_tokens (id, hash, grant_id, number, expires_at) "
        "VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement select_token{
    .name = "oauth_refresh_tokens.find",
    .sql =
        "SELECT g.id, g.client_id, g.user_id, g.scopes, g.resources, g.nonce, g.dpop_jkt, "
        "g.certificate, g.signed_in_at, g.created_at, g.expires_at, g.ended_at, "
        "r.hash, r.number, r.expires_at, r.used_at, r.successor "
        "FROM oauth_refresh_tokens r JOIN oauth_grants g ON g.id = r.grant_id WHERE r.id = $1"};
constexpr Statement select_used{.name = "oauth_refresh_tokens.used",
                                .sql = "SELECT used_at FROM oauth_refresh_tokens WHERE id = $1"};
constexpr Statement update_used{
    .name = "oauth_refresh_tokens.use",
    .sql =
        "UPDATE oauth_refresh_tokens SET used_at = COALESCE(used_at, $2), successor = $3 "
        "WHERE id = $1"};
// Nobody has used it; from now on whoever does has it from somebody else. Its time is past every grace.
constexpr Statement update_void{
    .name = "oauth_refresh_tokens.void",
    .sql = "UPDATE oauth_refresh_tokens SET used_at = 0 WHERE id = $1 AND used_at IS NULL"};
constexpr Statement forget_oldest{
    .name = "oauth_refresh_tokens.forget",
    .sql = "DELETE FROM oauth_refresh_tokens WHERE grant_id = $1 AND number <= $2"};

constexpr std::size_t hash_at = grant_columns, number_at = grant_columns + 1,
                      expires_at = grant_columns + 2, used_at = grant_columns + 3,
                      successor_at = grant_columns + 4;

Task<Result<void>> insert(Session& session, Grant grant, MadeSecret secret, std::int64_t number,
                          SystemTime now) {
    const auto expires = std::min(grant.expires_at, now + refresh_lifetime);
    GH_CO_TRY_VOID(co_await session.execute(insert_token, secret.id, blob_of(secret.hash), grant.id,
                                            number, expires));
    co_return Result<void>{};
}

/// Is it used a second time because the first answer was lost?
Task<Result<bool>> may_repeat(Session& session, storage::Row row, SystemTime now) {
    const auto used = row.optional_time(used_at);
    if (!used || now >= *used + refresh_grace) co_return false;
    GH_CO_TRY(const auto successor,
              co_await session.query_one(select_used, *row.optional_text(successor_at)));
    co_return successor && (*successor).is_null(0);
}

/// Shows a binding, and not the grant's: such a token came to another hand. Without any, a client has only forgotten it.
bool is_elsewhere(const Grant& grant, const Binding& shown) {
    const auto differs = [](const std::string& own, const std::string& other) {
        return !own.empty() && !other.empty() && own != other;
    };
    return differs(grant.dpop_jkt, shown.dpop_jkt) || differs(grant.certificate, shown.certificate);
}

std::string_view fault_of(const storage::Row& row, const Grant& grant, const RefreshClaim& claim,
                          SystemTime now) {
    if (grant.client_id != claim.client_id) return "oauth.refresh_client";
    if (has_ended(row)) return "oauth.grant_ended";
    if (now >= row.time(expires_at) || now >= grant.expires_at) return "oauth.refresh_expired";
    return {};
}

Task<Result<void>> replace(Session& session, storage::Row row, std::string id, Grant grant,
                           MadeSecret next, SystemTime now) {
    if (const auto before = row.optional_text(successor_at))
        GH_CO_TRY_VOID(co_await session.execute(update_void, *before));
    GH_CO_TRY_VOID(co_await session.execute(update_used, id, now, next.id));
    const auto number = row.integer(number_at) + 1;
    GH_CO_TRY_VOID(co_await session.execute(forget_oldest, grant.id, number - refresh_numbers_max));
    co_return co_await insert(session, std::move(grant), std::move(next), number, now);
}

}  // namespace

Task<Result<void>> add_refresh(Session& session, Grant grant, MadeSecret secret, SystemTime now) {
    grant.expires_at = now + grant_lifetime;
    GH_CO_TRY_VOID(co_await prolong_grant(session, grant.id, grant.expires_at));
    co_return co_await insert(session, std::move(grant), std::move(secret), 1, now);
}

Task<Result<Claimed>> claim_refresh(Session& session, RefreshClaim claim, Wish wish,
                                    MadeSecret next, const ApiKeyHasher& hasher, SystemTime now) {
    Claimed claimed{.refusal = "oauth.refresh_unknown", .grant = {}, .portion = {}, .ended = {}};
    const auto id = id_of_secret(SecretKind::refresh, claim.text);
    if (!id) co_return claimed;
    GH_CO_TRY(const auto found, co_await session.query_one(select_token, *id));
    if (!found || !is_hash_of((*found).octets(hash_at), claim.text, hasher)) co_return claimed;
    claimed.grant = grant_of(*found);
    claimed.refusal = fault_of(*found, *claimed.grant, claim, now);
    if (!claimed.refusal.empty()) co_return claimed;
    if (!(*found).is_null(used_at)) {
        GH_CO_TRY(const bool again, co_await may_repeat(session, *found, now));
        if (!again) {
            claimed.refusal = "oauth.refresh_reused";
            GH_CO_TRY(claimed.ended, co_await end_grant(session, claimed.grant->id, now));
            co_return claimed;
        }
    }
    auto portion = portion_of(*claimed.grant, wish);
    if (!portion) {
        claimed.refusal = portion.error().reason;
        if (is_elsewhere(*claimed.grant, wish.binding)) {
            GH_CO_TRY(claimed.ended, co_await end_grant(session, claimed.grant->id, now));
        }
        co_return claimed;
    }
    claimed.portion = *std::move(portion);
    GH_CO_TRY_VOID(co_await replace(session, *found, *id, *claimed.grant, std::move(next), now));
    co_return claimed;
}

Task<Result<std::optional<KnownRefresh>>> find_refresh(Session& session, std::string text,
                                                       const ApiKeyHasher& hasher, SystemTime now) {
    const auto id = id_of_secret(SecretKind::refresh, text);
    if (!id) co_return std::nullopt;
    GH_CO_TRY(const auto found, co_await session.query_one(select_token, *id));
    if (!found || !is_hash_of((*found).octets(hash_at), text, hasher)) co_return std::nullopt;
    KnownRefresh known{
        .grant = grant_of(*found),
        .active = false,
        .expires_at = std::min((*found).time(expires_at), grant_of(*found).expires_at)};
    known.active = !has_ended(*found) && (*found).is_null(used_at) && now < known.expires_at;
    co_return known;
}

}  // namespace gh::identity::oauth

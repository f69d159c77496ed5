#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/digest.hpp"
#include "crypto/secret.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/grant_rows.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert_code{
    .name = "oauth_codes.create",
    .sql =
        "INSERT INTO oauth_codes (id, hash, grant_id, redirect_uri, challenge, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement select_code{
    .name = "oauth_codes.find",
    .sql =
        "SELECT g.id, g.client_id, g.user_id, g.scopes, g.resources, g.nonce, g.dpop_jkt, "
        "g.certificate, g.signed_in_at, g.created_at, g.expires_at, g.ended_at, "
        "c.hash, c.redirect_uri, c.challenge, c.expires_at, c.used_at "
        "FROM oauth_codes c JOIN oauth_grants g ON g.id = c.grant_id WHERE c.id = $1"};
constexpr Statement update_used{
    .name = "oauth_codes.use",
    .sql = "UPDATE oauth_codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL"};

/// RFC 7636 §4.1: 43 to 128 unreserved characters, and their SHA-256 is the challenge (§4.6).
bool verifies(std::string_view verifier, std::string_view challenge) {
    if (verifier.size() < 43 || verifier.size() > 128) return false;
    const auto digest = crypto::sha256(verifier);
    return crypto::constant_time_equal(codec::encode_base64url(crypto::text_of(digest)), challenge);
}

/// Why a code that is there is no good; empty: it is.
std::string_view fault_of(const storage::Row& row, const Grant& grant, const CodeClaim& claim,
                          SystemTime now) {
    if (grant.client_id != claim.client_id) return "oauth.code_client";
    if (!row.is_null(grant_columns + 4)) return "oauth.code_replayed";
    if (has_ended(row)) return "oauth.grant_ended";
    if (now >= row.time(grant_columns + 3)) return "oauth.code_expired";
    if (!claim.redirect_uri.empty() && claim.redirect_uri != row.text(grant_columns + 1))
        return "oauth.code_redirect";
    if (!verifies(claim.verifier, row.text(grant_columns + 2))) return "oauth.code_verifier";
    return {};
}

}  // namespace

Task<Result<void>> add_code(Session& session, std::string grant_id, NewCode code, SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(insert_code, code.secret.id, blob_of(code.secret.hash),
                                            grant_id, code.redirect_uri, code.challenge,
                                            now + code_lifetime));
    co_return Result<void>{};
}

Task<Result<Claimed>> claim_code(Session& session, CodeClaim claim, Wish wish,
                                 const ApiKeyHasher& hasher, SystemTime now) {
    Claimed claimed{.refusal = "oauth.code_unknown", .grant = {}, .portion = {}, .ended = {}};
    const auto id = id_of_secret(SecretKind::code, claim.text);
    if (!id) co_return claimed;
    GH_CO_TRY(const auto found, co_await session.query_one(select_code, *id));
    if (!found || !is_hash_of((*found).octets(grant_columns), claim.text, hasher))
        co_return claimed;
    claimed.grant = grant_of(*found);
    claimed.refusal = fault_of(*found, *claimed.grant, claim, now);
    if (claimed.refusal.empty()) {
        auto portion = portion_of(*claimed.grant, wish);
        if (portion) {
            claimed.portion = *std::move(portion);
        } else {
            claimed.refusal = portion.error().reason;
        }
    }
    GH_CO_TRY_VOID(co_await session.execute(update_used, *id, now));
    if (claimed.refusal.empty()) {
        GH_CO_TRY_VOID(
            co_await prolong_grant(session, claimed.grant->id, now + token_lifetime_max));
        co_return claimed;
    }
    GH_CO_TRY(claimed.ended, co_await end_grant(session, claimed.grant->id, now));
    co_return claimed;
}

}  // namespace gh::identity::oauth

#include "identity/oauth/grant_repository.hpp"

#include <algorithm>
#include <iterator>

#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/grant_rows.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert_grant{
    .name = "oauth_grants.create",
    .sql =
        "INSERT INTO oauth_grants (id, client_id, user_id, scopes, resources, nonce, dpop_jkt, "
        "certificate, signed_in_at, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
constexpr Statement select_oldest{
    .name = "oauth_grants.oldest",
    .sql =
        "SELECT id FROM oauth_grants "
        "WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL AND id NOT IN "
        "(SELECT id FROM oauth_grants WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL "
        "ORDER BY created_at DESC, id DESC LIMIT $3)"};
constexpr Statement update_ended{
    .name = "oauth_grants.end",
    .sql = "UPDATE oauth_grants SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"};
constexpr Statement update_lifetime{.name = "oauth_grants.prolong",
                                    .sql = "UPDATE oauth_grants SET expires_at = $2 WHERE id = $1"};
constexpr Statement update_binding{
    .name = "oauth_grants.bind",
    .sql = "UPDATE oauth_grants SET dpop_jkt = $2, certificate = $3 WHERE id = $1"};
constexpr Statement insert_token{
    .name = "oauth_access_tokens.create",
    .sql = "INSERT INTO oauth_access_tokens (id, grant_id, expires_at) VALUES ($1, $2, $3)"};
constexpr Statement select_tokens{
    .name = "oauth_access_tokens.of_grant",
    .sql =
        "SELECT id, expires_at FROM oauth_access_tokens WHERE grant_id = $1 AND expires_at > $2"};
constexpr Statement clean_tokens{.name = "oauth_access_tokens.clean",
                                 .sql = "DELETE FROM oauth_access_tokens WHERE expires_at <= $1"};
constexpr Statement clean_refresh{.name = "oauth_refresh_tokens.clean",
                                  .sql = "DELETE FROM oauth_refresh_tokens WHERE expires_at <= $1"};
constexpr Statement clean_old_grants{.name = "oauth_grants.clean",
                                     .sql = "DELETE FROM oauth_grants WHERE expires_at <= $1"};

}  // namespace

Grant grant_of(const storage::Row& row) {
    return {.id = row.text(0),
            .client_id = row.text(1),
            .user_id = row.text(2),
            .scopes = split_names(row.text(3), ' '),
            .resources = split_names(row.text(4), ' '),
            .nonce = row.text(5),
            .dpop_jkt = row.text(6),
            .certificate = row.text(7),
            .signed_in_at = row.time(8),
            .created_at = row.time(9),
            .expires_at = row.time(10)};
}

Task<Result<std::vector<Revocation>>> add_grant(Session& session, Grant grant, SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(
        insert_grant, grant.id, grant.client_id, grant.user_id, join_names(grant.scopes, ' '),
        join_names(grant.resources, ' '), grant.nonce, grant.dpop_jkt, grant.certificate,
        grant.signed_in_at, grant.created_at, grant.expires_at));
    GH_CO_TRY(const auto oldest,
              co_await session.query(select_oldest, grant.user_id, grant.client_id, grants_max));
    std::vector<Revocation> all;
    for (std::size_t i = 0; i < oldest.size(); ++i) {
        GH_CO_TRY(auto ended, co_await end_grant(session, oldest[i].text(0), now));
        if (ended) std::ranges::move(*ended, std::back_inserter(all));
    }
    co_return all;
}

Task<Result<void>> add_access_token(Session& session, std::string grant_id, std::string token_id,
                                    SystemTime expires) {
    GH_CO_TRY_VOID(co_await session.execute(insert_token, token_id, grant_id, expires));
    co_return Result<void>{};
}

Task<Result<void>> prolong_grant(Session& session, std::string grant_id, SystemTime expires) {
    GH_CO_TRY_VOID(co_await session.execute(update_lifetime, grant_id, expires));
    co_return Result<void>{};
}

Task<Result<void>> bind_grant(Session& session, std::string grant_id, Binding binding) {
    GH_CO_TRY_VOID(
        co_await session.execute(update_binding, grant_id, binding.dpop_jkt, binding.certificate));
    co_return Result<void>{};
}

Task<Result<Ended>> end_grant(Session& session, std::string grant_id, SystemTime now) {
    GH_CO_TRY(const auto changed, co_await session.execute(update_ended, grant_id, now));
    if (changed == 0) co_return Ended{};
    std::vector<Revocation> ended;
    GH_CO_TRY(const auto rows, co_await session.query(select_tokens, grant_id, now));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Revocation revocation{RevocationKind::token, rows[i].text(0), next_millisecond(now),
                              rows[i].time(1)};
        ended.push_back(revocation);
        GH_CO_TRY_VOID(co_await RevocationRepository::record(session, std::move(revocation), now));
    }
    co_return Ended(std::move(ended));
}

Task<Result<std::uint64_t>> clean_grants(Session& session, SystemTime now) {
    std::uint64_t all = 0;
    for (const auto* statement : {&clean_tokens, &clean_refresh, &clean_old_grants}) {
        GH_CO_TRY(const auto some, co_await session.execute(*statement, now));
        all += some;
    }
    co_return all;
}

}  // namespace gh::identity::oauth

#include "identity/oauth/revoke.hpp"

#include <utility>

#include "base/try.hpp"
#include "identity/key_repository.hpp"
#include "identity/names.hpp"
#include "identity/oauth/client_repository.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/user_repository.hpp"
#include "storage/joined.hpp"

namespace gh::identity::oauth {
namespace {

using access::Holding;
using access::PrincipalType;
using access::Target;
using storage::Session;
using storage::Statement;

// A token that another node makes until it has heard of it may be of a clock that is ahead.
constexpr seconds skew{5};

constexpr Statement select_user{
    .name = "users.find_standing",
    .sql = "SELECT id, name, disabled_at FROM users WHERE name_folded = $1"};
constexpr Statement select_client{
    .name = "oauth_clients.find_standing",
    .sql = "SELECT disabled_at, scopes FROM oauth_clients WHERE id = $1"};
constexpr Statement select_roles{.name = "users.find_roles",
                                 .sql = "SELECT roles FROM user_records WHERE name_folded = $1"};
constexpr Statement select_key{.name = "api_keys.find_id",
                               .sql = "SELECT id FROM api_keys WHERE id = $1"};
constexpr Statement select_service_key{
    .name = "api_keys.find_service",
    .sql = "SELECT id FROM api_keys WHERE kind = 'service' AND subject = $1 LIMIT 1"};

constexpr Statement count_sessions{
    .name = "oauth_sessions.count_of_user",
    .sql = "SELECT count(*) FROM oauth_sessions WHERE user_id = $1 AND expires_at > $2"};
constexpr Statement remove_sessions{.name = "oauth_sessions.end_of_user",
                                    .sql = "DELETE FROM oauth_sessions WHERE user_id = $1"};
constexpr Statement user_grants{
    .name = "oauth_grants.of_user",
    .sql =
        "SELECT id FROM oauth_grants WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2"};
constexpr Statement client_grants{
    .name = "oauth_grants.of_client",
    .sql =
        "SELECT id FROM oauth_grants WHERE client_id = $1 AND ended_at IS NULL "
        "AND expires_at > $2"};

// Of keys that live: those that are meant, with what they made.
constexpr std::string_view with =
    "WITH RECURSIVE mine (id, parent) AS (SELECT id, parent FROM api_keys WHERE ";
constexpr std::string_view of_user =
    "(lower(owner) = $1 OR (kind <> 'service' AND lower(subject) = $1) "
    "OR lower(answers_to) = $1)";
// Clients have keys as users have; what a key of a service says is no name of a user.
constexpr std::string_view of_service =
    "((kind = 'service' AND subject = $1) "
    "OR (owner = $1 AND EXISTS (SELECT 1 FROM oauth_clients WHERE id = $1)) "
    "OR (answers_to = $1 AND EXISTS (SELECT 1 FROM oauth_clients WHERE id = $1)))";
constexpr std::string_view of_agent = "(subject = $1 OR owner = $1 OR answers_to = $1)";
constexpr std::string_view of_key = "id = $1";
constexpr std::string_view and_below =
    " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) UNION "
    "SELECT k.id, k.parent FROM api_keys k JOIN mine ON (k.parent = mine.id OR k.owner = mine.id) "
    "WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)) ";
// Those that have ended as well: what they took may still be good.
constexpr std::string_view and_all_below =
    " UNION SELECT k.id, k.parent FROM api_keys k JOIN mine ON (k.parent = mine.id OR k.owner = "
    "mine.id)) ";
// A key may say that it is anybody: what it took under a name that others have too cannot be told from theirs. Its inbox has
// its id, unless it is a service's.
constexpr std::string_view names_of_them =
    "SELECT DISTINCT k.kind, k.subject, CASE WHEN k.kind NOT IN ('api_key', 'service') OR EXISTS "
    "(SELECT 1 FROM api_keys o WHERE o.kind = k.kind AND o.subject = k.subject "
    "AND o.revoked_at IS NULL AND o.id NOT IN (SELECT id FROM mine)) "
    "OR (k.kind = 'service' AND EXISTS (SELECT 1 FROM oauth_clients c WHERE c.id = k.subject)) "
    "THEN 1 ELSE 0 END, 0 FROM api_keys k WHERE k.id IN (SELECT id FROM mine) "
    "UNION SELECT 'api_key', id, 0, 1 FROM mine";
constexpr std::string_view rights_of_them =
    "SELECT DISTINCT roles, scopes FROM api_keys WHERE id IN (SELECT id FROM mine)";
constexpr std::string_view count_them = "SELECT count(*) FROM mine";
constexpr std::string_view first_of_them =
    "SELECT id FROM mine WHERE parent IS NULL OR parent NOT IN (SELECT id FROM mine)";

struct KeysOf {
    Statement count, first, names, rights;
};
template <const std::string_view& whose>
constexpr KeysOf keys_of{
    .count = {.name = "api_keys.count_of_principal",
              .sql = storage::joined<with, whose, and_below, count_them>},
    .first = {.name = "api_keys.first_of_principal",
              .sql = storage::joined<with, whose, and_below, first_of_them>},
    .names = {.name = "api_keys.names_of_principal",
              .sql = storage::joined<with, whose, and_all_below, names_of_them>},
    .rights = {.name = "api_keys.rights_of_principal",
               .sql = storage::joined<with, whose, and_below, rights_of_them>}};

const KeysOf& keys_of_type(PrincipalType type) {
    switch (type) {
        case PrincipalType::user: return keys_of<of_user>;
        case PrincipalType::service: return keys_of<of_service>;
        case PrincipalType::api_key: return keys_of<of_key>;
        default: return keys_of<of_agent>;
    }
}

std::string name_for_keys(const Target& target) {
    return target.type == PrincipalType::user ? folded(target.name) : target.name;
}

Task<Result<void>> end_keys(Session& session, Target target, SystemTime now) {
    if (target.type == PrincipalType::api_key) {
        // Also of one that was over: nodes are asked whether they refuse it.
        Revocation key{RevocationKind::key, target.name, next_millisecond(now),
                       now + token_lifetime_max};
        GH_CO_TRY_VOID(co_await RevocationRepository::record(session, std::move(key), now));
    }
    GH_CO_TRY(const auto rows,
              co_await session.query(keys_of_type(target.type).first, name_for_keys(target), now));
    for (std::size_t i = 0; i < rows.size(); ++i)
        GH_CO_TRY_VOID(co_await KeyRepository::revoke(session, rows[i].text(0), now, now));
    co_return Result<void>{};
}

Task<Result<void>> end_grants(Session& session, const Statement& whose, std::string id,
                              SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(whose, std::move(id), now));
    for (std::size_t i = 0; i < rows.size(); ++i)
        GH_CO_TRY_VOID(co_await end_grant(session, rows[i].text(0), now));
    co_return Result<void>{};
}

Task<Result<void>> end_user(Session& session, std::string name, SystemTime now) {
    GH_CO_TRY(const auto user, co_await session.query_one(select_user, folded(name)));
    if (!user) co_return Result<void>{};
    const auto id = (*user).text(0);
    if ((*user).is_null(2)) GH_CO_TRY_VOID(co_await UserRepository::disable(session, id, now));
    GH_CO_TRY_VOID(co_await UserRepository::end_tokens(session, std::move(name), now + skew, now));
    GH_CO_TRY_VOID(co_await session.execute(remove_sessions, id));
    co_return co_await end_grants(session, user_grants, id, now);
}

Task<Result<void>> end_client(Session& session, std::string id, SystemTime now) {
    GH_CO_TRY(const auto client, co_await session.query_one(select_client, id));
    if (!client) co_return Result<void>{};
    // Its grants first: there is a record for each token that came of one.
    GH_CO_TRY_VOID(co_await end_grants(session, client_grants, id, now));
    GH_CO_TRY_VOID(co_await ClientRepository::disable(session, id, now));
    const auto before = next_millisecond(now + skew);
    Revocation tokens{RevocationKind::client, std::move(id), before, before + token_lifetime_max};
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, std::move(tokens), now));
    co_return Result<void>{};
}

Task<Result<void>> look_at_user(Session& session, std::string name, SystemTime now,
                                std::vector<Holding>& held) {
    GH_CO_TRY(const auto user, co_await session.query_one(select_user, folded(name)));
    if (!user) co_return Result<void>{};
    const auto id = (*user).text(0);
    GH_CO_TRY(const auto sessions, co_await session.query(count_sessions, id, now));
    GH_CO_TRY(const auto grants, co_await session.query(user_grants, id, now));
    held.push_back({.kind = "admission", .count = (*user).is_null(2) ? 1 : 0});
    held.push_back({.kind = "sessions", .count = sessions[0].integer(0)});
    held.push_back({.kind = "grants", .count = static_cast<std::int64_t>(grants.size())});
    co_return Result<void>{};
}

Task<Result<void>> look_at_client(Session& session, std::string id, SystemTime now,
                                  std::vector<Holding>& held) {
    GH_CO_TRY(const auto client, co_await session.query_one(select_client, id));
    if (!client) co_return Result<void>{};
    GH_CO_TRY(const auto grants, co_await session.query(client_grants, std::move(id), now));
    held.push_back({.kind = "admission", .count = (*client).is_null(0) ? 1 : 0});
    held.push_back({.kind = "grants", .count = static_cast<std::int64_t>(grants.size())});
    co_return Result<void>{};
}

Task<Result<bool>> is_there(Session& session, const Statement& statement, std::string name) {
    GH_CO_TRY(const auto row, co_await session.query_one(statement, std::move(name)));
    co_return row.has_value();
}

}  // namespace

Task<Result<std::optional<Target>>> RevocableCredentials::find(Session& session, Target target) {
    std::optional<Target> found;
    if (target.type == PrincipalType::user) {
        GH_CO_TRY(const auto user, co_await session.query_one(select_user, folded(target.name)));
        if (user) found = Target{.type = PrincipalType::user, .name = (*user).text(1)};
        co_return found;
    }
    if (target.type == PrincipalType::agent) co_return found;
    const bool is_service = target.type == PrincipalType::service;
    const auto& keys = is_service ? select_service_key : select_key;
    GH_CO_TRY(bool known, co_await is_there(session, keys, target.name));
    if (!known && is_service) {
        GH_CO_TRY(known, co_await is_there(session, select_client, target.name));
    }
    if (known) found = std::move(target);
    co_return found;
}

Task<Result<std::vector<access::Bearer>>> RevocableCredentials::names(Session& session,
                                                                      Target target) {
    GH_CO_TRY(const auto rows,
              co_await session.query(keys_of_type(target.type).names, name_for_keys(target)));
    std::vector<access::Bearer> names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (auto name = access::target_of(rows[i].text(0) + ":" + rows[i].text(1)))
            names.push_back({.name = *std::move(name),
                             .shared = rows[i].integer(2) != 0,
                             .is_id = rows[i].integer(3) != 0});
    }
    co_return names;
}

Task<Result<std::vector<access::Rights>>> RevocableCredentials::rights(Session& session,
                                                                       Target target,
                                                                       SystemTime now) {
    std::vector<access::Rights> all;
    if (target.type == PrincipalType::user) {
        GH_CO_TRY(const auto user, co_await session.query_one(select_roles, folded(target.name)));
        const auto roles = user ? (*user).optional_text(0).value_or("") : std::string();
        all.push_back({.roles = split_names(roles, ','), .scopes = {}});
    }
    if (target.type == PrincipalType::service) {
        GH_CO_TRY(const auto client, co_await session.query_one(select_client, target.name));
        if (client) all.push_back({.roles = {}, .scopes = split_names((*client).text(1), ' ')});
    }
    GH_CO_TRY(const auto rows,
              co_await session.query(keys_of_type(target.type).rights, name_for_keys(target), now));
    for (std::size_t i = 0; i < rows.size(); ++i)
        all.push_back({.roles = split_names(rows[i].text(0), ','),
                       .scopes = split_names(rows[i].text(1), ' ')});
    co_return all;
}

Task<Result<std::vector<Holding>>> RevocableCredentials::look(Session& session, access::Whom whom,
                                                              SystemTime now) {
    const auto& target = whom.target;
    std::vector<Holding> held;
    if (target.type == PrincipalType::user)
        GH_CO_TRY_VOID(co_await look_at_user(session, target.name, now, held));
    if (target.type == PrincipalType::service)
        GH_CO_TRY_VOID(co_await look_at_client(session, target.name, now, held));
    GH_CO_TRY(const auto keys,
              co_await session.query(keys_of_type(target.type).count, name_for_keys(target), now));
    held.push_back({.kind = "api_keys", .count = keys[0].integer(0)});
    co_return held;
}

Task<Result<void>> RevocableCredentials::end(Session& session, access::Whom whom, SystemTime now) {
    auto& target = whom.target;
    if (target.type == PrincipalType::user)
        GH_CO_TRY_VOID(co_await end_user(session, target.name, now));
    if (target.type == PrincipalType::service)
        GH_CO_TRY_VOID(co_await end_client(session, target.name, now));
    co_return co_await end_keys(session, std::move(target), now);
}

}  // namespace gh::identity::oauth

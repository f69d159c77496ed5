#include "identity/oauth/consent.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "identity/names.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement select_one{
    .name = "oauth_consents.find",
    .sql = "SELECT scopes, resources FROM oauth_consents WHERE user_id = $1 AND client_id = $2"};
constexpr Statement upsert{
    .name = "oauth_consents.keep",
    .sql =
        "INSERT INTO oauth_consents (user_id, client_id, scopes, resources, updated_at) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, client_id) DO UPDATE SET "
        "scopes = excluded.scopes, resources = excluded.resources, "
        "updated_at = excluded.updated_at"};

Task<Result<Portion>> read(Session& session, std::string user_id, std::string client_id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, user_id, client_id));
    Portion agreed;
    if (row) {
        agreed.scopes = split_names((*row).text(0), ' ');
        agreed.resources = split_names((*row).text(1), ' ');
    }
    co_return agreed;
}

void add(std::vector<std::string>& names, const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    std::ranges::sort(names);
    const auto [first, last] = std::ranges::unique(names);
    names.erase(first, last);
}

}  // namespace

Task<Result<bool>> has_consent(Session& session, std::string user_id, std::string client_id,
                               Portion portion) {
    GH_CO_TRY(const auto agreed, co_await read(session, std::move(user_id), std::move(client_id)));
    co_return has_names(agreed.scopes, portion.scopes) &&
        has_names(agreed.resources, portion.resources);
}

Task<Result<void>> keep_consent(Session& session, std::string user_id, std::string client_id,
                                Portion portion, SystemTime now) {
    GH_CO_TRY(auto agreed, co_await read(session, user_id, client_id));
    add(agreed.scopes, portion.scopes);
    add(agreed.resources, portion.resources);
    GH_CO_TRY_VOID(co_await session.execute(upsert, user_id, client_id,
                                            join_names(agreed.scopes, ' '),
                                            join_names(agreed.resources, ' '), now));
    co_return Result<void>{};
}

}  // namespace gh::identity::oauth

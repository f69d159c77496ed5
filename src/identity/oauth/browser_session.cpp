#include "identity/oauth/browser_session.hpp"

#include "base/try.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "oauth_sessions.create",
    .sql =
        "INSERT INTO oauth_sessions (id, hash, user_id, signed_in_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement remove_oldest{.name = "oauth_sessions.remove_oldest",
                                  .sql =
                                      "DELETE FROM oauth_sessions WHERE user_id = $1 AND id NOT IN "
                                      "(SELECT id FROM oauth_sessions WHERE user_id = $1 "
                                      "ORDER BY signed_in_at DESC, id DESC LIMIT $2)"};
constexpr Statement select_one{
    .name = "oauth_sessions.find",
    .sql = "SELECT hash, user_id, signed_in_at, expires_at FROM oauth_sessions WHERE id = $1"};
constexpr Statement remove{.name = "oauth_sessions.end",
                           .sql = "DELETE FROM oauth_sessions WHERE id = $1"};
constexpr Statement remove_expired{.name = "oauth_sessions.clean",
                                   .sql = "DELETE FROM oauth_sessions WHERE expires_at <= $1"};

}  // namespace

Task<Result<std::string>> BrowserSessions::begin(std::string user_id, SystemTime now) {
    const auto secret = make_secret(SecretKind::session, *hasher_);
    auto work = [user_id = std::move(user_id), id = secret.id, hash = blob_of(secret.hash),
                 now](Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(
            co_await session.execute(insert, id, hash, user_id, now, now + session_lifetime));
        GH_CO_TRY_VOID(co_await session.execute(remove_oldest, user_id, sessions_max));
        co_return Result<void>{};
    };
    GH_CO_TRY_VOID(co_await database_.write(std::move(work)));
    co_return secret.text;
}

Task<Result<std::optional<BrowserSession>>> BrowserSessions::find(std::string text,
                                                                  SystemTime now) {
    const auto id = id_of_secret(SecretKind::session, text);
    if (!id) co_return std::nullopt;
    GH_CO_TRY(const auto rows, co_await database_.query(select_one, *id));
    if (rows.empty() || !is_hash_of(rows[0].octets(0), text, *hasher_)) co_return std::nullopt;
    if (now >= rows[0].time(3)) co_return std::nullopt;
    auto user = co_await users_.find(rows[0].text(1));
    if (!user && user.error().kind == ErrorKind::not_found) co_return std::nullopt;
    if (!user) co_return std::unexpected(std::move(user).error());
    const auto signed_in = rows[0].time(2);
    if (user->disabled_at || signed_in < user->tokens_valid_from) co_return std::nullopt;
    co_return BrowserSession{*id, *std::move(user), signed_in};
}

Task<Result<void>> BrowserSessions::end(std::string id) {
    GH_CO_TRY_VOID(co_await database_.query(remove, id));
    co_return Result<void>{};
}

Task<Result<std::uint64_t>> BrowserSessions::clean(Session& session, SystemTime now) {
    co_return co_await session.execute(remove_expired, now);
}

}  // namespace gh::identity::oauth

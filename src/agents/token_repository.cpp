#include "agents/token_repository.hpp"

#include "base/try.hpp"
#include "crypto/secret.hpp"
#include "storage/joined.hpp"

namespace gh::agents {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "agent_tokens.create",
    .sql =
        "INSERT INTO agent_tokens (id, agent_id, family, token_hash, created_by, created_at, "
        "expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"};
constexpr std::string_view columns =
    "SELECT id, agent_id, family, created_by, created_at, expires_at, used_at, revoked_at, "
    "last_used_at, token_hash FROM agent_tokens WHERE ";
constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "agent_tokens.find", .sql = storage::joined<columns, by_id>};
constexpr std::string_view one_page =
    "agent_id = $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4 OFFSET $5";
constexpr Statement select_page{.name = "agent_tokens.list",
                                .sql = storage::joined<columns, one_page>};
constexpr Statement count_families{
    .name = "agent_tokens.count",
    .sql =
        "SELECT count(DISTINCT family) FROM agent_tokens WHERE agent_id = $1 "
        "AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2"};
constexpr Statement update_used{
    .name = "agent_tokens.use",
    .sql = "UPDATE agent_tokens SET used_at = $2, last_used_at = $2 WHERE id = $1"};
constexpr Statement update_family{
    .name = "agent_tokens.revoke",
    .sql = "UPDATE agent_tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL"};
constexpr Statement update_all{
    .name = "agent_tokens.revoke_all",
    .sql = "UPDATE agent_tokens SET revoked_at = $2 WHERE agent_id = $1 AND revoked_at IS NULL"};
constexpr Statement select_families{
    .name = "agent_tokens.families",
    .sql = "SELECT DISTINCT family FROM agent_tokens WHERE agent_id = $1 AND created_at > $2"};
constexpr Statement update_touched{
    .name = "agent_tokens.touch",
    .sql =
        "UPDATE agent_tokens SET last_used_at = $2 WHERE family = $1 AND used_at IS NULL "
        "AND (last_used_at IS NULL OR last_used_at < $2)"};
constexpr Statement delete_old{
    .name = "agent_tokens.clean",
    .sql =
        "DELETE FROM agent_tokens WHERE id IN "
        "(SELECT id FROM agent_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"};
constexpr std::size_t hash_at = 9;

Token token_of(const storage::Row& row) {
    return {.id = row.text(0),
            .agent_id = row.text(1),
            .family = row.text(2),
            .created_by = row.text(3),
            .created_at = row.time(4),
            .expires_at = row.time(5),
            .used_at = row.optional_time(6),
            .revoked_at = row.optional_time(7),
            .last_used_at = row.optional_time(8)};
}

Task<Result<Token>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "agent.token_unknown");
    co_return token_of(*row);
}

Task<Result<Token>> put_first(Session& session, NewToken token, SystemTime now) {
    GH_CO_TRY(const auto living, co_await session.query(count_families, token.agent_id, now));
    if (living[0].integer(0) >= TokenRepository::families_max)
        co_return fail(ErrorKind::conflict, "agent.tokens_many");
    co_return co_await TokenRepository::put(session, std::move(token), now);
}

/// What stands against it, by itself.
std::string_view fault_of(const Token& token, SystemTime now) {
    if (token.revoked_at) return "agent.token_ended";
    if (token.used_at) return "agent.token_reused";
    if (now >= token.expires_at) return "agent.token_expired";
    return {};
}

Task<Result<Claimed>> claim(Session& session, std::string text, NewToken next, SystemTime now) {
    Claimed claimed{.refusal = "agent.token_unknown", .token = {}};
    const auto id = id_of_token(text);
    if (!id) co_return claimed;
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, *id));
    if (!row || !is_hash_of((*row).octets(hash_at), text)) co_return claimed;
    claimed.token = token_of(*row);
    claimed.refusal = fault_of(claimed.token, now);
    if (claimed.refusal == "agent.token_reused") {
        GH_CO_TRY_VOID(co_await session.execute(update_family, claimed.token.family, now));
        claimed.family_ended = true;
    }
    if (!claimed.refusal.empty()) co_return claimed;
    GH_CO_TRY_VOID(co_await session.execute(update_used, *id, now));
    next.agent_id = claimed.token.agent_id;
    next.family = claimed.token.family;
    next.created_by = claimed.token.created_by;
    GH_CO_TRY(claimed.token, co_await TokenRepository::put(session, std::move(next), now));
    co_return claimed;
}

/// One of the agent of the path, or none.
Task<Result<Token>> read_of(Session& session, std::string agent_id, std::string id) {
    GH_CO_TRY(auto token, co_await read(session, std::move(id)));
    if (token.agent_id != agent_id) co_return fail(ErrorKind::not_found, "agent.token_unknown");
    co_return token;
}

Task<Result<Token>> put_revoked(Session& session, std::string agent_id, std::string id,
                                SystemTime now) {
    GH_CO_TRY(const auto token, co_await read_of(session, std::move(agent_id), id));
    GH_CO_TRY_VOID(co_await session.execute(update_family, token.family, now));
    co_return co_await read(session, std::move(id));
}

}  // namespace

Task<Result<Token>> TokenRepository::put(Session& session, NewToken token, SystemTime now) {
    const auto& family = token.family.empty() ? token.made.id : token.family;
    const storage::Blob hash{std::string(crypto::text_of(token.made.hash))};
    GH_CO_TRY_VOID(co_await session.execute(insert, token.made.id, token.agent_id, family, hash,
                                            token.created_by, now, token.expires_at));
    co_return co_await read(session, token.made.id);
}

Task<Result<Token>> TokenRepository::add(NewToken token, SystemTime now,
                                         storage::Also<Token> also) {
    auto work = [token = std::move(token), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_first(session, token, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Claimed>> TokenRepository::refresh(std::string text, NewToken next, SystemTime now,
                                               storage::Also<Claimed> also) {
    auto made = next.made.id;
    auto work = [text = std::move(text), next = std::move(next), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, claim(session, text, next, now), also);
    };
    auto claimed = co_await database_.write(std::move(work));
    if (claimed || claimed.error().reason != "storage.commit_unknown") co_return claimed;
    // Asked again with the same token it would be a thief's: so we look whether the next one is there.
    auto look = [made = std::move(made)](Session& session) { return read(session, made); };
    auto token = co_await database_.read(std::move(look));
    if (!token) co_return claimed;
    co_return Claimed{.refusal = {}, .token = *std::move(token)};
}

Task<Result<bool>> TokenRepository::is_known(std::string text) {
    const auto id = id_of_token(text);
    if (!id) co_return false;
    GH_CO_TRY(const auto rows, co_await database_.query(select_one, *id));
    co_return !rows.empty() && is_hash_of(rows[0].octets(hash_at), text);
}

Task<Result<std::vector<Token>>> TokenRepository::list(
    std::string agent_id, std::optional<std::pair<SystemTime, std::string>> after,
    std::size_t limit, std::size_t offset) {
    auto [time, id] = std::move(after).value_or(std::pair(SystemTime::min(), std::string()));
    GH_CO_TRY(const auto rows, co_await database_.query(select_page, std::move(agent_id), time,
                                                        std::move(id), limit, offset));
    std::vector<Token> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(token_of(rows[i]));
    co_return found;
}

Task<Result<Token>> TokenRepository::find(std::string agent_id, std::string id) {
    auto work = [agent_id = std::move(agent_id), id = std::move(id)](Session& session) {
        return read_of(session, agent_id, id);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Token>> TokenRepository::revoke(std::string agent_id, std::string id, SystemTime now,
                                            storage::Also<Token> also) {
    auto work = [agent_id = std::move(agent_id), id = std::move(id), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_revoked(session, agent_id, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<std::string>>> TokenRepository::revoke_all(Session& session,
                                                                   std::string agent_id,
                                                                   SystemTime now,
                                                                   SystemTime since) {
    GH_CO_TRY_VOID(co_await session.execute(update_all, agent_id, now));
    GH_CO_TRY(const auto rows, co_await session.query(select_families, std::move(agent_id), since));
    std::vector<std::string> families;
    for (std::size_t i = 0; i < rows.size(); ++i) families.push_back(rows[i].text(0));
    co_return families;
}

Task<Result<void>> TokenRepository::touch(std::vector<std::pair<std::string, SystemTime>> uses) {
    if (uses.empty()) co_return Result<void>{};
    auto work = [uses = std::move(uses)](Session& session) -> Task<Result<void>> {
        std::vector<storage::Parameters> sets;
        sets.reserve(uses.size());
        for (const auto& [family, at] : uses)
            sets.push_back({storage::to_value(family), storage::to_value(at)});
        GH_CO_TRY_VOID(co_await session.execute_many(update_touched, std::move(sets)));
        co_return Result<void>{};
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> TokenRepository::clean(SystemTime before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_old, before, cleaned_at_once));
    co_return rows.affected();
}

}  // namespace gh::agents

#include "identity/key_terms.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/try.hpp"
#include "identity/key_rows.hpp"
#include "storage/joined.hpp"

namespace gh::identity {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "key_terms.create",
    .sql =
        "INSERT INTO key_terms (key_id, renewable, ttl_s, period_s, max_ttl_s, meta) "
        "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr std::string_view with_terms =
    ", renewable, ttl_s, period_s, max_ttl_s, renewed_at, meta "
    "FROM api_keys LEFT JOIN key_terms ON key_id = id WHERE id = $1";
constexpr Statement select_one{
    .name = "key_terms.find",
    .sql = storage::joined<key_line, key_columns, line_columns, with_terms>};
constexpr Statement update_end{
    .name = "key_terms.lasts",
    .sql = "UPDATE api_keys SET expires_at = $2, version = version + 1 WHERE id = $1"};
constexpr Statement update_renewed{.name = "key_terms.renew",
                                   .sql = "UPDATE key_terms SET renewed_at = $2 WHERE key_id = $1"};
constexpr Statement select_living{.name = "key_terms.living",
                                  .sql =
                                      "SELECT id FROM api_keys WHERE revoked_at IS NULL AND "
                                      "(expires_at IS NULL OR expires_at > $1) "
                                      "ORDER BY created_at, id LIMIT $2"};

std::optional<seconds> optional_seconds(const storage::Row& row, std::size_t column) {
    if (row.is_null(column)) return {};
    return seconds(row.integer(column));
}

std::optional<std::int64_t> count_of(const std::optional<seconds>& duration) {
    return duration ? std::optional(duration->count()) : std::nullopt;
}

Task<Result<TermedKey>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "key.unknown");
    const auto& columns = *row;
    TermedKey found;
    found.key = key_of(columns);
    if (outlives_its_line(found.key, columns)) co_return fail(ErrorKind::not_found, "key.unknown");
    if (columns.is_null(19)) co_return found;
    found.terms.emplace();
    found.terms->renewable = columns.boolean(19);
    found.terms->ttl = seconds(columns.integer(20));
    found.terms->period = optional_seconds(columns, 21);
    found.terms->max_ttl = optional_seconds(columns, 22);
    found.terms->renewed_at = columns.optional_time(23);
    found.terms->meta = columns.text(24);
    co_return found;
}

/// When a key ends that is made or renewed now.
SystemTime end_of(const KeyTerms& terms, seconds wished, SystemTime made_at, SystemTime now) {
    auto end = now + std::min<seconds>(wished, key_age_max);
    if (terms.period)
        end = now + *terms.period;
    else
        end = std::min(end, made_at + key_age_max);
    return terms.max_ttl ? std::min(end, made_at + *terms.max_ttl) : end;
}

Task<Result<TermedKey>> renew_row(Session& session, std::string id, std::optional<seconds> wished,
                                  SystemTime now) {
    GH_CO_TRY(const auto before, co_await read(session, id));
    if (before.key.revoked_at || (before.key.expires_at && *before.key.expires_at <= now))
        co_return fail(ErrorKind::not_found, "key.unknown");
    if (!before.terms || !before.terms->renewable)
        co_return fail(ErrorKind::conflict, "key.not_renewable");
    const auto asked = wished && wished->count() > 0 ? *wished : before.terms->ttl;
    const auto end = end_of(*before.terms, asked, before.key.created_at, now);
    GH_CO_TRY_VOID(co_await session.execute(update_end, id, end));
    GH_CO_TRY_VOID(co_await session.execute(update_renewed, id, now));
    co_return co_await read(session, id);
}

Task<Result<void>> put_terms(Session& session, KeyTerms terms, StoredKey made,
                             std::function<Task<Result<void>>(Session&, const StoredKey&)> next) {
    GH_CO_TRY_VOID(co_await session.execute(insert, made.id, terms.renewable,
                                            std::int64_t{terms.ttl.count()}, count_of(terms.period),
                                            count_of(terms.max_ttl), terms.meta));
    if (!next) co_return Result<void>{};
    co_return co_await next(session, made);
}

}  // namespace

Task<Result<MadeKey>> KeyTermsRepository::create(NewKey key, KeyTerms terms, SystemTime now,
                                                 storage::Also<StoredKey> also) {
    key.expires_at = end_of(terms, terms.ttl, now, now);
    terms.ttl = std::chrono::ceil<seconds>(*key.expires_at - now);
    storage::Also<StoredKey> both;
    both.before = std::move(also.before);
    both.after = [terms = std::move(terms), next = std::move(also.after)](Session& session,
                                                                          const StoredKey& made) {
        return put_terms(session, terms, made, next);
    };
    co_return co_await keys_.create(std::move(key), now, std::move(both));
}

Task<Result<TermedKey>> KeyTermsRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<TermedKey>> KeyTermsRepository::renew(std::string id, std::optional<seconds> wished,
                                                  SystemTime now, storage::Also<TermedKey> also) {
    auto work = [id = std::move(id), wished, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, renew_row(session, id, wished, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<std::string>>> KeyTermsRepository::living(SystemTime now,
                                                                  std::int64_t limit) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_living, now, limit));
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].text(0));
    co_return ids;
}

}  // namespace gh::identity

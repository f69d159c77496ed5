#include "audit/reader.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "audit/merkle.hpp"
#include "base/try.hpp"
#include "storage/joined.hpp"

namespace gh::audit {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;

constexpr std::string_view select = "SELECT leaf_index, record FROM audit_records WHERE ";
// What an index leads to; what else is asked for is judged row by row.
constexpr std::string_view by_index;
constexpr std::string_view by_actor = "actor = $6 AND ";
constexpr std::string_view by_action = "action = $7 AND ";
constexpr std::string_view by_object = "object_id = $9 AND ";
// "+at": the order is that of the index of leaves, times are only judged.
constexpr std::string_view rest =
    "leaf_index >= $1 AND leaf_index < $2 AND severity >= $3 AND +at >= $4 AND +at < $5 "
    "AND (CAST($6 AS TEXT) IS NULL OR actor = $6) AND (CAST($7 AS TEXT) IS NULL OR action = $7) "
    "AND (CAST($8 AS TEXT) IS NULL OR object_type = $8) "
    "AND (CAST($9 AS TEXT) IS NULL OR object_id = $9) ORDER BY leaf_index ";
constexpr std::string_view rising = "LIMIT $10";
constexpr std::string_view falling = "DESC LIMIT $10";

struct Both {
    Statement oldest, newest;
};
template <const std::string_view& lead>
inline constexpr Both both{{.name = "audit.oldest", .sql = joined<select, lead, rest, rising>},
                           {.name = "audit.newest", .sql = joined<select, lead, rest, falling>}};

constexpr Statement select_size{.name = "audit.size",
                                .sql = "SELECT size FROM audit_head WHERE one = 1"};
// "+leaf_index": not row by row along the log, but within the index of times.
constexpr Statement select_since{
    .name = "audit.since", .sql = "SELECT min(+leaf_index) FROM audit_records WHERE at >= $1"};
constexpr Statement select_until{.name = "audit.until",
                                 .sql = "SELECT max(+leaf_index) FROM audit_records WHERE at < $1"};

const Both& statements_for(const Filter& filter) {
    if (filter.object_id) return both<by_object>;
    if (filter.actor) return both<by_actor>;
    if (filter.action) return both<by_action>;
    return both<by_index>;
}

Task<Result<Span>> span_within(Session& session, Filter filter) {
    GH_CO_TRY(const auto head, co_await session.query_one(select_size));
    if (!head || (*head).integer(0) < 0)
        co_return fail(ErrorKind::corrupt, "audit.head",
                       "the head of the audit log is missing; gatehouse audit verify says more");
    Span span{.begin = 0, .end = static_cast<std::uint64_t>((*head).integer(0))};
    if (filter.since) {
        GH_CO_TRY(const auto first, co_await session.query_one(select_since, *filter.since));
        span.begin =
            (*first).is_null(0) ? span.end : static_cast<std::uint64_t>((*first).integer(0));
    }
    if (filter.until) {
        GH_CO_TRY(const auto last, co_await session.query_one(select_until, *filter.until));
        span.end = (*last).is_null(0)
                       ? span.begin
                       : std::min(span.end, static_cast<std::uint64_t>((*last).integer(0)) + 1);
    }
    span.begin = std::min(span.begin, span.end);
    co_return span;
}

}  // namespace

Task<Result<Span>> Reader::span(Filter filter) {
    auto work = [filter = std::move(filter)](Session& session) {
        return span_within(session, filter);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Entry>>> Reader::read(Statement statement, Span span, Filter filter,
                                              std::size_t limit) {
    const auto since = filter.since ? storage::microseconds_of(*filter.since)
                                    : std::numeric_limits<std::int64_t>::min();
    const auto until = filter.until ? storage::microseconds_of(*filter.until)
                                    : std::numeric_limits<std::int64_t>::max();
    const auto severity = static_cast<std::int64_t>(filter.severity_min);
    span.end = std::min(span.end, tree_size_max);
    span.begin = std::min(span.begin, span.end);
    limit = std::min(limit, limit_max);
    GH_CO_TRY(const auto rows,
              co_await database_.query(statement, span.begin, span.end, severity, since, until,
                                       filter.actor, filter.action, filter.object_type,
                                       filter.object_id, limit));
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < rows.size(); ++i)
        entries.push_back({static_cast<std::uint64_t>(rows[i].integer(0)), rows[i].text(1)});
    co_return entries;
}

Task<Result<std::vector<Entry>>> Reader::oldest(Span span, Filter filter, std::size_t limit) {
    const auto statement = statements_for(filter).oldest;
    co_return co_await read(statement, span, std::move(filter), limit);
}

Task<Result<std::vector<Entry>>> Reader::newest(Span span, Filter filter, std::size_t limit) {
    const auto statement = statements_for(filter).newest;
    co_return co_await read(statement, span, std::move(filter), limit);
}

}  // namespace gh::audit

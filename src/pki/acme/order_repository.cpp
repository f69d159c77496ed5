#include "pki/acme/order_repository.hpp"

#include <array>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "crypto/bytes.hpp"
#include "pki/acme/words.hpp"
#include "storage/joined.hpp"

namespace gh::pki::acme {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement count_orders{
    .name = "acme_orders.count",
    .sql =
        "SELECT count(*) FROM acme_orders "
        "WHERE account_id = $1 AND created_at > $2 AND created_at <= $3"};
constexpr Statement count_pending{
    .name = "acme_authorizations.count_pending",
    .sql =
        "SELECT count(*) FROM acme_authorizations "
        "WHERE account_id = $1 AND status = 'pending' AND expires_at > $2"};
constexpr Statement select_replaced{
    .name = "certificates.find_replaced",
    .sql = "SELECT serial FROM certificates WHERE serial = $1 AND replaced_by <> ''"};
constexpr Statement update_replaced{
    .name = "certificates.replace",
    .sql = "UPDATE certificates SET replaced_by = $2 WHERE serial = $1 AND replaced_by = ''"};
constexpr Statement insert_order{
    .name = "acme_orders.create",
    .sql =
        "INSERT INTO acme_orders (id, account_id, status, names, replaces, created_at, "
        "expires_at) VALUES ($1, $2, 'pending', $3, $4, $5, $6)"};
constexpr Statement insert_authorization{
    .name = "acme_authorizations.create",
    .sql =
        "INSERT INTO acme_authorizations (id, account_id, order_id, name, status, token, "
        "expires_at) VALUES ($1, $2, $3, $4, 'pending', $5, $6)"};
constexpr Statement select_order{
    .name = "acme_orders.find",
    .sql =
        "SELECT id, account_id, status, names, error, serial, replaces, created_at, expires_at "
        "FROM acme_orders WHERE id = $1"};
constexpr Statement select_ids{
    .name = "acme_orders.list",
    .sql =
        "SELECT id FROM acme_orders WHERE account_id = $1 AND id > $2 AND expires_at > $3 "
        "ORDER BY id LIMIT $4"};
constexpr std::string_view select = "SELECT ";
constexpr std::string_view authorization_list =
    "id, account_id, order_id, name, status, token, tried, tried_at, validated_at, error, "
    "expires_at";
constexpr std::string_view by_id = " FROM acme_authorizations WHERE id = $1";
constexpr std::string_view by_order = " FROM acme_authorizations WHERE order_id = $1 ORDER BY name";
constexpr Statement select_authorization{.name = "acme_authorizations.find",
                                         .sql = storage::joined<select, authorization_list, by_id>};
constexpr Statement select_of_order{.name = "acme_authorizations.list",
                                    .sql = storage::joined<select, authorization_list, by_order>};
constexpr Statement update_tried{
    .name = "acme_authorizations.begin",
    .sql =
        "UPDATE acme_authorizations SET tried = $2, tried_at = $3 WHERE id = $1 "
        "AND status = 'pending' AND expires_at > $3 AND "
        "(tried = '' OR (tried = $2 AND (tried_at < $4 OR tried_at > $3)))"};
constexpr Statement update_still_tried{
    .name = "acme_authorizations.go_on",
    .sql =
        "UPDATE acme_authorizations SET tried_at = $2 "
        "WHERE id = $1 AND status = 'pending' AND expires_at > $2"};
constexpr std::string_view take_over_rows =
    "UPDATE acme_authorizations SET tried_at = $1 WHERE id IN (SELECT id FROM acme_authorizations "
    "WHERE status = 'pending' AND tried <> '' AND expires_at > $1 "
    "AND (tried_at < $2 OR tried_at > $1) LIMIT $3) RETURNING ";
constexpr Statement update_abandoned{.name = "acme_authorizations.take_over",
                                     .sql = storage::joined<take_over_rows, authorization_list>};
constexpr Statement update_valid{
    .name = "acme_authorizations.prove",
    .sql =
        "UPDATE acme_authorizations SET status = 'valid', validated_at = $2 "
        "WHERE id = $1 AND status = 'pending'"};
constexpr Statement update_failed{
    .name = "acme_authorizations.fail",
    .sql =
        "UPDATE acme_authorizations SET status = 'invalid', error = $2 "
        "WHERE id = $1 AND status = 'pending'"};
constexpr Statement update_deactivated{.name = "acme_authorizations.deactivate",
                                       .sql =
                                           "UPDATE acme_authorizations SET status = 'deactivated' "
                                           "WHERE id = $1 AND status IN ('pending', 'valid')"};
constexpr Statement update_ready{
    .name = "acme_orders.ready",
    .sql =
        "UPDATE acme_orders SET status = 'ready' WHERE id = $1 AND status = 'pending' "
        "AND NOT EXISTS (SELECT 1 FROM acme_authorizations a "
        "WHERE a.order_id = acme_orders.id AND a.status <> 'valid')"};
constexpr Statement update_invalid{.name = "acme_orders.fail",
                                   .sql =
                                       "UPDATE acme_orders SET status = 'invalid', error = $2 "
                                       "WHERE id = $1 AND status IN ('pending', 'ready')"};
constexpr Statement update_of_failed{.name = "acme_authorizations.end_of_order",
                                     .sql =
                                         "UPDATE acme_authorizations SET status = 'deactivated' "
                                         "WHERE order_id = $1 AND status = 'pending'"};
constexpr Statement update_fulfilled{.name = "acme_orders.fulfil",
                                     .sql =
                                         "UPDATE acme_orders SET status = 'valid', serial = $2 "
                                         "WHERE id = $1 AND status = 'ready' AND expires_at > $3"};
constexpr Statement select_proven{
    .name = "acme_authorizations.proven",
    .sql =
        "SELECT count(DISTINCT name) FROM acme_authorizations WHERE account_id = $1 "
        "AND status = 'valid' AND expires_at > $2 AND name IN (SELECT value FROM json_each($3))",
    .postgres =
        "SELECT count(DISTINCT name) FROM acme_authorizations WHERE account_id = $1 "
        "AND status = 'valid' AND expires_at > $2 "
        "AND name IN (SELECT jsonb_array_elements_text(CAST($3 AS jsonb)))"};
constexpr Statement delete_over{.name = "acme_orders.clean",
                                .sql =
                                    "DELETE FROM acme_orders WHERE id IN (SELECT id FROM "
                                    "acme_orders WHERE expires_at <= $1 LIMIT $2)"};

Order order_of(const storage::Row& row) {
    return {.id = row.text(0),
            .account_id = row.text(1),
            .status = status_of(row.text(2)),
            .names = words_of(row.text(3)),
            .error = row.text(4),
            .serial = row.text(5),
            .replaces = row.text(6),
            .created_at = row.time(7),
            .expires_at = row.time(8)};
}

Authorization authorization_of(const storage::Row& row) {
    return {.id = row.text(0),
            .account_id = row.text(1),
            .order_id = row.text(2),
            .name = row.text(3),
            .status = status_of(row.text(4)),
            .token = row.text(5),
            .tried = challenge_type_of(row.text(6)),
            .tried_at = row.optional_time(7),
            .validated_at = row.optional_time(8),
            .error = row.text(9),
            .expires_at = row.time(10)};
}

/// 256 random bits: RFC 8555 §8.1 wants 128 at least.
std::string new_token() {
    std::array<std::uint8_t, 32> octets{};
    random_bytes(octets);
    return codec::encode_base64url(crypto::text_of(octets));
}

Task<Result<WholeOrder>> read_whole(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_order, id));
    if (!row) co_return fail(ErrorKind::not_found, "acme.not_found");
    WholeOrder whole{.order = order_of(*row), .authorizations = {}};
    GH_CO_TRY(const auto rows, co_await session.query(select_of_order, id));
    for (std::size_t i = 0; i < rows.size(); ++i)
        whole.authorizations.push_back(authorization_of(rows[i]));
    co_return whole;
}

Task<Result<Authorization>> read_authorization(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_authorization, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "acme.not_found");
    co_return authorization_of(*row);
}

Task<Result<void>> check_limits(Session& session, const OrderRepository::New& order,
                                OrderLimits limits, SystemTime now) {
    const auto hour_ago = now - std::chrono::hours(1);
    GH_CO_TRY(const auto orders,
              co_await session.query(count_orders, order.account_id, hour_ago, now));
    if (orders[0].integer(0) >= limits.orders_per_hour) {
        co_return fail(ErrorKind::exhausted, "acme.rate_limited",
                       std::to_string(limits.orders_per_hour) + " orders an hour");
    }
    GH_CO_TRY(const auto pending, co_await session.query(count_pending, order.account_id, now));
    const auto more = static_cast<std::int64_t>(order.names.size());
    if (pending[0].integer(0) + more > limits.pending_authorizations) {
        co_return fail(ErrorKind::exhausted, "acme.rate_limited",
                       std::to_string(limits.pending_authorizations) +
                           " pending authorizations; answer their challenges, or deactivate them");
    }
    co_return Result<void>{};
}

Task<Result<WholeOrder>> put(Session& session, OrderRepository::New order, OrderLimits limits,
                             SystemTime now) {
    GH_CO_TRY_VOID(co_await check_limits(session, order, limits, now));
    if (!order.replaced_serial.empty()) {
        GH_CO_TRY(const auto replaced,
                  co_await session.query_one(select_replaced, order.replaced_serial));
        if (replaced) co_return fail(ErrorKind::conflict, "acme.already_replaced");
    }
    const std::string id(view(uuid_v7(now)));
    const auto ends = now + OrderRepository::lifetime;
    GH_CO_TRY_VOID(co_await session.execute(insert_order, id, order.account_id,
                                            text_of_words(order.names), order.replaces, now, ends));
    std::vector<storage::Parameters> rows;
    for (auto& name : order.names) {
        rows.push_back({storage::to_value(view(uuid_v4())), storage::to_value(order.account_id),
                        storage::to_value(id), storage::to_value(name),
                        storage::to_value(new_token()), storage::to_value(ends)});
    }
    GH_CO_TRY_VOID(co_await session.execute_many(insert_authorization, std::move(rows)));
    co_return co_await read_whole(session, id);
}

/// With what of it is still open, which would count for the account, and prove nothing.
Task<Result<void>> end_order(Session& session, std::string id, std::string error) {
    GH_CO_TRY_VOID(co_await session.execute(update_invalid, id, std::move(error)));
    GH_CO_TRY_VOID(co_await session.execute(update_of_failed, std::move(id)));
    co_return Result<void>{};
}

Task<Result<Authorization>> put_outcome(Session& session, std::string id, std::string error,
                                        SystemTime now) {
    const bool good = error.empty();
    auto row =
        good ? session.execute(update_valid, id, now) : session.execute(update_failed, id, error);
    GH_CO_TRY(const auto changed, co_await std::move(row));
    if (changed == 0) co_return fail(ErrorKind::conflict, "acme.state");
    GH_CO_TRY(auto authorization, co_await read_authorization(session, id));
    if (good) {
        GH_CO_TRY_VOID(co_await session.execute(update_ready, authorization.order_id));
    } else {
        GH_CO_TRY_VOID(co_await end_order(session, authorization.order_id, error));
    }
    co_return authorization;
}

Task<Result<Authorization>> put_deactivated(Session& session, std::string id) {
    GH_CO_TRY(const auto changed, co_await session.execute(update_deactivated, id));
    if (changed == 0) co_return fail(ErrorKind::conflict, "acme.state");
    GH_CO_TRY(auto authorization, co_await read_authorization(session, id));
    GH_CO_TRY_VOID(co_await end_order(session, authorization.order_id, {}));
    co_return authorization;
}

}  // namespace

Task<Result<WholeOrder>> OrderRepository::create(New order, OrderLimits limits, SystemTime now) {
    auto work = [order = std::move(order), limits, now](Session& session) {
        return put(session, order, limits, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<WholeOrder>> OrderRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read_whole(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> OrderRepository::list(std::string account_id,
                                                             std::string after, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_ids, std::move(account_id),
                                                        std::move(after), now, orders_page));
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].text(0));
    co_return ids;
}

Task<Result<Authorization>> OrderRepository::find_authorization(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read_authorization(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<bool>> OrderRepository::begin(std::string authorization_id, ChallengeType type,
                                          SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(update_tried, std::move(authorization_id),
                                                        name_of(type), now, now - try_patience));
    co_return rows.affected() == 1;
}

Task<Result<bool>> OrderRepository::go_on(std::string authorization_id, SystemTime now) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(update_still_tried, std::move(authorization_id), now));
    co_return rows.affected() == 1;
}

Task<Result<std::vector<Authorization>>> OrderRepository::take_over(SystemTime now) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(update_abandoned, now, now - try_patience, abandoned_page));
    std::vector<Authorization> all;
    for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(authorization_of(rows[i]));
    co_return all;
}

Task<Result<Authorization>> OrderRepository::finish(std::string authorization_id, std::string error,
                                                    SystemTime now,
                                                    storage::Also<Authorization> also) {
    auto work = [id = std::move(authorization_id), error = std::move(error), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_outcome(session, id, error, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Authorization>> OrderRepository::deactivate(std::string authorization_id,
                                                        storage::Also<Authorization> also) {
    auto work = [id = std::move(authorization_id), also = std::move(also)](Session& session) {
        return storage::with_also(session, put_deactivated(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> OrderRepository::fulfil(Session& session, Fulfilment done, SystemTime now) {
    GH_CO_TRY(const auto changed,
              co_await session.execute(update_fulfilled, done.order_id, done.serial, now));
    if (changed == 0) co_return fail(ErrorKind::conflict, "acme.order_not_ready");
    if (done.replaced_serial.empty()) co_return Result<void>{};
    GH_CO_TRY(const auto replaced,
              co_await session.execute(update_replaced, done.replaced_serial, done.serial));
    if (replaced == 0) co_return fail(ErrorKind::conflict, "acme.already_replaced");
    co_return Result<void>{};
}

Task<Result<bool>> OrderRepository::proven(std::string account_id, std::vector<std::string> names,
                                           SystemTime now) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& name : names) out.string(name);
    out.end_array();
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_proven, std::move(account_id), now, std::move(list)));
    co_return !names.empty() && rows[0].integer(0) == static_cast<std::int64_t>(names.size());
}

Task<Result<std::uint64_t>> OrderRepository::clean(SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_over, now, cleaned_page));
    co_return rows.affected();
}

}  // namespace gh::pki::acme

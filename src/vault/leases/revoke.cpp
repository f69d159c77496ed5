#include "vault/leases/revoke.hpp"

#include "base/try.hpp"
#include "storage/value.hpp"

namespace gh::vault::leases {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement count_of_holder{.name = "leases.count_of_holder",
                                    .sql =
                                        "SELECT count(CASE WHEN state <> 'ending' THEN 1 END), "
                                        "count(CASE WHEN state = 'ending' THEN 1 END) FROM leases "
                                        "WHERE holder IN (SELECT value FROM json_each($1))",
                                    .postgres =
                                        "SELECT count(CASE WHEN state <> 'ending' THEN 1 END), "
                                        "count(CASE WHEN state = 'ending' THEN 1 END) FROM leases "
                                        "WHERE holder IN (SELECT "
                                        "json_array_elements_text(CAST($1 AS json)))"};
// The server may be making the user of one right now: that is ended once it is sure to be there.
constexpr Statement end_of_holder{
    .name = "leases.end_of_holder",
    .sql =
        "UPDATE leases SET next_at = CASE WHEN state = 'making' THEN next_at ELSE $2 END, "
        "state = 'ending' WHERE holder IN (SELECT value FROM json_each($1)) "
        "AND state <> 'ending'",
    .postgres =
        "UPDATE leases SET next_at = CASE WHEN state = 'making' THEN next_at ELSE $2 END, "
        "state = 'ending' WHERE holder IN "
        "(SELECT json_array_elements_text(CAST($1 AS json))) AND state <> 'ending'"};

}  // namespace

Task<Result<std::vector<access::Holding>>> RevocableLeases::look(Session& session,
                                                                 access::Whom whom,
                                                                 SystemTime /*now*/) {
    GH_CO_TRY(const auto rows,
              co_await session.query(count_of_holder, access::list_of_holders(whom)));
    std::vector<access::Holding> held{{.kind = "leases", .count = rows[0].integer(0)},
                                      {.kind = "ending", .count = rows[0].integer(1)}};
    co_return held;
}

Task<Result<void>> RevocableLeases::end(Session& session, access::Whom whom, SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(end_of_holder, access::list_of_holders(whom), now));
    co_return Result<void>{};
}

}  // namespace gh::vault::leases

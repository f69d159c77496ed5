#include "vault/transit/reseal.hpp"

#include <utility>
#include <vector>

#include "base/try.hpp"
#include "vault/secret_rows.hpp"
#include "vault/transit/repository.hpp"

namespace gh::vault::transit {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement count_old{.name = "transit.waiting",
                              .sql = "SELECT count(*) FROM transit_versions WHERE key_id < $1"};
constexpr Statement select_some{
    .name = "transit.some",
    .sql =
        "SELECT v.name, v.version, v.key_id, v.sealed, k.type, k.derived, k.exportable, k.id "
        "FROM transit_versions v JOIN transit_keys k ON k.name = v.name WHERE v.key_id < $1 "
        "AND (v.key_id, v.name, v.version) > ($2, $3, $4) "
        "ORDER BY v.key_id, v.name, v.version LIMIT $5"};
constexpr Statement update_version{
    .name = "transit.reseal",
    .sql = "UPDATE transit_versions SET key_id = $3, sealed = $4 WHERE name = $1 AND version = $2"};

std::string unopened(const RekeyPosition& at, const Error& error) {
    return "version " + std::to_string(at.version) + " of transit/keys/" + at.path +
           " does not open: " + error.detail +
           "; somebody changed it or moved it here: restore the database from a backup";
}

}  // namespace

Task<Result<std::uint64_t>> count_waiting(Session& session, KeyId newest) {
    GH_CO_TRY(const auto waiting, co_await session.query(count_old, newest));
    co_return static_cast<std::uint64_t>(waiting[0].integer(0));
}

Task<Result<RekeyStep>> seal_some(Session& session, Keyring& keyring, Barrier newest,
                                  RekeyPosition after) {
    GH_CO_TRY(const auto rows,
              co_await session.query(select_some, newest.newest(), after.key_id, after.path,
                                     after.version, Rekey::values_at_once));
    RekeyStep step;
    std::vector<storage::Parameters> sets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        RekeyPosition at;
        at.in_transit = true;
        at.key_id = static_cast<KeyId>(row.integer(2));
        at.path = row.text(0);
        at.version = static_cast<std::uint64_t>(row.integer(1));
        const auto path =
            sealed_path_of(row.text(4), row.boolean(5), row.boolean(6), row.text(7), row.text(0));
        const auto place = place_of(path, at.version);
        const auto sealed = crypto::bytes_of(row.octets(3));
        const auto value = co_await keyring.open(session, sealed, place);
        if (value) {
            sets.push_back({at.path, row.integer(1), std::int64_t{newest.newest()},
                            storage::Blob{newest.seal(value->bytes(), place)}});
        } else if (is_unopened(value.error())) {
            step.unopened.push_back(unopened(at, value.error()));
        } else {
            co_return std::unexpected(value.error());
        }
        step.next = std::move(at);
    }
    if (sets.empty()) co_return step;
    GH_CO_TRY(step.sealed, co_await session.execute_many(update_version, std::move(sets)));
    co_return step;
}

}  // namespace gh::vault::transit

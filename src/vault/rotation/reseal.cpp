#include "vault/rotation/reseal.hpp"

#include <utility>
#include <vector>

#include "base/try.hpp"
#include "vault/rotation/rows.hpp"
#include "vault/secret_rows.hpp"

namespace gh::vault::rotation {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement count_old{.name = "rotations.waiting",
                              .sql = "SELECT count(*) FROM secret_rotations WHERE key_id < $1"};
constexpr Statement select_old{
    .name = "rotations.old",
    .sql = "SELECT path, id, serial, sealed FROM secret_rotations WHERE key_id < $1"};
constexpr Statement update_pending{
    .name = "rotations.reseal",
    .sql = "UPDATE secret_rotations SET key_id = $2, sealed = $3 WHERE path = $1"};

}  // namespace

Task<Result<std::uint64_t>> count_waiting(Session& session, KeyId newest) {
    GH_CO_TRY(const auto waiting, co_await session.query(count_old, newest));
    co_return static_cast<std::uint64_t>(waiting[0].integer(0));
}

Task<Result<RekeyStep>> seal_pending(Session& session, Keyring& keyring, Barrier newest) {
    GH_CO_TRY(const auto rows, co_await session.query(select_old, newest.newest()));
    RekeyStep step;
    std::vector<storage::Parameters> sets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        Rotation rotation;
        rotation.path = row.text(0);
        rotation.id = row.text(1);
        rotation.serial = static_cast<std::uint64_t>(row.integer(2));
        const auto path = pending_path(rotation);
        const auto place = pending_place(rotation, path);
        const auto value = co_await keyring.open(session, crypto::bytes_of(row.octets(3)), place);
        if (value) {
            sets.push_back({rotation.path, std::int64_t{newest.newest()},
                            storage::Blob{newest.seal(value->bytes(), place)}});
        } else if (is_unopened(value.error())) {
            step.unopened.push_back("what is pending for " + rotation.path +
                                    " does not open: " + value.error().detail);
        } else {
            co_return std::unexpected(value.error());
        }
    }
    if (sets.empty()) co_return step;
    GH_CO_TRY(step.sealed, co_await session.execute_many(update_pending, std::move(sets)));
    co_return step;
}

}  // namespace gh::vault::rotation

#include "vault/rekey.hpp"

#include <utility>
#include <vector>

#include "base/try.hpp"
#include "vault/rotation/reseal.hpp"
#include "vault/secret_rows.hpp"
#include "vault/transit/reseal.hpp"

namespace gh::vault {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement select_newest{.name = "rekey.newest",
                                  .sql = "SELECT coalesce(max(id), 0) FROM vault_keys"};
constexpr Statement count_waiting{.name = "rekey.waiting",
                                  .sql = "SELECT count(*) FROM vault_versions WHERE key_id < $1"};
constexpr Statement select_some{
    .name = "rekey.some",
    .sql =
        "SELECT path, version, key_id, sealed FROM vault_versions WHERE key_id < $1 "
        "AND (key_id, path, version) > ($2, $3, $4) ORDER BY key_id, path, version LIMIT $5"};
constexpr Statement update_value{
    .name = "rekey.seal",
    .sql = "UPDATE vault_versions SET key_id = $3, sealed = $4 WHERE path = $1 AND version = $2"};

Task<Result<RekeyState>> read_state(Session& session) {
    GH_CO_TRY(const auto newest, co_await session.query_one(select_newest));
    RekeyState state;
    state.newest = static_cast<KeyId>((*newest).integer(0));
    GH_CO_TRY(const auto waiting, co_await session.query_one(count_waiting, state.newest));
    GH_CO_TRY(const auto keys, co_await transit::count_waiting(session, state.newest));
    GH_CO_TRY(const auto pending, co_await rotation::count_waiting(session, state.newest));
    state.waiting = static_cast<std::uint64_t>((*waiting).integer(0)) + keys + pending;
    co_return state;
}

RekeyPosition position_of(const storage::Row& row) {
    RekeyPosition position;
    position.key_id = static_cast<KeyId>(row.integer(2));
    position.path = row.text(0);
    position.version = static_cast<std::uint64_t>(row.integer(1));
    return position;
}

/// What is no version of a secret: first what rotations keep pending, which is little, then keys.
Task<Result<RekeyStep>> seal_others(Session& session, Keyring& keyring, Barrier newest) {
    GH_CO_TRY(auto pending, co_await rotation::seal_pending(session, keyring, newest));
    RekeyPosition first;
    first.in_transit = true;
    GH_CO_TRY(auto step,
              co_await transit::seal_some(session, keyring, std::move(newest), std::move(first)));
    step.sealed += pending.sealed;
    step.unopened.insert(step.unopened.end(), pending.unopened.begin(), pending.unopened.end());
    co_return step;
}

Task<Result<RekeyStep>> seal_some(Session& session, Keyring& keyring, RekeyPosition after,
                                  SystemTime now) {
    GH_CO_TRY(const auto newest, co_await keyring.for_sealing(session, now));
    if (after.in_transit)
        co_return co_await transit::seal_some(session, keyring, newest, std::move(after));
    GH_CO_TRY(const auto rows,
              co_await session.query(select_some, newest.newest(), after.key_id, after.path,
                                     after.version, Rekey::values_at_once));
    if (rows.empty()) {
        co_return co_await seal_others(session, keyring, newest);
    }
    RekeyStep step;
    std::vector<storage::Parameters> sets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        step.next = position_of(rows[i]);
        const auto place = place_of(step.next->path, step.next->version);
        const auto sealed = crypto::bytes_of(rows[i].octets(3));
        const auto value = co_await keyring.open(session, sealed, place);
        if (value) {
            sets.push_back({step.next->path, rows[i].integer(1), std::int64_t{newest.newest()},
                            storage::Blob{newest.seal(value->bytes(), place)}});
        } else if (is_unopened(value.error())) {
            step.unopened.push_back(describe_unopened(place, value.error()));
        } else {
            co_return std::unexpected(value.error());
        }
    }
    if (sets.empty()) co_return step;
    GH_CO_TRY(step.sealed, co_await session.execute_many(update_value, std::move(sets)));
    co_return step;
}

}  // namespace

Task<Result<RekeyState>> Rekey::state() {
    auto work = [](Session& session) { return read_state(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<KeyId>> Rekey::begin(SystemTime now, Also<KeyId> also) {
    auto work = [&keyring = keyring_, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, keyring.add(session, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<RenewedKeys>> Rekey::renew_keys(SystemTime now, Also<RenewedKeys> also) {
    auto work = [&keyring = keyring_, now, also = std::move(also)](Session& session) {
        return storage::with_also(session, keyring.renew(session, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<RekeyStep>> Rekey::step(RekeyPosition after, SystemTime now) {
    auto work = [&keyring = keyring_, after = std::move(after), now](Session& session) {
        return seal_some(session, keyring, after, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> Rekey::finish(Also<std::uint64_t> also) {
    auto work = [also = std::move(also)](Session& session) {
        return storage::with_also(session, Keyring::retire(session), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::vault

#include "vault/rekey.hpp"

#include <utility>
#include <vector>

#include "base/try.hpp"
#include "vault/secret_rows.hpp"

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
        "ORDER BY key_id, path, version LIMIT $2"};
constexpr Statement update_value{
    .name = "rekey.seal",
    .sql = "UPDATE vault_versions SET key_id = $3, sealed = $4 WHERE path = $1 AND version = $2"};

Task<Result<RekeyState>> read_state(Session& session) {
    GH_CO_TRY(const auto newest, co_await session.query_one(select_newest));
    RekeyState state;
    state.newest = static_cast<KeyId>((*newest).integer(0));
    GH_CO_TRY(const auto waiting, co_await session.query_one(count_waiting, state.newest));
    state.waiting = static_cast<std::uint64_t>((*waiting).integer(0));
    co_return state;
}

Task<Result<std::uint64_t>> seal_some(Session& session, Keyring& keyring, SystemTime now) {
    GH_CO_TRY(const auto newest, co_await keyring.for_sealing(session, now));
    GH_CO_TRY(const auto rows,
              co_await session.query(select_some, newest.newest(), Rekey::values_at_once));
    std::vector<storage::Parameters> sets;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& path = rows[i].text(0);
        const auto version = rows[i].integer(1);
        const auto place = place_of(path, static_cast<std::uint64_t>(version));
        GH_CO_TRY(const auto older,
                  co_await keyring.for_opening(session, static_cast<KeyId>(rows[i].integer(2))));
        GH_CO_TRY(const auto value, older.open(crypto::bytes_of(rows[i].octets(3)), place));
        sets.push_back({path, version, std::int64_t{newest.newest()},
                        storage::Blob{newest.seal(value.bytes(), place)}});
    }
    if (sets.empty()) co_return std::uint64_t{0};
    co_return co_await session.execute_many(update_value, std::move(sets));
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

Task<Result<std::uint64_t>> Rekey::step(SystemTime now) {
    auto work = [&keyring = keyring_, now](Session& session) {
        return seal_some(session, keyring, now);
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

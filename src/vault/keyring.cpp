#include "vault/keyring.hpp"

#include <stdexcept>
#include <utility>

#include "base/try.hpp"
#include "crypto/xaes.hpp"

namespace gh::vault {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement select_newest{
    .name = "vault.newest_key",
    .sql = "SELECT id, sealed FROM vault_keys ORDER BY id DESC LIMIT 1"};
constexpr Statement select_key{.name = "vault.find_key",
                               .sql = "SELECT id, sealed FROM vault_keys WHERE id = $1"};
constexpr Statement select_before{
    .name = "vault.keys_before",
    .sql = "SELECT id, sealed FROM vault_keys WHERE id < $1 ORDER BY id DESC LIMIT $2"};
constexpr std::int64_t keys_at_once = 100;
constexpr Statement update_key{.name = "vault.renew_key",
                               .sql = "UPDATE vault_keys SET sealed = $2 WHERE id = $1"};
constexpr Statement insert_key{
    .name = "vault.add_key",
    .sql = "INSERT INTO vault_keys (id, sealed, created_at) VALUES ($1, $2, $3)"};
constexpr Statement delete_unused{
    .name = "vault.retire_keys",
    .sql =
        "DELETE FROM vault_keys WHERE id < (SELECT max(id) FROM vault_keys) AND NOT EXISTS "
        "(SELECT 1 FROM vault_versions WHERE key_id = vault_keys.id) AND NOT EXISTS "
        "(SELECT 1 FROM transit_versions WHERE key_id = vault_keys.id) AND NOT EXISTS "
        "(SELECT 1 FROM secret_rotations WHERE key_id = vault_keys.id)"};

Place place_of(KeyId id) { return {.kind = "data key", .path = {}, .version = id}; }

KeyId id_of(std::int64_t stored) { return static_cast<KeyId>(stored); }

void give(Barrier& opener, crypto::Secret root) {
    auto with_key = Barrier().with(0, std::move(root));
    if (!with_key) throw std::logic_error("the root of a keyring has 32 bytes");
    opener = *std::move(with_key);
}

}  // namespace

Keyring::Keyring(crypto::Secret root, std::optional<crypto::Secret> former) {
    give(root_, std::move(root));
    if (former) give(former_, *std::move(former));
}

Barrier Keyring::known() const {
    const std::scoped_lock lock(mutex_);
    return known_;
}

Result<crypto::Secret> Keyring::open_key(KeyId id, const std::string& sealed) const {
    auto key = root_.open(crypto::bytes_of(sealed), place_of(id));
    if (!key && !former_.empty()) key = former_.open(crypto::bytes_of(sealed), place_of(id));
    if (key) return key;
    return fail(ErrorKind::corrupt, "keyring.sealed",
                "data key " + std::to_string(id) +
                    " of the database does not open with keys/seal.json of this data directory: "
                    "they belong to different houses, or one was restored without the other; put "
                    "keys/ and ca.pem of the house whose database it is in the place of those "
                    "here, from its backup or from another of its nodes");
}

Task<Result<Barrier>> Keyring::for_sealing(Session& session, SystemTime now) {
    GH_CO_TRY(const auto newest, co_await session.query_one(select_newest));
    if (!newest) co_return co_await make(session, now);
    const auto id = id_of((*newest).integer(0));
    GH_CO_TRY(auto key, open_key(id, (*newest).octets(1)));
    co_return Barrier().with(id, std::move(key));
}

Task<Result<void>> Keyring::check(storage::Database& database) const {
    GH_CO_TRY(const auto newest, co_await database.query(select_newest));
    if (newest.empty()) co_return Result<void>{};
    GH_CO_TRY_VOID(open_key(id_of(newest[0].integer(0)), newest[0].octets(1)));
    co_return Result<void>{};
}

Task<Result<crypto::Secret>> Keyring::open(Session& session, crypto::Bytes sealed, Place place) {
    GH_CO_TRY(const auto id, Barrier::key_of(sealed));
    const auto before = known();
    if (before.has(id)) {
        auto value = before.open(sealed, place);
        if (value || value.error().reason != "barrier.open") co_return value;
        // A database that was restored under us may have another key by the same id.
    }
    GH_CO_TRY(const auto barrier, co_await learn(session, id));
    co_return barrier.open(sealed, place);
}

Task<Result<Barrier>> Keyring::learn(Session& session, KeyId id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_key, id));
    if (!row)
        co_return fail(ErrorKind::not_found, "barrier.key", "no data key " + std::to_string(id));
    GH_CO_TRY(auto key, open_key(id, (*row).octets(1)));
    const std::scoped_lock lock(mutex_);
    GH_CO_TRY(known_, known_.with(id, std::move(key)));
    co_return known_;
}

Task<Result<Barrier>> Keyring::make(Session& session, SystemTime now) {
    GH_CO_TRY(const auto newest, co_await session.query_one(select_newest));
    // Not beside keys of a master key that this process does not know, be it that another node has renewed it.
    if (newest) GH_CO_TRY_VOID(open_key(id_of((*newest).integer(0)), (*newest).octets(1)));
    const KeyId id = newest ? id_of((*newest).integer(0)) + 1 : 1;
    auto key = crypto::Secret::random(crypto::Xaes::key_bytes);
    storage::Blob sealed{root_.seal(key.bytes(), place_of(id))};
    GH_CO_TRY_VOID(co_await session.execute(insert_key, id, std::move(sealed), now));
    co_return Barrier().with(id, std::move(key));
}

Task<Result<KeyId>> Keyring::add(Session& session, SystemTime now) {
    GH_CO_TRY(const auto made, co_await make(session, now));
    co_return made.newest();
}

Task<Result<void>> Keyring::renew_some(Session& session, const storage::Rows& rows,
                                       RenewedKeys& renewed) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto id = id_of(rows[i].integer(0));
        const auto kept = rows[i].octets(1);
        if (root_.open(crypto::bytes_of(kept), place_of(id))) continue;
        const auto key = open_key(id, kept);
        if (!key) {
            renewed.unopened.push_back(id);
            continue;
        }
        storage::Blob sealed{root_.seal(key->bytes(), place_of(id))};
        GH_CO_TRY_VOID(co_await session.execute(update_key, id, std::move(sealed)));
        ++renewed.sealed;
    }
    co_return Result<void>{};
}

Task<Result<RenewedKeys>> Keyring::renew(Session& session, SystemTime now) {
    GH_CO_TRY(const auto newest, co_await session.query_one(select_newest));
    RenewedKeys renewed;
    // Whose newest does not open belongs to another house.
    if (newest) GH_CO_TRY_VOID(open_key(id_of((*newest).integer(0)), (*newest).octets(1)));
    for (auto before = newest ? (*newest).integer(0) + 1 : std::int64_t{0}; before > 0;) {
        GH_CO_TRY(const auto rows, co_await session.query(select_before, before, keys_at_once));
        GH_CO_TRY_VOID(co_await renew_some(session, rows, renewed));
        before = rows.empty() ? 0 : rows[rows.size() - 1].integer(0);
    }
    if (newest && renewed.sealed == 0) co_return renewed;
    GH_CO_TRY(renewed.made, co_await add(session, now));
    co_return renewed;
}

Task<Result<std::uint64_t>> Keyring::retire(Session& session) {
    return session.execute(delete_unused);
}

}  // namespace gh::vault

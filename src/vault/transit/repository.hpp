#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"
#include "vault/transit/key.hpp"
#include "vault/transit/material.hpp"

namespace gh::vault::transit {

/// Where a version lies. Its key's id, name, type and what it may be used for are bound to it: a row that was moved, or whose
/// key was made exportable beside us, does not open.
[[nodiscard]] std::string sealed_path(const KeyFacts& facts);
[[nodiscard]] std::string sealed_path_of(std::string_view type, bool derived, bool exportable,
                                         std::string_view id, std::string_view name);
[[nodiscard]] Place place_of(std::string_view path, std::uint64_t version);

struct OpenedVersion {
    std::uint32_t version = 0;
    SystemTime created_at;
    SharedMaterial material;
};
struct OpenedKey {
    KeyFacts facts;
    std::vector<OpenedVersion> versions;  ///< ascending; those that were asked for
};

/// Which versions are wanted with a key: from one on up to another; 0 is the latest.
struct Span {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

/// Keys in the database: versions, sealed.
///
/// Errors besides storage's and the keyring's: `not_found` "transit.unknown"; `invalid_argument` "transit.name",
/// "transit.settings"; `conflict` "transit.too_many", "transit.changed" (another node was faster), "transit.deletion";
/// `corrupt` "barrier.open" or "transit.material": somebody changed the database.
class Repository {
 public:
    /// @param keyring  outlives it
    Repository(storage::Database& database, Keyring& keyring)
        : database_(database), keyring_(keyring) {}

    /// Its first version. One that is there stays as it is, whatever its type.
    [[nodiscard]] Task<Result<KeyChange>> create(NewKey key, Material material, SystemTime now,
                                                 storage::Also<KeyChange> also = {});
    [[nodiscard]] Task<Result<KeyFacts>> find(std::string name);
    /// Versions that are not there are passed over.
    [[nodiscard]] Task<Result<OpenedKey>> open(std::string name, Span span);
    [[nodiscard]] Task<Result<OpenedKey>> open(std::string name, std::set<std::uint32_t> versions);
    /// What is to be told of it: versions that may still be used, of pairs with what there is of them. Null is the material of
    /// a version that does not open, and of every key that is no pair.
    [[nodiscard]] Task<Result<OpenedKey>> show(std::string name);
    [[nodiscard]] Task<Result<std::vector<std::string>>> list();
    [[nodiscard]] Task<Result<KeyChange>> configure(std::string name, KeySettings settings,
                                                    SystemTime now,
                                                    storage::Also<KeyChange> also = {});
    /// Another version.
    /// @param before  what was known of the key when `material` was made for it
    [[nodiscard]] Task<Result<KeyChange>> rotate(KeyFacts before, Material material, SystemTime now,
                                                 storage::Also<KeyChange> also = {});
    /// Versions below go for good.
    [[nodiscard]] Task<Result<KeyChange>> trim(std::string name, std::uint32_t available,
                                               storage::Also<KeyChange> also = {});
    [[nodiscard]] Task<Result<KeyChange>> remove(std::string name,
                                                 storage::Also<KeyChange> also = {});
    /// Keys that want another version by themselves; those of types that are not known here are passed over.
    [[nodiscard]] Task<Result<std::vector<KeyFacts>>> due(SystemTime now);

 private:
    /// Within one write transaction, with what belongs to it.
    [[nodiscard]] Task<Result<KeyChange>> change(
        std::function<Task<Result<KeyChange>>(storage::Session&)> rows,
        storage::Also<KeyChange> also);

    storage::Database& database_;
    Keyring& keyring_;
};

}  // namespace gh::vault::transit

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/key_repository.hpp"

namespace gh::identity {

/// What a key was made under that is to be renewed.
struct KeyTerms {
    bool renewable = true;
    seconds ttl{};                   ///< how long it lasts from its making, and from each renewal
    std::optional<seconds> period;   ///< each renewal gives it so long, without end
    std::optional<seconds> max_ttl;  ///< no renewal makes it older
    std::optional<SystemTime> renewed_at;
    std::string meta;  ///< a JSON object of texts, or empty
};

struct TermedKey {
    StoredKey key;
    std::optional<KeyTerms> terms;  ///< nothing: made without
};

/// Without a period or a maximum of its own no key is renewed beyond this age.
inline constexpr std::chrono::hours key_age_max{32 * 24};

/// Keys with terms, in the tables of KeyRepository and one beside them.
///
/// Errors besides those of KeyRepository: `conflict` "key.not_renewable".
class KeyTermsRepository {
 public:
    KeyTermsRepository(storage::Database& database, KeyRepository& keys)
        : database_(database), keys_(keys) {}

    /// Both rows or none. It ends after its period, or its ttl, or its max_ttl: the shortest.
    [[nodiscard]] Task<Result<MadeKey>> create(NewKey key, KeyTerms terms, SystemTime now,
                                               storage::Also<StoredKey> also = {});
    [[nodiscard]] Task<Result<TermedKey>> find(std::string id);
    /// Lasts from now on as long as it was made for, or as is wished, and never beyond what its terms allow.
    [[nodiscard]] Task<Result<TermedKey>> renew(std::string id, std::optional<seconds> wished,
                                                SystemTime now, storage::Also<TermedKey> also = {});
    /// Ids of all keys that live, also of those without terms, in order of their making.
    [[nodiscard]] Task<Result<std::vector<std::string>>> living(SystemTime now, std::int64_t limit);

 private:
    storage::Database& database_;
    KeyRepository& keys_;
};

}  // namespace gh::identity

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/api_keys.hpp"
#include "identity/revocations.hpp"
#include "storage/database.hpp"

namespace gh::identity {

/// An API key as it is kept: everything but its secret.
struct StoredKey {
    std::string id;
    ApiKeyHash hash{};
    std::string name;                                             ///< for people: "nightly import"
    std::string owner;                                            ///< the user who made it
    std::string subject;                                          ///< whom it stands for
    access::PrincipalType kind = access::PrincipalType::api_key;  ///< or service
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::optional<SystemTime> expires_at;
    std::optional<SystemTime> revoked_at;
    std::optional<SystemTime> last_used_at;  ///< to within a minute
    std::int64_t version = 1;
    SystemTime created_at;
    SystemTime updated_at;
    std::string answers_to;             ///< the user at the beginning of its line; or who is none
    std::optional<std::string> parent;  ///< the key that made it: it lasts no longer
};

/// Living ones of one owner: neither revoked nor expired.
inline constexpr std::int64_t keys_of_owner_max = 1'000;
/// Living ones that one user answers for, whoever made them.
inline constexpr std::int64_t keys_of_user_max = 10'000;
/// A key that one made that one made ...
inline constexpr std::int64_t key_line_max = 16;

struct NewKey {
    std::string name;
    std::string owner;
    std::string subject;  ///< empty: the key's id
    access::PrincipalType kind = access::PrincipalType::api_key;
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::optional<SystemTime> expires_at;
    std::optional<std::string> answers_to = {};  ///< nothing: its owner
    std::optional<std::string> parent = {};
};

/// Who answers for the keys that somebody makes: for those of a key, who answers for it; else whoever makes them.
[[nodiscard]] std::string answers_for_keys_of(const access::Principal& maker);

/// A key that was just made, with the one copy of its text.
struct MadeKey {
    StoredKey key;
    std::string text;  ///< to be shown once
};

struct KeyPage {
    struct After {
        SystemTime created_at;
        std::string id;
    };
    bool newest_first = false;
    std::size_t limit = 50;
    std::optional<After> after;
    std::size_t offset = 0;
    std::optional<std::string> owner;  ///< only theirs
};

/// What ends every secret that a key had before `key` was last changed: for this process, when the database has it already.
[[nodiscard]] Revocation end_of_key(const StoredKey& key);

/// API keys in the database. What ends a secret also records that, in the same transaction, for other nodes to hear;
/// end_of_key() says so to this process.
///
/// Errors besides storage's: `not_found` "key.unknown"; `conflict` "key.changed" (another version than was expected) and
/// "key.revoked" and "key.too_many" (its owner has `keys_of_owner_max`, or who answers for it `keys_of_user_max`) and "key.too_deep" (`key_line_max`); `invalid_argument` "key.name", "key.subject", "key.role", "key.scope", "key.expired".
class KeyRepository {
 public:
    KeyRepository(storage::Database& database, std::shared_ptr<const ApiKeyHasher> hasher)
        : database_(database), hasher_(std::move(hasher)) {}

    [[nodiscard]] Task<Result<MadeKey>> create(NewKey key, SystemTime now,
                                               storage::Also<StoredKey> also = {});
    /// Takes over a key that was made elsewhere, such as one of an environment variable; its id is made of its hash, so that
    /// it is taken over once, and one that was revoked stays so.
    /// @param text  at least `api_key_bytes_min`, not in the form of our own
    /// @return      whether it was not here yet; also `invalid_argument` "key.malformed"
    [[nodiscard]] Task<Result<bool>> take_over(std::string_view text, NewKey key, SystemTime now,
                                               storage::Also<StoredKey> also = {});
    [[nodiscard]] Task<Result<StoredKey>> find(std::string id);
    /// In order of their making.
    [[nodiscard]] Task<Result<std::vector<StoredKey>>> list(KeyPage page);
    /// A new secret under the same id; the old one ends now, and what was made with it.
    [[nodiscard]] Task<Result<MadeKey>> rotate(std::string id,
                                               std::optional<std::int64_t> expected_version,
                                               SystemTime now, storage::Also<StoredKey> also = {});
    /// For good, and with it all that it made. Twice is no error.
    [[nodiscard]] Task<Result<StoredKey>> revoke(std::string id, SystemTime now,
                                                 storage::Also<StoredKey> also = {});
    /// The same inside a transaction of the caller's.
    /// @param at   when it was asked for
    /// @param now  when other nodes may hear of it
    [[nodiscard]] static Task<Result<StoredKey>> revoke(storage::Session& session, std::string id,
                                                        SystemTime at, SystemTime now);
    /// It alone: those that it made have no parent any more.
    [[nodiscard]] Task<Result<StoredKey>> revoke_alone(std::string id, SystemTime now,
                                                       storage::Also<StoredKey> also = {});
    /// Ends what is open by keys that `user` made, or that stand for them; the keys themselves stay, for the day that they are
    /// let in again.
    [[nodiscard]] static Task<Result<void>> interrupt(storage::Session& session, std::string user,
                                                      SystemTime now);
    /// Many at once: a use costs no write of its own.
    [[nodiscard]] Task<Result<void>> touch(
        std::vector<std::pair<std::string, SystemTime>> last_uses);
    /// Removes keys that expired or were revoked before `before`; how many.
    /// @param termed_before  the same for those with terms that expired: they are many
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime before, SystemTime termed_before);

    /// Whose text that is, be it good for nothing any more. @return `not_found` "key.unknown"
    [[nodiscard]] Task<Result<std::string>> id_of(std::string_view text);

    /// Whom the key `text` stands for. The text is not kept while the database is asked.
    /// @return `unauthenticated` with "key.malformed", "key.unknown", "key.revoked", "key.expired" or
    ///         "key.owner_disabled" (a user who answers for it, or whom it stands for, is kept out); errors of the database
    [[nodiscard]] Task<Result<std::shared_ptr<const access::Principal>>> recognise(
        std::string_view text, SystemTime now);

 private:
    [[nodiscard]] Task<Result<bool>> put_new(std::string id, NewKey key, ApiKeyHash hash,
                                             SystemTime now, storage::Also<StoredKey> also);
    [[nodiscard]] Task<Result<std::string>> owner_of_hash(std::string id, ApiKeyHash hash);
    [[nodiscard]] Task<Result<std::shared_ptr<const access::Principal>>> compare(
        std::optional<std::string> id, ApiKeyHash hash, SystemTime now);

    storage::Database& database_;
    std::shared_ptr<const ApiKeyHasher> hasher_;
};

}  // namespace gh::identity

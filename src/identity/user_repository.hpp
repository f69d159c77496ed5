#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/password_hash.hpp"
#include "identity/user.hpp"
#include "storage/database.hpp"

namespace gh::identity {

struct NewUser {
    std::string name;
    std::optional<std::string> email;
    std::vector<std::string> roles;
    std::optional<std::string> password_hash;  ///< unset: cannot sign in with a password
    bool password_change_required = false;
};

/// One of those that a house begins with; each with a record of its own.
struct FirstUser {
    NewUser user;
    storage::Also<User> also;
};

/// What of a user changes; what is not set stays.
struct UserChange {
    std::optional<std::optional<std::string>> email;
    std::optional<std::vector<std::string>> roles;
    std::optional<bool> disabled;
    std::optional<std::int64_t> expected_version;  ///< unset: whatever it is now
};

/// A user with what only signing in may see.
struct UserSecret {
    User user;
    std::optional<std::string> password_hash;
};

struct UserPage {
    enum class Order : unsigned char { oldest, newest, name, name_backwards };
    struct After {  ///< the last one of the page before
        SystemTime created_at;
        std::string name;  ///< counts where names are the order; `created_at` elsewhere
        std::string id;
    };
    Order order = Order::oldest;
    std::size_t limit = 50;
    std::optional<After> after;
    std::size_t offset = 0;
    std::optional<std::string> role;  ///< only those who have it
};

/// Users, in the database. What takes rights away also records, in the same transaction, that tokens issued before are void;
/// end_of_tokens() says so to this process, others look into the database.
///
/// Errors besides storage's: `not_found` "user.unknown"; `conflict` "user.name_taken" or "user.changed" (another version than
/// was expected); `invalid_argument` "user.name", "user.email" or "user.role" (no such role); `conflict` "user.last_admin"
/// (nobody would be left to administer).
class UserRepository {
 public:
    explicit UserRepository(storage::Database& database) : database_(database) {}

    [[nodiscard]] Task<Result<User>> create(NewUser user, SystemTime now,
                                            storage::Also<User> also = {});
    /// All of them or none, where there is nobody yet; nodes that start at once make them once.
    /// @return those that were made; nobody: there was somebody already
    [[nodiscard]] Task<Result<std::vector<User>>> create_first(std::vector<FirstUser> users,
                                                               SystemTime now);
    [[nodiscard]] Task<Result<User>> find(std::string id);
    [[nodiscard]] Task<Result<UserSecret>> find_by_name(std::string name);
    /// In the order that is asked for.
    [[nodiscard]] Task<Result<std::vector<User>>> list(UserPage wanted);
    /// Taking roles or disabling also voids the tokens issued so far.
    [[nodiscard]] Task<Result<User>> change(std::string id, UserChange change, SystemTime now,
                                            storage::Also<User> also = {});
    /// Voids the tokens issued so far.
    [[nodiscard]] Task<Result<User>> set_password(std::string id, std::string hash,
                                                  bool change_required, SystemTime now,
                                                  storage::Also<User> also = {});
    /// Voids the tokens of the user of that name issued up to `at`, inside a transaction of the caller's.
    /// @param now  when other nodes may hear of it
    [[nodiscard]] static Task<Result<void>> end_tokens(storage::Session& session, std::string name,
                                                       SystemTime at, SystemTime now);
    /// Keeps a user out, and voids its tokens as change() does; inside a transaction of the caller's.
    [[nodiscard]] static Task<Result<User>> disable(storage::Session& session, std::string id,
                                                    SystemTime now);
    /// The same password hashed anew: tokens stay good. Nothing happens when `old_hash` is no longer the one.
    [[nodiscard]] Task<Result<void>> rehash(std::string id, std::string old_hash, std::string hash);
    [[nodiscard]] Task<Result<std::int64_t>> count();
    /// Is there anybody whose password is kept in this scheme? Looks at all users until it finds one.
    [[nodiscard]] Task<Result<bool>> has_hashes_of(crypto::PasswordScheme scheme);

 private:
    storage::Database& database_;
};

}  // namespace gh::identity

#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/secret.hpp"
#include "identity/user_repository.hpp"
#include "storage/database.hpp"

namespace gh::identity::oauth {

inline constexpr std::chrono::hours session_lifetime{
    1};                                          ///< from the sign-in; it is never prolonged
inline constexpr std::size_t sessions_max = 20;  ///< of one user; the oldest make room

/// A browser that has signed in.
struct BrowserSession {
    std::string id;
    User user;
    SystemTime signed_in_at;
};

/// Sessions of browsers, in the database: what is in the cookie is found by id and kept as a keyed hash.
class BrowserSessions {
 public:
    BrowserSessions(storage::Database& database, UserRepository& users,
                    std::shared_ptr<const ApiKeyHasher> hasher)
        : database_(database), users_(users), hasher_(std::move(hasher)) {}

    /// @return the text of the cookie
    [[nodiscard]] Task<Result<std::string>> begin(std::string user_id, SystemTime now);
    /// Nothing for a text that is no session of the moment: unknown, over, of a user who was disabled or whose tokens were
    /// voided since.
    [[nodiscard]] Task<Result<std::optional<BrowserSession>>> find(std::string text,
                                                                   SystemTime now);
    [[nodiscard]] Task<Result<void>> end(std::string id);

    /// Removes those that are over; how many.
    [[nodiscard]] static Task<Result<std::uint64_t>> clean(storage::Session& session,
                                                           SystemTime now);

 private:
    storage::Database& database_;
    UserRepository& users_;
    std::shared_ptr<const ApiKeyHasher> hasher_;
};

}  // namespace gh::identity::oauth

#pragma once

#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/grant.hpp"
#include "storage/session.hpp"

// What users have agreed to: a client may have less without asking again, and more after asking. Inside a transaction of the
// caller's.

namespace gh::identity::oauth {

/// Has the user agreed to all of it?
[[nodiscard]] Task<Result<bool>> has_consent(storage::Session& session, std::string user_id,
                                             std::string client_id, Portion portion);
/// Adds to what they have agreed to before.
[[nodiscard]] Task<Result<void>> keep_consent(storage::Session& session, std::string user_id,
                                              std::string client_id, Portion portion,
                                              SystemTime now);

}  // namespace gh::identity::oauth

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "audit/record.hpp"
#include "identity/oauth/client.hpp"

namespace gh::identity::oauth {

/// An act of a client's that the audit log shall know.
/// @param action  "oauth.refresh_reused"
[[nodiscard]] audit::Record act_of_client(const api::Call& call, const Client& client,
                                          std::string action, SystemTime now);
/// The same of a user's.
[[nodiscard]] audit::Record act_of_user(const api::Call& call, std::string user, std::string action,
                                        SystemTime now);

}  // namespace gh::identity::oauth

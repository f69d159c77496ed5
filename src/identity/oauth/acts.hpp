#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "audit/record.hpp"
#include "identity/oauth/client.hpp"

namespace gh::identity::oauth {

/// An act of a client's that the audit log shall know.
/// @param action  "oauth.revoke"
[[nodiscard]] audit::Record act_of_client(const api::Call& call, const Client& client,
                                          std::string action);
/// What a user did about a client.
[[nodiscard]] audit::Record act_of_user(const api::Call& call, std::string user,
                                        const Client& client, std::string action);

}  // namespace gh::identity::oauth

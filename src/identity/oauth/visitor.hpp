#pragma once

#include <optional>
#include <string>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/parameters.hpp"
#include "identity/oauth/server.hpp"

// Who looks at our pages: the session in the cookie, and how one begins.

namespace gh::identity::oauth {

/// The session that the request's cookie stands for, if any.
[[nodiscard]] Task<Result<std::optional<BrowserSession>>> session_of(Server& server, api::Call call,
                                                                     SystemTime now);

/// A name and a password that came with a form.
struct Entered {
    std::optional<BrowserSession> session;  ///< nobody: refused
    std::string cookie;                     ///< value of the session's cookie
    std::string message;                    ///< why it was refused, for the user
    std::string retry_after;                ///< seconds; empty: at once
};
[[nodiscard]] Task<Result<Entered>> enter(Server& server, api::Call call,
                                          const Parameters& parameters, SystemTime now);

/// @param value  empty: the session is over
void set_session_cookie(const Server& server, std::string_view value, api::Reply& reply);

}  // namespace gh::identity::oauth

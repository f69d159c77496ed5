#pragma once

#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// GET /oauth/authorize (RFC 6749 §3.1).
[[nodiscard]] Task<Result<api::Reply>> show_authorize(Server& server, api::Call call);
/// POST: the same request as a form (OpenID Connect Core §3.1.2.1), or one of our own pages' forms.
[[nodiscard]] Task<Result<api::Reply>> submit_authorize(Server& server, api::Call call,
                                                        std::string_view body);

}  // namespace gh::identity::oauth

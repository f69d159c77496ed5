#pragma once

#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// POST /oauth/revoke (RFC 7009): a client gives back what it has. What it has not is no error.
[[nodiscard]] Task<Result<api::Reply>> answer_revoke(Server& server, api::Call call,
                                                     std::string_view body);
/// POST /oauth/introspect (RFC 7662): for clients that can prove who they are, about tokens of their own and tokens that are
/// meant for them.
[[nodiscard]] Task<Result<api::Reply>> answer_introspect(Server& server, api::Call call,
                                                         std::string_view body);
/// GET or POST /oauth/userinfo (OpenID Connect Core §5.3).
[[nodiscard]] Task<Result<api::Reply>> answer_userinfo(Server& server, api::Call call);

}  // namespace gh::identity::oauth

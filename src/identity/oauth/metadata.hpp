#pragma once

#include <string>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// /.well-known/oauth-authorization-server (RFC 8414) and /.well-known/openid-configuration (OpenID Connect Discovery §4).
[[nodiscard]] Task<Result<api::Reply>> show_server_metadata(Server& server, api::Call call);
/// /.well-known/oauth-protected-resource (RFC 9728): our own API.
[[nodiscard]] Task<Result<api::Reply>> show_resource_metadata(Server& server, api::Call call);
/// /.well-known/jwks.json
[[nodiscard]] Task<Result<api::Reply>> show_keys(Server& server, api::Call call);

}  // namespace gh::identity::oauth

#pragma once

#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// POST /oauth/device: a device asks for a code to show (RFC 8628 §3.1).
[[nodiscard]] Task<Result<api::Reply>> answer_device(Server& server, api::Call call,
                                                     std::string_view body);
/// GET /oauth/device: where its user types it.
[[nodiscard]] Task<Result<api::Reply>> show_device(Server& server, api::Call call);
/// POST /oauth/device/approve: the forms of that page.
[[nodiscard]] Task<Result<api::Reply>> submit_device(Server& server, api::Call call,
                                                     std::string_view body);

}  // namespace gh::identity::oauth

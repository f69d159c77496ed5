#pragma once

#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "base/error.hpp"
#include "identity/oauth/client_repository.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// The metadata of a client (RFC 7591 §2); members that mean nothing to us are passed over.
/// @return refuses as "oauth.registration_metadata"
[[nodiscard]] Result<NewClient> read_client_metadata(std::string_view body);

/// POST /oauth/register (RFC 7591 §3): with an initial access token, which is used up, or the permission clients:write.
[[nodiscard]] Task<Result<api::Reply>> answer_register(Server& server, api::Call call,
                                                       std::string_view body);

inline constexpr std::chrono::hours initial_token_lifetime{24};

/// An initial access token, with which a program may register one client.
/// @param portion  the most that the client may ask for
/// @param also     what else belongs into the transaction: an audit record
/// @return         its text, to be shown once
[[nodiscard]] Task<Result<std::string>> make_initial_token(storage::Database& database,
                                                           const ApiKeyHasher& hasher,
                                                           Portion portion, SystemTime now,
                                                           storage::Also<std::string> also = {});

[[nodiscard]] Task<Result<std::uint64_t>> clean_initial_tokens(storage::Session& session,
                                                               SystemTime now);

}  // namespace gh::identity::oauth

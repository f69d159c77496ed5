#pragma once

#include "api/call.hpp"
#include "api/reply.hpp"
#include "identity/oauth/client.hpp"
#include "identity/oauth/client_authentication.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/parameters.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// A request to the token endpoint whose client is known and may use the grant.
struct TokenRequest {
    api::Call call;
    Parameters parameters;
    Client client;
    Wish wish;
    Proof proof;  ///< that `wish.binding` tells of; taken by whoever makes the tokens
    SystemTime now;
};

/// POST /oauth/token (RFC 6749 §3.2).
[[nodiscard]] Task<Result<api::Reply>> answer_token(Server& server, api::Call call,
                                                    std::string_view body);

// One for each grant type.
[[nodiscard]] Task<Result<api::Reply>> token_by_code(Server& server, TokenRequest request);
[[nodiscard]] Task<Result<api::Reply>> token_by_refresh(Server& server, TokenRequest request);
[[nodiscard]] Task<Result<api::Reply>> token_by_device(Server& server, TokenRequest request);
[[nodiscard]] Task<Result<api::Reply>> token_by_credentials(Server& server, TokenRequest request);
[[nodiscard]] Task<Result<api::Reply>> token_by_password(Server& server, TokenRequest request);
[[nodiscard]] Task<Result<api::Reply>> token_by_exchange(Server& server, TokenRequest request);

/// What comes of a grant, once a code or a refresh token was found to be good.
struct GrantedTokens {
    Grant grant;
    Portion portion;
    std::string token_id;
    std::string refresh_token;  ///< empty: none
    std::string nonce;          ///< of the ID token
};

/// The user must still be there, and have the rights of when they agreed.
/// @return refuses as "oauth.user", and the grant has ended then
[[nodiscard]] Task<Result<api::Reply>> reply_for_grant(Server& server, TokenRequest request,
                                                       GrantedTokens granted);

/// Records it where something stolen was used and its grant has ended for that: once for each grant. The refusal is the
/// action.
/// @param act  made by act_of_client
[[nodiscard]] Task<Result<void>> record_theft(storage::Session& session, audit::Record act,
                                              const Claimed& claimed);

}  // namespace gh::identity::oauth

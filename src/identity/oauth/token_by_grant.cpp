// Tokens for what a user has granted: by code, and by refresh token.

#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/oauth/acts.hpp"
#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/token_endpoint.hpp"

namespace gh::identity::oauth {
namespace {

/// What the transaction needs, by value: it may run again, and after the request has gone.
struct Use {
    std::shared_ptr<const ApiKeyHasher> hasher;
    seconds lifetime{0};
    std::string text;
    std::string client_id;
    std::string redirect_uri;
    std::string verifier;
    Wish wish;
    MadeSecret refresh;
    bool with_refresh = false;
    Binding refresh_binding;
    Proof proof;
    std::string token_id;
    audit::Record theft;
    SystemTime now;
};

Use use_of(const Server& server, const TokenRequest& request, std::string text) {
    Use use{.hasher = server.parts().hasher,
            .lifetime = server.parts().access_token_lifetime,
            .text = std::move(text),
            .client_id = request.client.id,
            .redirect_uri = std::string(request.parameters["redirect_uri"]),
            .verifier = {},
            .wish = request.wish,
            .refresh = make_secret(SecretKind::refresh, *server.parts().hasher),
            .with_refresh = request.client.may_use(grant_refresh),
            .refresh_binding = {},
            .proof = request.proof,
            .token_id = std::string(view(uuid_v7(request.now))),
            .theft = act_of_client(request.call, request.client, {}),
            .now = request.now};
    // A client that proves itself each time may change its keys (RFC 9449 §5, RFC 8705 §4).
    if (request.client.is_public()) use.refresh_binding = request.wish.binding;
    return use;
}

Task<Result<Claimed>> use_refresh(storage::Session& session, Use use) {
    RefreshClaim claim{use.text, use.client_id};
    GH_CO_TRY(auto claimed, co_await claim_refresh(session, std::move(claim), use.wish, use.refresh,
                                                   *use.hasher, use.now));
    if (claimed.refusal.empty()) {
        GH_CO_TRY_VOID(use.proof.take());
        GH_CO_TRY_VOID(co_await add_access_token(session, claimed.grant->id, use.token_id,
                                                 use.now + use.lifetime));
    } else {
        GH_CO_TRY_VOID(co_await record_theft(session, use.theft, claimed));
    }
    co_return claimed;
}

/// What comes of a grant that has never been used before.
Task<Result<Claimed>> begin_tokens(storage::Session& session, Use use, Claimed claimed) {
    if (!claimed.refusal.empty()) {
        GH_CO_TRY_VOID(co_await record_theft(session, use.theft, claimed));
        co_return claimed;
    }
    GH_CO_TRY_VOID(use.proof.take());
    GH_CO_TRY_VOID(co_await add_access_token(session, claimed.grant->id, use.token_id,
                                             use.now + use.lifetime));
    if (use.with_refresh) {
        GH_CO_TRY_VOID(co_await bind_grant(session, claimed.grant->id, use.refresh_binding));
        GH_CO_TRY_VOID(co_await add_refresh(session, *claimed.grant, use.refresh, use.now));
    }
    co_return claimed;
}

Task<Result<Claimed>> use_code(storage::Session& session, Use use) {
    CodeClaim claim{use.text, use.client_id, use.redirect_uri, use.verifier};
    GH_CO_TRY(auto claimed,
              co_await claim_code(session, std::move(claim), use.wish, *use.hasher, use.now));
    co_return co_await begin_tokens(session, std::move(use), std::move(claimed));
}

Task<Result<Claimed>> use_device_code(storage::Session& session, Use use) {
    DeviceClaim claim{use.text, use.client_id};
    GH_CO_TRY(auto claimed, co_await claim_device_code(session, std::move(claim), use.wish,
                                                       *use.hasher, use.now));
    co_return co_await begin_tokens(session, std::move(use), std::move(claimed));
}

Task<Result<api::Reply>> answer_claimed(Server& server, TokenRequest request, Claimed claimed,
                                        GrantedTokens granted) {
    if (claimed.ended) server.parts().revocations.add(*claimed.ended, request.now);
    if (!claimed.refusal.empty()) co_return refuse(claimed.refusal);
    granted.grant = *std::move(claimed.grant);
    granted.portion = std::move(claimed.portion);
    co_return co_await reply_for_grant(server, std::move(request), std::move(granted));
}

using First = Task<Result<Claimed>> (*)(storage::Session&, Use);

Task<Result<api::Reply>> first_tokens(Server& server, TokenRequest request, Use use, First first) {
    use.wish.scopes.clear();  // the user has decided
    GrantedTokens granted;
    granted.token_id = use.token_id;
    if (use.with_refresh) granted.refresh_token = use.refresh.text;
    auto work = [use = std::move(use), first](storage::Session& session) {
        return first(session, use);
    };
    GH_CO_TRY(auto claimed, co_await server.parts().database.write(std::move(work)));
    if (claimed.grant) granted.nonce = claimed.grant->nonce;
    co_return co_await answer_claimed(server, std::move(request), std::move(claimed),
                                      std::move(granted));
}

}  // namespace

Task<Result<api::Reply>> token_by_code(Server& server, TokenRequest request) {
    GH_CO_TRY(auto code, request.parameters.required("code"));
    auto use = use_of(server, request, std::move(code));
    GH_CO_TRY(use.verifier, request.parameters.required("code_verifier"));
    co_return co_await first_tokens(server, std::move(request), std::move(use), use_code);
}

Task<Result<api::Reply>> token_by_device(Server& server, TokenRequest request) {
    GH_CO_TRY(auto code, request.parameters.required("device_code"));
    auto use = use_of(server, request, std::move(code));
    co_return co_await first_tokens(server, std::move(request), std::move(use), use_device_code);
}

Task<Result<api::Reply>> token_by_refresh(Server& server, TokenRequest request) {
    GH_CO_TRY(auto text, request.parameters.required("refresh_token"));
    auto use = use_of(server, request, std::move(text));
    GrantedTokens granted;
    granted.token_id = use.token_id;
    granted.refresh_token = use.refresh.text;
    auto work = [use = std::move(use)](storage::Session& session) {
        return use_refresh(session, use);
    };
    GH_CO_TRY(auto claimed, co_await server.parts().database.write(std::move(work)));
    co_return co_await answer_claimed(server, std::move(request), std::move(claimed),
                                      std::move(granted));
}

}  // namespace gh::identity::oauth

#pragma once

#include <optional>
#include <string_view>

#include "api/reply.hpp"
#include "identity/oauth/authorization_request.hpp"
#include "identity/oauth/form_seal.hpp"
#include "identity/oauth/server.hpp"

namespace gh::identity::oauth {

/// One look at the authorization endpoint: who asks for what, in which browser.
struct Visit {
    api::Call call;
    Client client;
    AuthorizationRequest request;
    Browser browser;
    std::optional<BrowserSession> session;
    bool is_fresh = false;       ///< the user has proven who they are for this very request
    bool agreed = false;         ///< and that they agree
    std::string session_cookie;  ///< to be set; empty: stays as it is
    SystemTime now;
};

/// Names and passwords go to `action`; what else the form carries back is sealed.
struct SignInForm {
    std::string action;
    std::string purpose;
    std::string name;     ///< filled in
    std::string message;  ///< what went wrong; empty: nothing yet
    std::string introduction;
    std::string form_target;  ///< a policy source; empty: none
};
[[nodiscard]] api::Reply sign_in_page(const Server& server, const Browser& browser, SignInForm form,
                                      SystemTime now);

[[nodiscard]] std::string sign_in_purpose(const Visit& visit);
[[nodiscard]] std::string consent_purpose(const Visit& visit);

[[nodiscard]] api::Reply ask_to_sign_in(const Server& server, const Visit& visit,
                                        std::string_view message = {});
[[nodiscard]] api::Reply ask_for_consent(const Server& server, const Visit& visit);

/// What a scope lets a client do, as a list item: HTML.
[[nodiscard]] std::string items_of(const Portion& portion);

}  // namespace gh::identity::oauth

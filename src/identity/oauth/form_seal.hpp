#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "identity/oauth/server.hpp"

// What keeps another site from filling in our forms for a user (CSRF): each form carries a code over what it is for, when it
// was made, and a cookie that only this browser has.

namespace gh::identity::oauth {

inline constexpr std::chrono::minutes form_lifetime{15};

/// The browser of a request, as forms know it.
struct Browser {
    std::string token;    ///< of its cookie; new where it had none
    bool is_new = false;  ///< the cookie has to be set
};

[[nodiscard]] Browser browser_of(const Server& server, const api::Call& call);
void set_browser_cookie(const Server& server, const Browser& browser, api::Reply& reply);

/// @param purpose  what the form is for: its step, its request, and whose session it is part of
[[nodiscard]] std::string seal_form(const Server& server, const Browser& browser,
                                    std::string_view purpose, SystemTime now);

/// Does a form that came with `call` carry a seal of this purpose, and come from our own page (Origin)?
[[nodiscard]] bool is_sealed(const Server& server, const api::Call& call, std::string_view seal,
                             std::string_view purpose, SystemTime now);

}  // namespace gh::identity::oauth

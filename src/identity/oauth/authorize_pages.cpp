#include "identity/oauth/authorize_pages.hpp"

#include <fmt/format.h>

#include <array>

#include "access/permission.hpp"
#include "identity/oauth/page.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

std::string_view meaning_of(std::string_view scope) {
    struct Known {
        std::string_view scope, meaning;
    };
    constexpr std::array known{
        Known{"openid", "Know who you are."},
        Known{"profile", "See your user name."},
        Known{"email", "See your email address."},
        Known{"offline_access", "Stay signed in for you while you are away."},
    };
    for (const auto& each : known) {
        if (each.scope == scope) return each.meaning;
    }
    if (const auto permission = access::permission_of(scope)) {
        for (const auto& row : access::permission_table()) {
            if (row.permission == *permission) return row.allows;
        }
    }
    return {};
}

std::string action_of(const Visit& visit) {
    return "/oauth/authorize?" + escape_html(visit.request.query);
}

}  // namespace

std::string items_of(const Portion& portion) {
    std::string items;
    for (const auto& scope : portion.scopes) {
        const auto meaning = meaning_of(scope);
        items += meaning.empty() ? fmt::format("<li>{}</li>", escape_html(scope))
                                 : fmt::format("<li>{} <small>({})</small></li>",
                                               escape_html(meaning), escape_html(scope));
    }
    for (const auto& resource : portion.resources)
        items += fmt::format("<li>At {}</li>", escape_html(resource));
    return items;
}

std::string sign_in_purpose(const Visit& visit) { return "sign_in\n" + visit.request.query; }

std::string consent_purpose(const Visit& visit) {
    return "consent\n" + visit.session->id + "\n" + visit.request.query;
}

api::Reply sign_in_page(const Server& server, const Browser& browser, SignInForm form,
                        SystemTime now) {
    const auto alert = form.message.empty()
                           ? std::string()
                           : fmt::format("<p role=\"alert\">{}</p>", escape_html(form.message));
    auto reply =
        page(form.message.empty() ? 200 : 403, "Sign in",
             fmt::format(
                 "<p>{}</p>{}<form method=\"post\" action=\"{}\">"
                 "<input type=\"hidden\" name=\"form\" value=\"sign_in\">"
                 "<input type=\"hidden\" name=\"seal\" value=\"{}\">"
                 "<label for=\"username\">User name</label>"
                 "<input id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" "
                 "required autofocus>"
                 "<label for=\"password\">Password</label>"
                 "<input id=\"password\" name=\"password\" type=\"password\" "
                 "autocomplete=\"current-password\" required>"
                 "<button class=\"first\">Sign in</button></form>",
                 form.introduction, alert, form.action,
                 seal_form(server, browser, form.purpose, now), escape_html(form.name)),
             form.form_target);
    set_browser_cookie(server, browser, reply);
    return reply;
}

api::Reply ask_to_sign_in(const Server& server, const Visit& visit, std::string_view message) {
    SignInForm form;
    form.action = action_of(visit);
    form.purpose = sign_in_purpose(visit);
    form.name = visit.request.login_hint;
    form.message = message;
    form.introduction =
        fmt::format("To go on to <strong>{}</strong>.", escape_html(visit.client.name));
    form.form_target = policy_source_of(visit.request.redirect_uri);
    return sign_in_page(server, visit.browser, std::move(form), visit.now);
}

api::Reply ask_for_consent(const Server& server, const Visit& visit) {
    const auto target = policy_source_of(visit.request.redirect_uri);
    auto reply = page(
        200, "Allow access?",
        fmt::format("<p><strong>{}</strong> asks to act for you, <strong>{}</strong>, and to:</p>"
                    "<ul>{}</ul><p>You will be sent to <strong>{}</strong>.</p>"
                    "<form method=\"post\" action=\"{}\">"
                    "<input type=\"hidden\" name=\"form\" value=\"consent\">"
                    "<input type=\"hidden\" name=\"seal\" value=\"{}\">"
                    "<button class=\"first\" name=\"choice\" value=\"allow\">Allow</button>"
                    "<button name=\"choice\" value=\"deny\">Do not allow</button>"
                    "<button name=\"choice\" value=\"switch\">Not you?</button></form>",
                    escape_html(visit.client.name), escape_html(visit.session->user.name),
                    items_of(visit.request.portion), escape_html(target), action_of(visit),
                    seal_form(server, visit.browser, consent_purpose(visit), visit.now)),
        target);
    set_browser_cookie(server, visit.browser, reply);
    return reply;
}

}  // namespace gh::identity::oauth

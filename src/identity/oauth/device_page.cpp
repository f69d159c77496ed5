// The page where the user of a device types its code, and decides.

#include <fmt/format.h>

#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/acts.hpp"
#include "identity/oauth/authorize_pages.hpp"
#include "identity/oauth/device_endpoint.hpp"
#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/network.hpp"
#include "identity/oauth/page.hpp"
#include "identity/oauth/visitor.hpp"
#include "net/loop.hpp"

namespace gh::identity::oauth {
namespace {

/// One look at the page.
struct DeviceVisit {
    api::Call call;
    Browser browser;
    std::optional<BrowserSession> session;
    std::optional<std::string> user_code;  ///< as it was typed or linked; nothing: none, or no code
    bool tried = false;                    ///< something was typed
    SystemTime now;
};

Task<Result<DeviceVisit>> open_visit(Server& server, api::Call call) {
    DeviceVisit visit{.call = call,
                      .browser = browser_of(server, call),
                      .session = {},
                      .user_code = {},
                      .tried = false,
                      .now = server.now()};
    if (const auto parameters = Parameters::read(call.query)) {
        visit.tried = parameters->has("user_code");
        visit.user_code = read_user_code((*parameters)["user_code"]);
    }
    GH_CO_TRY(visit.session, co_await session_of(server, call, visit.now));
    co_return visit;
}

std::string action_of(const DeviceVisit& visit) {
    return visit.user_code ? "/oauth/device/approve?user_code=" + *visit.user_code
                           : "/oauth/device/approve";
}

std::string sign_in_purpose(const DeviceVisit& visit) {
    return "device_sign_in\n" + visit.user_code.value_or("");
}

std::string consent_purpose(const DeviceVisit& visit) {
    return "device_consent\n" + visit.session->id + "\n" + visit.user_code.value_or("");
}

api::Reply ask_for_sign_in(const Server& server, const DeviceVisit& visit, std::string message) {
    SignInForm form;
    form.action = action_of(visit);
    form.purpose = sign_in_purpose(visit);
    form.message = std::move(message);
    form.introduction = "To connect a device.";
    return sign_in_page(server, visit.browser, std::move(form), visit.now);
}

api::Reply ask_for_code(bool wrong) {
    return page(wrong ? 404 : 200, "Connect a device",
                fmt::format("{}<form method=\"get\" action=\"/oauth/device\">"
                            "<label for=\"user_code\">The code that your device shows</label>"
                            "<input id=\"user_code\" name=\"user_code\" autocomplete=\"off\" "
                            "required autofocus><button class=\"first\">Go on</button></form>",
                            wrong ? "<p role=\"alert\">No device waits with this code.</p>" : ""));
}

api::Reply ask_for_consent(const Server& server, const DeviceVisit& visit, const Client& client,
                           const WaitingDevice& device) {
    auto reply = page(
        200, "Connect this device?",
        fmt::format(
            "<p><strong>{}</strong> on a device that shows <strong>{}</strong> asks to act for "
            "you, <strong>{}</strong>, and to:</p><ul>{}</ul>"
            "<p>Go on only if you have the device before you, and it shows this code.</p>"
            "<form method=\"post\" action=\"{}\">"
            "<input type=\"hidden\" name=\"form\" value=\"consent\">"
            "<input type=\"hidden\" name=\"seal\" value=\"{}\">"
            "<button class=\"first\" name=\"choice\" value=\"allow\">Allow</button>"
            "<button name=\"choice\" value=\"deny\">Do not allow</button></form>",
            escape_html(client.name), shown_user_code(*visit.user_code),
            escape_html(visit.session->user.name), items_of(device.portion), action_of(visit),
            seal_form(server, visit.browser, consent_purpose(visit), visit.now)));
    set_browser_cookie(server, visit.browser, reply);
    return reply;
}

/// The device that a typed code means, and its client. Who types wrong ones has to wait, like whoever types wrong passwords.
struct Found {
    std::optional<WaitingDevice> device;
    Client client;
    std::optional<milliseconds> wait;
};
Task<Result<Found>> find(Server& server, const DeviceVisit& visit) {
    Found found;
    auto& throttle = server.parts().throttle;
    const auto network = network_of(visit.call);
    const auto name = "device code:" + visit.session->user.name;  // no user's name has a space
    const auto clock = net::Loop::current()->now();
    found.wait = throttle.wait_of(name, network, clock);
    if (found.wait) co_return found;
    auto work = [code = *visit.user_code, now = visit.now](storage::Session& session) {
        return find_device(session, code, now);
    };
    GH_CO_TRY(found.device, co_await server.parts().database.read(std::move(work)));
    if (!found.device) {
        throttle.failed(name, network, clock);
        co_return found;
    }
    GH_CO_TRY(found.client, co_await server.clients().find(found.device->client_id));
    if (found.client.disabled_at) found.device.reset();
    co_return found;
}

Task<Result<api::Reply>> go_on(Server& server, DeviceVisit visit, std::string cookie) {
    api::Reply reply;
    if (!visit.session) {
        reply = ask_for_sign_in(server, visit, {});
    } else if (!visit.user_code) {
        reply = ask_for_code(visit.tried);
    } else {
        GH_CO_TRY(const auto found, co_await find(server, visit));
        if (found.wait) {
            reply = failure_page(429, "oauth.device_throttled",
                                 "Too many wrong codes. Try again later.");
            reply.fields.emplace_back("Retry-After", retry_after(*found.wait));
        } else if (found.device) {
            reply = ask_for_consent(server, visit, found.client, *found.device);
        } else {
            reply = ask_for_code(true);
        }
    }
    if (!cookie.empty()) set_session_cookie(server, cookie, reply);
    co_return reply;
}

api::Reply stale() {
    return failure_page(400, "oauth.form",
                        "This page is too old, or was not made for this browser. Type the code of "
                        "your device again.");
}

Task<Result<api::Reply>> submit_sign_in(Server& server, DeviceVisit visit, const Parameters& form) {
    if (!is_sealed(server, visit.call, form["seal"], sign_in_purpose(visit), visit.now))
        co_return stale();
    GH_CO_TRY(auto entered, co_await enter(server, visit.call, form, visit.now));
    if (!entered.session) {
        auto reply = ask_for_sign_in(server, visit, entered.message);
        if (!entered.retry_after.empty()) {
            reply.status = 429;
            reply.fields.emplace_back("Retry-After", entered.retry_after);
        }
        co_return reply;
    }
    visit.session = std::move(entered.session);
    co_return co_await go_on(server, std::move(visit), std::move(entered.cookie));
}

struct Decision {
    std::string device_id;
    std::optional<Grant> grant;  ///< nothing: refused
    audit::Record act;
    SystemTime now;
};

/// @return what this process has to know of older grants
Task<Result<std::vector<Revocation>>> decide(storage::Session& session, Decision decision) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    std::string grant_id;
    std::vector<Revocation> ended;
    if (decision.grant) {
        grant_id = decision.grant->id;
        GH_CO_TRY(ended, co_await add_grant(session, *decision.grant, decision.now));
    }
    GH_CO_TRY(const bool done, co_await decide_device(session, decision.device_id, grant_id));
    if (!done) co_return fail(ErrorKind::conflict, "oauth.device_decided");
    GH_CO_TRY_VOID(co_await audit::Log::append(session, decision.act));
    co_return ended;
}

Decision decision_of(const DeviceVisit& visit, const Found& found, bool allowed) {
    const auto& device = *found.device;
    Decision decision{.device_id = device.id,
                      .grant = {},
                      .act = act_of_user(visit.call, visit.session->user.name, found.client,
                                         allowed ? "oauth.device_allow" : "oauth.device_deny"),
                      .now = visit.now};
    decision.act.details.push_back({"scopes", join_names(device.portion.scopes, ' ')});
    if (!allowed) return decision;
    decision.grant = Grant{.id = std::string(view(uuid_v7(visit.now))),
                           .client_id = device.client_id,
                           .user_id = visit.session->user.id,
                           .scopes = device.portion.scopes,
                           .resources = device.portion.resources,
                           .nonce = {},
                           .dpop_jkt = {},
                           .certificate = {},
                           .signed_in_at = visit.session->signed_in_at,
                           .created_at = visit.now,
                           .expires_at = device.expires_at};
    return decision;
}

Task<Result<api::Reply>> submit_consent(Server& server, DeviceVisit visit, const Parameters& form) {
    if (!visit.session || !visit.user_code ||
        !is_sealed(server, visit.call, form["seal"], consent_purpose(visit), visit.now)) {
        co_return stale();
    }
    GH_CO_TRY(const auto found, co_await find(server, visit));
    if (!found.device) co_return ask_for_code(true);
    const bool allowed = form["choice"] == "allow";
    auto decision = decision_of(visit, found, allowed);
    auto work = [decision = std::move(decision)](storage::Session& session) {
        return decide(session, decision);
    };
    const auto done = co_await server.parts().database.write(std::move(work));
    if (!done && done.error().reason == "oauth.device_decided") co_return ask_for_code(true);
    if (!done) co_return std::unexpected(done.error());
    server.parts().revocations.add(*done, visit.now);
    co_return page(200, allowed ? "The device is connected" : "The device is not connected",
                   "<p>You may close this page.</p>");
}

}  // namespace

Task<Result<api::Reply>> show_device(Server& server, api::Call call) {
    GH_CO_TRY(auto visit, co_await open_visit(server, call));
    co_return co_await go_on(server, std::move(visit), {});
}

Task<Result<api::Reply>> submit_device(Server& server, api::Call call, std::string_view body) {
    const auto form = Parameters::read(body);
    if (!form) co_return stale();
    GH_CO_TRY(auto visit, co_await open_visit(server, call));
    if ((*form)["form"] == "sign_in")
        co_return co_await submit_sign_in(server, std::move(visit), *form);
    co_return co_await submit_consent(server, std::move(visit), *form);
}

}  // namespace gh::identity::oauth

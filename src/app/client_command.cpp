#include "app/client_command.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "identity/names.hpp"
#include "identity/oauth/client_repository.hpp"
#include "identity/oauth/registration.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using identity::oauth::Client;
using identity::oauth::ClientRepository;
using identity::oauth::MadeClient;
using identity::oauth::NewClient;

constexpr std::size_t shown_max = 10'000;

SystemTime now() { return std::chrono::system_clock::now(); }

/// What the repository refuses, in words of the command line.
Error in_words(Error error, const ClientOptions& options) {
    if (error.reason == "client.unknown") {
        error.detail = fmt::format("there is no client {}; gatehouse client list shows all",
                                   config::quote(options.name));
    } else if (error.reason.starts_with("client.")) {
        error.detail = fmt::format("{}: {}", error.reason.substr(7), error.detail);
    }
    return error;
}

/// Grant types as the shell calls them: two have long names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> grants{{
    {"authorization_code", identity::oauth::grant_code},
    {"refresh_token", identity::oauth::grant_refresh},
    {"client_credentials", identity::oauth::grant_credentials},
    {"device_code", identity::oauth::grant_device},
    {"token_exchange", identity::oauth::grant_exchange},
    {"password", identity::oauth::grant_password},
}};

Result<std::string> grant_of(const std::string& name) {
    for (const auto& [short_name, full_name] : grants) {
        if (name == short_name || name == full_name) return std::string(full_name);
    }
    std::string allowed;
    for (const auto& each : grants)
        allowed += (allowed.empty() ? "" : ", ") + std::string(each.first);
    return fail(ErrorKind::invalid_argument, "usage",
                fmt::format("command line: --grant: {} is no grant type, allowed: {}",
                            config::quote(name), allowed));
}

Result<NewClient> client_of(const ClientOptions& options) {
    NewClient client;
    client.name = options.name;
    const auto way = identity::oauth::client_authentication_of(options.authentication);
    if (!way) {
        return fail(ErrorKind::invalid_argument, "usage",
                    "command line: --auth: none, client_secret_basic, client_secret_post or "
                    "tls_client_auth");
    }
    client.authentication = *way;
    client.certificate_name = options.certificate_name;
    client.redirect_uris = options.redirect_uris;
    for (const auto& name : options.grants) {
        GH_TRY(auto grant, grant_of(name));
        client.grants.push_back(std::move(grant));
    }
    client.scopes = options.scopes;
    if (client.scopes.empty()) client.scopes = {"openid", "profile"};
    client.resources = options.resources;
    client.serves = options.serves;
    client.require_dpop = options.require_dpop;
    client.certificate_bound = options.certificate_bound;
    return client;
}

void write_client(codec::json::Writer& out, const Client& client, const std::string& secret) {
    const auto names = [&out](std::string_view name, const std::vector<std::string>& all) {
        out.name(name).begin_array();
        for (const auto& each : all) out.string(each);
        out.end_array();
    };
    out.begin_object().name("client_id").string(client.id);
    if (!secret.empty()) out.name("client_secret").string(secret);
    out.name("name").string(client.name);
    out.name("token_endpoint_auth_method").string(name_of(client.authentication));
    names("redirect_uris", client.redirect_uris);
    names("grant_types", client.grants);
    names("scopes", client.scopes);
    names("resources", client.resources);
    names("serves", client.serves);
    out.name("created_at").string(config::time_text(client.created_at));
    if (client.disabled_at) out.name("disabled_at").string(config::time_text(*client.disabled_at));
    out.end_object();
}

std::string as_json(const std::vector<Client>& clients) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& client : clients) write_client(out, client, {});
    out.end_array();
    return text + "\n";
}

std::string as_table(const std::vector<Client>& clients) {
    std::string text;
    for (const auto& client : clients) {
        fmt::format_to(std::back_inserter(text), "{:<17} {:<24} {:<20} {:<9} {}\n", client.id,
                       client.name, name_of(client.authentication),
                       client.disabled_at ? "disabled" : "good",
                       identity::join_names(client.scopes, ' '));
    }
    return text;
}

ClientRepository clients_of(const VerbState& verb) {
    return {*verb.state->database, verb.state->hasher};
}

storage::Also<Client> recorded(std::string action) {
    return audit::also<Client>(audit::act_of_shell(std::move(action), "oauth_client"),
                               [](audit::Record& record, const Client& client) {
                                   record.object_id = client.id;
                                   record.details.push_back({"client_name", client.name});
                               });
}

CommandResult show_made(const MadeClient& made, const ClientOptions& options) {
    if (options.json) {
        std::string text;
        codec::json::Writer out(text);
        write_client(out, made.client, made.secret);
        return {.exit_code = 0, .out = text + "\n", .err = {}};
    }
    if (made.secret.empty()) {
        return {.exit_code = 0,
                .out = made.client.id + "\n",
                .err = "made the client; it has no secret, this is its id\n"};
    }
    return {
        .exit_code = 0,
        .out = made.secret + "\n",
        .err = fmt::format("made the client {}; its secret is shown this once\n", made.client.id)};
}

}  // namespace

CommandResult client_add(const Overrides& overrides, const Surroundings& surroundings,
                         const ClientOptions& options) {
    auto client = client_of(options);
    if (!client) return failed(client.error());
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto made = net::run_to_end(
        clients_of(**verb).create(*std::move(client), now(), recorded("oauth.client_add")));
    if (!made) return failed(in_words(made.error(), options));
    return show_made(*made, options);
}

CommandResult client_list(const Overrides& overrides, const Surroundings& surroundings,
                          const ClientOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto clients = net::run_to_end(clients_of(**verb).list(shown_max));
    if (!clients) return failed(clients.error());
    return {
        .exit_code = 0, .out = options.json ? as_json(*clients) : as_table(*clients), .err = {}};
}

CommandResult client_disable(const Overrides& overrides, const Surroundings& surroundings,
                             const ClientOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto ended = net::run_to_end(
        clients_of(**verb).disable(options.name, now(), recorded("oauth.client_disable")));
    if (!ended) return failed(in_words(ended.error(), options));
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("the client {} is disabled, and what it was given has ended\n",
                               ended->id)};
}

CommandResult client_invite(const Overrides& overrides, const Surroundings& surroundings,
                            const ClientOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    identity::oauth::Portion portion{options.scopes, options.resources};
    if (portion.scopes.empty()) portion.scopes = {"openid", "profile"};
    auto& state = *(*verb)->state;
    const auto token = net::run_to_end(identity::oauth::make_initial_token(
        *state.database, *state.hasher, std::move(portion), now(),
        audit::also<std::string>(
            audit::act_of_shell("oauth.client_invite", "oauth_initial_token"),
            [](audit::Record& record, const std::string& id) { record.object_id = id; })));
    if (!token) return failed(in_words(token.error(), options));
    return {.exit_code = 0,
            .out = *token + "\n",
            .err = "an initial access token, for one client within a day; shown this once\n"};
}

}  // namespace gh::app

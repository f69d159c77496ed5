#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/verb_options.hpp"

namespace gh::app {

namespace {

std::optional<std::string> typed_password(const Options& options) {
    if (!options.password_stdin) return {};
    return typed_line();
}

void add_user(CLI::App& app, Options& options) {
    auto* user = app.add_subcommand("user", "Who may sign in");
    user->require_subcommand(1);
    user->footer(
        "Examples:\n  gatehouse user add ada --role manager\n  gatehouse user list\n"
        "  gatehouse user disable ada");
    const auto verb =
        [&](const std::string& name, const std::string& what, const std::string& example,
            CommandResult (*run)(const Overrides&, const Surroundings&, UserOptions)) {
            return add_state_verb(*user, options, name, what, "user " + example, [&options, run] {
                options.user.password = typed_password(options);
                if (options.password_hash_stdin) options.user.password_hash = typed_line();
                return run(state_overrides(options), surroundings(), options.user);
            });
        };
    auto* add = verb("add", "Make a user; prints a password for one use", "add ada --role manager",
                     user_add);
    auto* password = verb("password", "Give a user a new password for one use; their tokens end",
                          "password ada", user_password);
    for (auto* each : {add, password}) {
        each->add_flag("--password-stdin", options.password_stdin,
                       "Take the first line of standard input as the password, for good");
    }
    add->add_flag("--password-hash-stdin", options.password_hash_stdin,
                  "Take the first line as the hash of their password, from another system: $2b$... "
                  "or $argon2id$...")
        ->excludes("--password-stdin");
    add->add_option("--email", options.user.email, "Where to write to");
    auto* roles = verb("roles", "Give a user other roles", "roles ada --role user", user_roles);
    auto* disable =
        verb("disable", "Keep a user out; their tokens end", "disable ada", user_disable);
    auto* enable = verb("enable", "Let a user in again", "enable ada", user_enable);
    for (auto* each : {add, password, roles, disable, enable})
        each->add_option("NAME", options.user.name, "What they sign in with")->required();
    add->add_option("--role", options.user.roles, "guest, user, manager, admin; user by default")
        ->allow_extra_args(false);
    roles->add_option("--role", options.user.roles, "Instead of those so far")
        ->required()
        ->allow_extra_args(false);
    auto* list = verb("list", "All users", "list --json", user_list);
    list->add_flag("--json", options.user.json, "As a JSON array");
}

void add_key(CLI::App& app, Options& options) {
    auto* key = app.add_subcommand("key", "Keys for the header X-API-Key");
    key->require_subcommand(1);
    key->footer(
        "Examples:\n  gatehouse key create nightly-import --role user --expires 90d\n"
        "  gatehouse key list\n  gatehouse key revoke 0123456789abcdef");
    const auto verb =
        [&](const std::string& name, const std::string& what, const std::string& example,
            CommandResult (*run)(const Overrides&, const Surroundings&, const KeyOptions&)) {
            return add_state_verb(*key, options, name, what, "key " + example, [&options, run] {
                return run(state_overrides(options), surroundings(), options.key);
            });
        };
    auto* create = verb("create", "Make a key; prints it, this once",
                        "create nightly-import --role user --expires 90d", key_create);
    create->add_option("NAME", options.key.name, "For people: what it is for")->required();
    create->add_option("--role", options.key.roles, "What its bearer may; none by default")
        ->allow_extra_args(false);
    create
        ->add_option("--scope", options.key.scopes,
                     "Narrows what its roles allow; without a role, what it may")
        ->allow_extra_args(false);
    create->add_option("--subject", options.key.subject, "Whom it stands for; its id by default");
    create->add_option("--expires", options.key.expires,
                       "A duration such as 90d; never by default");
    create->add_flag("--service", options.key.service, "Its bearer is a service");
    auto* list = verb("list", "All keys, without their secrets", "list", key_list);
    for (auto* each : {create, list})
        each->add_option("--owner", options.key.owner, "Who answers for it");
    list->add_flag("--json", options.key.json, "As a JSON array");
    auto* rotate = verb("rotate", "A new secret under the same id; prints it, this once",
                        "rotate 0123456789abcdef", key_rotate);
    auto* revoke = verb("revoke", "End a key for good", "revoke 0123456789abcdef", key_revoke);
    for (auto* each : {rotate, revoke})
        each->add_option("ID", options.key.name, "Of gatehouse key list")->required();
}

void add_client(CLI::App& app, Options& options) {
    auto* client = app.add_subcommand("client", "Programs that ask for tokens (OAuth)");
    client->require_subcommand(1);
    client->footer(
        "Examples:\n  gatehouse client add console --grant authorization_code --grant "
        "refresh_token "
        "--redirect-uri https://app.example/back\n"
        "  gatehouse client add nightly --grant client_credentials --scope users:read\n"
        "  gatehouse client list\n  gatehouse client disable 0123456789abcdef");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example,
                          CommandResult (*run)(const Overrides&, const Surroundings&,
                                               const ClientOptions&)) {
        return add_state_verb(*client, options, name, what, "client " + example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.client);
        });
    };
    auto& given = options.client;
    auto* add = verb("add", "Make a client; prints its secret, this once",
                     "add nightly --grant client_credentials --scope users:read", client_add);
    add->add_option("NAME", given.name, "For people: whom they let act for them")->required();
    const auto list_of = [](CLI::App* to, const char* name, std::vector<std::string>& all,
                            const char* what) {
        return to->add_option(name, all, what)->allow_extra_args(false);
    };
    list_of(add, "--grant", given.grants,
            "authorization_code, refresh_token, client_credentials, device_code, token_exchange, "
            "password")
        ->required();
    list_of(add, "--redirect-uri", given.redirect_uris, "Where codes may be sent");
    list_of(add, "--serves", given.serves, "Resource that it is: it may introspect its tokens");
    add->add_option("--auth", given.authentication,
                    "client_secret_basic, client_secret_post, none or tls_client_auth");
    add->add_option("--certificate-name", given.certificate_name,
                    "With tls_client_auth: dns:, uri:, ip: or dn: and a name of its certificate");
    add->add_flag("--dpop", given.require_dpop, "Its tokens are bound to a key (DPoP)");
    add->add_flag("--certificate-bound", given.certificate_bound,
                  "Its tokens are bound to its certificate");
    add->add_flag("--json", given.json, "As a JSON object");
    auto* invite = verb("invite", "Let a program register one client; prints a token, this once",
                        "invite --scope openid", client_invite);
    for (auto* each : {add, invite}) {
        list_of(each, "--scope", given.scopes,
                "What it may ask for; openid and profile by default");
        list_of(each, "--resource", given.resources, "URI that its tokens may be meant for");
    }
    verb("list", "All clients, without their secrets", "list", client_list)
        ->add_flag("--json", given.json, "As a JSON array");
    verb("disable", "End a client for good, and all it was given", "disable 0123456789abcdef",
         client_disable)
        ->add_option("ID", given.name, "Of gatehouse client list")
        ->required();
}

}  // namespace

void add_identity(CLI::App& app, Options& options) {
    add_user(app, options);
    add_key(app, options);
    add_client(app, options);
}

}  // namespace gh::app

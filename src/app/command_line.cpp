#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>

#include "app/client_command.hpp"
#include "app/config_command.hpp"
#include "app/gatehouse.hpp"
#include "app/key_command.hpp"
#include "app/migrate_command.hpp"
#include "app/settings.hpp"
#include "app/user_command.hpp"
#include "app/version.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

struct Options {
    std::string config, env_file, upstream, listen, data, profile, file;
    bool open = false, json = false, dry_run = false, password_stdin = false;
    UserOptions user;
    KeyOptions key;
    ClientOptions client;
    std::function<CommandResult()> run;  ///< of the verb that was chosen; unset: serve, version
};

std::optional<std::filesystem::path> path_or_nothing(const std::string& text) {
    if (text.empty()) return {};
    return text;
}

Overrides overrides_of(const Options& options) {
    Overrides overrides;
    overrides.config_file = path_or_nothing(options.config.empty() ? options.file : options.config);
    overrides.env_file = path_or_nothing(options.env_file);
    overrides.data_dir = path_or_nothing(options.data);
    if (!options.upstream.empty()) overrides.upstream = options.upstream;
    if (!options.listen.empty()) overrides.listen = options.listen;
    if (!options.profile.empty()) {
        overrides.profile =
            options.profile == "development" ? Profile::development : Profile::production;
    }
    overrides.open_to_all = options.open;
    return overrides;
}

Overrides state_overrides(const Options& options) {
    auto overrides = overrides_of(options);
    overrides.state_only = true;
    return overrides;
}

Surroundings surroundings() {
    Surroundings around;
    around.environment = config::Environment::of_process();
    around.check_secret = crypto::check_secret_strength;
    return around;
}

int complain(const Error& error, int code) {
    std::fprintf(stderr, "gatehouse: %s\n",
                 error.detail.empty() ? std::string(error.reason).c_str() : error.detail.c_str());
    return code;
}

int serve(const Options& options) {
    Gatehouse::block_signals();
    const auto overrides = overrides_of(options);
    if (!overrides.config_file && !overrides.upstream) {
        std::fputs(
            "gatehouse: serve wants --config FILE or --upstream URL; see gatehouse serve --help\n",
            stderr);
        return 2;
    }
    auto read = read_settings(overrides, surroundings());
    if (!read) return complain(read.error(), 2);
    // The process ends with the house: what still waits on its loops is not torn down, the kernel takes it all back.
    static Gatehouse& house =
        *std::make_unique<Gatehouse>(overrides, surroundings(), std::move(*read)).release();
    if (auto started = house.start(); !started) return complain(started.error(), 1);
    house.run();
    return 0;
}

int print(const CommandResult& result) {
    std::fputs(result.out.c_str(), stdout);
    std::fputs(result.err.c_str(), stderr);
    return result.exit_code;
}

void add_serve(CLI::App& app, Options& options) {
    auto* serve = app.add_subcommand("serve", "Run the gateway");
    serve->footer(
        "Examples:\n"
        "  gatehouse serve --upstream http://127.0.0.1:8000      protect one backend, safe "
        "defaults\n"
        "  gatehouse serve --config gatehouse.yaml               run what the file says\n"
        "SIGHUP reloads the configuration, SIGUSR1 reopens the access log, SIGTERM drains and "
        "stops.");
    serve->add_option("--config", options.config, "Configuration file (YAML)");
    serve->add_option("--env-file", options.env_file,
                      "File of environment variables; .env beside the configuration by default");
    serve->add_option("--upstream", options.upstream,
                      "Protect this backend, with no configuration file");
    serve->add_option("--listen", options.listen,
                      "Address of the public listener, such as [::]:8443");
    serve->add_option("--data", options.data, "Data directory: keys, certificates");
    serve->add_option("--profile", options.profile, "development relaxes on loopback")
        ->check(CLI::IsMember({"development", "production"}));
    serve->add_flag("--public", options.open, "With --upstream: want no API key");
}

void add_config(CLI::App& app, Options& options) {
    auto* config = app.add_subcommand("config", "Look at a configuration");
    config->require_subcommand(1);
    config->footer(
        "Examples:\n  gatehouse config check gatehouse.yaml\n  gatehouse config schema > "
        "gatehouse.schema.json");
    auto* check = config->add_subcommand("check", "Is it good, and what does it mean?");
    check->footer("Example:\n  gatehouse config check gatehouse.yaml");
    auto* show = config->add_subcommand("show", "The effective configuration, secrets masked");
    show->footer("Example:\n  gatehouse config show gatehouse.yaml");
    for (auto* verb : {check, show}) {
        verb->add_option("FILE", options.file, "Configuration file")->required();
        verb->add_option("--env-file", options.env_file, "File of environment variables");
    }
    auto* schema = config->add_subcommand("schema", "A JSON Schema for editors");
    schema->footer("Example:\n  gatehouse config schema > gatehouse.schema.json");
}

/// A verb that works on the state, beside a running serve or without one.
CLI::App* add_state_verb(CLI::App& parent, Options& options, const std::string& name,
                         const std::string& what, const std::string& example,
                         std::function<CommandResult()> run) {
    auto* verb = parent.add_subcommand(name, what);
    verb->footer("Example:\n  gatehouse " + example);
    verb->add_option("--config", options.config, "Configuration file (YAML)");
    verb->add_option("--env-file", options.env_file, "File of environment variables");
    verb->add_option("--data", options.data, "Data directory, without a configuration: data");
    verb->callback([&options, run = std::move(run)] { options.run = run; });
    return verb;
}

void add_migrate(CLI::App& app, Options& options) {
    auto* migrate = app.add_subcommand("migrate", "Bring the database's schema up to date");
    migrate->require_subcommand(1);
    migrate->footer(
        "serve migrates SQLite by itself, a PostgreSQL never.\n"
        "Examples:\n  gatehouse migrate up --dry-run --config gatehouse.yaml\n"
        "  gatehouse migrate up --config gatehouse.yaml");
    auto* up = add_state_verb(
        *migrate, options, "up", "Apply the steps that are pending, all or none",
        "migrate up --config gatehouse.yaml", [&options] {
            return migrate_up(state_overrides(options), surroundings(), options.dry_run);
        });
    up->add_flag("--dry-run", options.dry_run, "Print the SQL and do nothing");
    add_state_verb(*migrate, options, "status", "Which steps were applied, and when",
                   "migrate status --config gatehouse.yaml",
                   [&options] { return migrate_status(state_overrides(options), surroundings()); });
    add_state_verb(*migrate, options, "verify", "Is every step there, as this program knows it?",
                   "migrate verify --config gatehouse.yaml",
                   [&options] { return migrate_verify(state_overrides(options), surroundings()); });
}

/// A line of standard input, where it was asked for.
std::optional<std::string> typed_password(const Options& options) {
    if (!options.password_stdin) return {};
    constexpr std::size_t bytes_max = 4'096;  // more than any password has
    std::string line;
    for (int c = std::fgetc(stdin); c != EOF && c != '\n' && line.size() < bytes_max;
         c = std::fgetc(stdin)) {
        line.push_back(static_cast<char>(c));
    }
    return line;
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
    add->add_option("--email", options.user.email, "Where to write to");
    auto* roles = verb("roles", "Give a user other roles", "roles ada --role user",
                       [](const Overrides& overrides, const Surroundings& around,
                          UserOptions wanted) { return user_roles(overrides, around, wanted); });
    auto* disable =
        verb("disable", "Keep a user out; their tokens end", "disable ada",
             [](const Overrides& overrides, const Surroundings& around, UserOptions wanted) {
                 return user_disable(overrides, around, wanted, true);
             });
    auto* enable =
        verb("enable", "Let a user in again", "enable ada",
             [](const Overrides& overrides, const Surroundings& around, UserOptions wanted) {
                 return user_disable(overrides, around, wanted, false);
             });
    for (auto* each : {add, password, roles, disable, enable})
        each->add_option("NAME", options.user.name, "What they sign in with")->required();
    add->add_option("--role", options.user.roles, "guest, user, manager, admin; user by default")
        ->allow_extra_args(false);
    roles->add_option("--role", options.user.roles, "Instead of those so far")
        ->required()
        ->allow_extra_args(false);
    auto* list = verb("list", "All users", "list --json",
                      [](const Overrides& overrides, const Surroundings& around,
                         UserOptions wanted) { return user_list(overrides, around, wanted); });
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
    create->add_option("--scope", options.key.scopes, "Narrows what the roles allow")
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

int run_command_line(int argc, char** argv) {
    Options options;
    CLI::App app("Gatehouse: the security and operations plane in front of AI-agent backends",
                 "gatehouse");
    app.require_subcommand(1);
    app.footer("Each verb has --help with an example.");
    add_serve(app, options);
    add_config(app, options);
    add_migrate(app, options);
    add_user(app, options);
    add_key(app, options);
    add_client(app, options);
    auto* version = app.add_subcommand("version", "Version, commit, compiler, linked libraries");
    version->footer("Example:\n  gatehouse version --json");
    version->add_flag("--json", options.json, "As a JSON object");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (app.got_subcommand("serve")) return serve(options);
    if (app.got_subcommand("version")) {
        std::fputs(version_text(options.json).c_str(), stdout);
        return 0;
    }
    if (options.run) return print(options.run());
    auto* config = app.get_subcommand("config");
    if (config->got_subcommand("schema")) return print(config_schema());
    if (config->got_subcommand("check"))
        return print(config_check(overrides_of(options), surroundings()));
    return print(config_show(overrides_of(options), surroundings()));
}

}  // namespace gh::app

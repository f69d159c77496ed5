#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "app/backup_command.hpp"
#include "app/crash_handler.hpp"
#include "app/gatehouse.hpp"
#include "app/machine.hpp"
#include "app/migrate_command.hpp"
#include "app/verb_options.hpp"
#include "app/version.hpp"
#include "crypto/secret.hpp"

namespace gh::app {
namespace {

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
    install_crash_handler(version());
    auto read = read_settings(overrides, surroundings());
    if (!read) return complain(read.error(), read.error().reason == "config.invalid" ? 2 : 1);
    // The process ends with the house: what still waits on its loops is not torn down, the kernel takes it all back.
    static Gatehouse& house =
        *std::make_unique<Gatehouse>(overrides, surroundings(), std::move(*read)).release();
    if (auto started = house.start(); !started) return complain(started.error(), 1);
    house.run();
    return 0;
}

/// What is not on standard output in the end was not done, for who reads it.
int put_out(std::string_view text, int exit_code) {
    errno = 0;
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0) return exit_code;
    std::fprintf(stderr, "gatehouse: standard output took not all that was printed: %s\n",
                 std::strerror(errno));
    return exit_code == 0 ? 1 : exit_code;
}

int print(CommandResult result) {
    const int exit_code = put_out(result.out, result.exit_code);
    std::fputs(result.err.c_str(), stderr);
    crypto::wipe(result.out.data(), result.out.size());  // it may be a secret
    return exit_code;
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

void add_audit(CLI::App& app, Options& options) {
    auto* audit = app.add_subcommand("audit", "The log that shows tampering");
    audit->require_subcommand(1);
    audit->footer(
        "Examples:\n  gatehouse audit tail --follow\n  gatehouse audit export --out audit.jsonl\n"
        "  gatehouse audit verify --export audit.jsonl");
    const auto verb =
        [&](const std::string& name, const std::string& what, const std::string& example,
            CommandResult (*run)(const Overrides&, const Surroundings&, const AuditOptions&)) {
            return add_state_verb(*audit, options, name, what, "audit " + example, [&options, run] {
                return run(state_overrides(options), surroundings(), options.audit);
            });
        };
    auto& wanted = options.audit;
    auto* tail = verb("tail", "The newest records", "tail --actor ada --since 24h", audit_tail);
    auto* exporting = verb("export", "The log with its proofs, as lines that anybody can check",
                           "export --out audit.jsonl", audit_export);
    for (auto* each : {tail, exporting}) {
        each->add_option("--actor", wanted.actor, "Whose right it was");
        each->add_option("--action", wanted.action, "What was done: key.revoke");
        each->add_option("--object", wanted.object, "What it was done to, by id");
        each->add_option("--object-type", wanted.object_type, "What kind of thing that is: key");
        each->add_option("--severity", wanted.severity, "At least: low, medium, high, critical");
        each->add_option("--since", wanted.since, "24h for a day ago, or 2027-01-31T00:00:00Z");
        each->add_option("--until", wanted.until, "The same, and not later than this");
    }
    tail->add_option("--count", wanted.count, "How many, 20 by default")
        ->check(CLI::Range(std::size_t{0}, audit_tail_count_max));
    tail->add_flag("--follow", wanted.follow, "Go on with what comes");
    tail->add_flag("--json", wanted.json, "One JSON object a line");
    exporting->add_option("--out", wanted.out, "A file, instead of standard output");
    auto* verify = verb("verify", "Is the log what it was? 1 when not",
                        "verify --export audit.jsonl", audit_verify);
    verify->add_option("--checkpoint", wanted.checkpoint, "A checkpoint that was kept elsewhere");
    verify->add_option("--export", wanted.exported, "An export that was kept elsewhere");
    verify->add_option("--key", wanted.key,
                       "Who must have signed, as exports say in their first line; this machine's "
                       "key by default");
}

BackupOptions backup_options(const Options& options) {
    BackupOptions wanted{.file = options.file, .passphrase = {}, .force = options.force};
    if (options.passphrase_stdin) {
        auto line = typed_line();
        wanted.passphrase = crypto::Secret(line);
        crypto::wipe(line.data(), line.size());
    }
    return wanted;
}

/// The file is no configuration.
Overrides backup_overrides(const Options& options) {
    auto overrides = state_overrides(options);
    overrides.config_file = options.config.empty()
                                ? std::nullopt
                                : std::optional<std::filesystem::path>(options.config);
    return overrides;
}

CommandResult run_backup(const Options& options) {
    if (options.verify) return backup_verify(backup_options(options));
    if (options.file.empty()) {
        return {.exit_code = 2,
                .out = {},
                .err = "gatehouse: backup wants FILE or FOLDER; see gatehouse backup --help\n"};
    }
    return backup(backup_overrides(options), surroundings(), backup_options(options));
}

void add_backup(CLI::App& app, Options& options) {
    auto* make = add_state_verb(app, options, "backup", "The whole state in one file",
                                "backup /srv/backups --config gatehouse.yaml\n"
                                "  gatehouse backup verify /srv/backups/monday.backup\n"
                                "Beside a running serve or without one.",
                                [&options] { return run_backup(options); });
    make->require_subcommand(0, 1);
    make->add_option("FILE", options.file, "A new file, or a folder to make one in");
    auto* verify = make->add_subcommand("verify", "Restore it elsewhere and look: is it whole?");
    verify->footer("Example:\n  gatehouse backup verify monday.backup");
    verify->add_option("FILE", options.file, "The backup")->required();
    verify->callback([&options] { options.verify = true; });
    auto* back = add_state_verb(
        app, options, "restore", "Put a backup in place, all of it or nothing",
        "restore monday.backup --config gatehouse.yaml", [&options] {
            return restore(backup_overrides(options), surroundings(), backup_options(options));
        });
    back->add_option("FILE", options.file, "The backup")->required();
    back->add_flag("--force", options.force, "Replace what is there");
    make->add_flag("--passphrase-stdin", options.passphrase_stdin,
                   "Seal it: the first line of standard input is the passphrase");
    for (auto* each : {verify, back}) {
        each->add_flag("--passphrase-stdin", options.passphrase_stdin,
                       "It is sealed: the first line of standard input is its passphrase");
    }
}

Overrides look_overrides(const Options& options) {
    auto overrides = overrides_of(options);
    overrides.look_only = true;
    return overrides;
}

/// The word in the place of a verb that is none; CLI11 would show the help of what stands before it.
std::optional<std::string> unknown_verb(CLI::App& app, int argc, char** argv) {
    const auto any = [](CLI::App*) { return true; };
    auto* at = &app;
    for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
        const auto verbs = at->get_subcommands(any);
        const auto found = std::ranges::find(verbs, argv[i], &CLI::App::get_name);
        if (found == verbs.end()) {
            if (at->get_require_subcommand_min() == 0) return {};
            std::string allowed;
            for (const auto* verb : verbs)
                allowed += (allowed.empty() ? "" : ", ") + verb->get_name();
            const auto before = at == &app ? std::string() : at->get_name() + " ";
            return "there is no " + before + argv[i] + ", allowed: " + allowed;
        }
        at = *found;
    }
    return {};
}

}  // namespace

int run_command_line(int argc, char** argv) {
    keep_out_of_dumps();
    Options options;
    CLI::App app("Gatehouse: the security and operations plane in front of AI-agent backends",
                 "gatehouse");
    app.require_subcommand(1);
    app.footer("Each verb has --help with an example.");
    add_serve(app, options);
    add_config(app, options);
    add_migrate(app, options);
    add_identity(app, options);
    add_agents(app, options);
    add_bus(app, options);
    add_plans(app, options);
    add_kill(app, options);
    add_audit(app, options);
    add_ca(app, options);
    add_secrets(app, options);
    add_backup(app, options);
    add_operations(app, options);
    auto* version = app.add_subcommand("version", "Version, commit, compiler, linked libraries");
    version->footer("Example:\n  gatehouse version --json");
    version->add_flag("--json", options.json, "As a JSON object");
    if (const auto unknown = unknown_verb(app, argc, argv)) {
        std::fprintf(stderr, "gatehouse: %s\n", unknown->c_str());
        return 2;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (app.got_subcommand("serve")) return serve(options);
    if (app.got_subcommand("version")) {
        return put_out(version_text(options.json), 0);
    }
    if (options.run) return print(options.run());
    auto* config = app.get_subcommand("config");
    if (config->got_subcommand("schema")) return print(config_schema());
    if (config->got_subcommand("check"))
        return print(config_check(look_overrides(options), surroundings()));
    return print(config_show(look_overrides(options), surroundings()));
}

}  // namespace gh::app

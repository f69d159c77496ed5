#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "app/config_command.hpp"
#include "app/gatehouse.hpp"
#include "app/settings.hpp"
#include "app/version.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

struct Options {
    std::string config, env_file, upstream, listen, data, profile, file;
    bool open = false, json = false;
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

}  // namespace

int run_command_line(int argc, char** argv) {
    Options options;
    CLI::App app("Gatehouse: the security and operations plane in front of AI-agent backends",
                 "gatehouse");
    app.require_subcommand(1);
    app.footer("Each verb has --help with an example.");
    add_serve(app, options);
    add_config(app, options);
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
    auto* config = app.get_subcommand("config");
    if (config->got_subcommand("schema")) return print(config_schema());
    if (config->got_subcommand("check"))
        return print(config_check(overrides_of(options), surroundings()));
    return print(config_show(overrides_of(options), surroundings()));
}

}  // namespace gh::app

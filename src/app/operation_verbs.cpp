#include <CLI/CLI.hpp>
#include <string>

#include "app/alert_command.hpp"
#include "app/command_table.hpp"
#include "app/completion_script.hpp"
#include "app/health_command.hpp"
#include "app/manual_page.hpp"
#include "app/verb_options.hpp"

namespace gh::app {
namespace {

void add_alert(CLI::App& app, Options& options) {
    auto* alert = app.add_subcommand("alert", "The way that alerts take");
    alert->require_subcommand(1);
    alert->footer("Example:\n  gatehouse alert test --severity critical --wait 60s");
    auto* test = alert->add_subcommand("test", "Send Alertmanager an alert that says it is a test");
    test->footer(
        "Examples:\n  gatehouse alert test --wait 60s\n"
        "  gatehouse alert test --alertmanager https://alerts.example:9093 --severity critical "
        "--label team=platform\n"
        "With --wait it ends with 0 as soon as Alertmanager has sent something and with 1 where "
        "nothing was sent or a receiver failed. Alertmanager counts by kind of receiver: what else "
        "it sends meanwhile counts, too.");
    auto& wanted = options.alert;
    test->add_option("--alertmanager", wanted.alertmanager,
                     "Its address: http://127.0.0.1:9093 by default");
    test->add_option("--severity", wanted.severity, "Which route is tried: warning by default")
        ->check(CLI::IsMember({"critical", "warning", "info"}));
    test->add_option("--label", wanted.labels, "One more, such as team=platform")
        ->allow_extra_args(false);
    test->add_option("--wait", wanted.wait, "Look so long whether it is sent on, such as 60s");
    test->add_option("--ca", wanted.ca_file,
                     "PEM file of whom to believe; the system's authorities by default");
    test->add_option("--token-file", wanted.token_file, "File of a bearer token");
    test->callback([&options] { options.run = [&options] { return alert_test(options.alert); }; });
}

void add_health(CLI::App& app, Options& options) {
    auto* verb = add_state_verb(
        app, options, "health", "Does the gateway that runs here answer? 1 when not",
        "health --config gatehouse.yaml\n  gatehouse health --ready --url http://127.0.0.1:9901",
        [&options] { return health(state_overrides(options), surroundings(), options.health); });
    verb->add_flag("--ready", options.health.ready,
                   "/health/ready, will requests be answered, instead of /health/live");
    verb->add_option("--url", options.health.url,
                     "Where; the configuration's listener that serves health by default");
    verb->add_option(
        "--ca", options.health.ca_file,
        "With --url: PEM file of whom to believe; the system's authorities by default");
    verb->add_option("--timeout", options.health.timeout, "At most 60s; 5s by default");
}

}  // namespace

void add_operations(CLI::App& app, Options& options) {
    add_health(app, options);
    add_profile(app, options);
    add_alert(app, options);
    auto* completion = app.add_subcommand("completion", "A script that completes in a shell");
    completion->footer(
        "Examples:\n  source <(gatehouse completion bash)\n"
        "  gatehouse completion zsh > ~/.zfunc/_gatehouse");
    completion->add_option("SHELL", options.shell, "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
    completion->callback([&] {
        options.run = [&] {
            const auto table = command_table(app);
            return CommandResult{
                .exit_code = 0,
                .out = options.shell == "zsh" ? zsh_completion(table) : bash_completion(table),
                .err = {}};
        };
    });
    auto* manual = app.add_subcommand("manual", "The manual page, for man");
    manual->footer(
        "Examples:\n  gatehouse manual | man -l -\n  gatehouse manual gatehouse.yaml | man -l -");
    manual->add_option("PAGE", options.page, "gatehouse (the default) or gatehouse.yaml")
        ->check(CLI::IsMember({"gatehouse", "gatehouse.yaml"}));
    manual->callback([&] {
        options.run = [&] {
            return CommandResult{.exit_code = 0,
                                 .out = options.page == "gatehouse.yaml"
                                            ? manual_page_of_settings(settings_type().shape())
                                            : manual_page(command_table(app)),
                                 .err = {}};
        };
    });
}

}  // namespace gh::app

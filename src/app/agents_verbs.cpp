#include <CLI/CLI.hpp>
#include <string>

#include "app/verb_options.hpp"

namespace gh::app {

void add_agents(CLI::App& app, Options& options) {
    auto* agents = app.add_subcommand("agents", "Programs that come to work");
    agents->require_subcommand(1);
    agents->footer(
        "Examples:\n  gatehouse agents add build-7 --label zone=a\n  gatehouse agents list\n"
        "  gatehouse agents quarantine build-7");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example, AgentsCommand run) {
        return add_state_verb(*agents, options, name, what, "agents " + example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.agents);
        });
    };
    auto& given = options.agents;
    auto* add = verb("add", "Announce an agent; prints its one-time token, this once",
                     "add build-7 --label zone=a --capability search", agents_add);
    add->add_option("NAME", given.name, "Its host name, in lower case")->required();
    add->add_option("--capability", given.capabilities, "What it can do")->allow_extra_args(false);
    auto* token =
        verb("enrol-token", "Another one-time token; the one before and its certificates end",
             "enrol-token build-7", agents_enrol_token);
    auto* list = verb("list", "Agents, by name", "list --status online", agents_list);
    list->add_option("--status", given.status, "Only these; all but retired ones, where left out")
        ->check(
            CLI::IsMember({"pending", "online", "degraded", "offline", "quarantined", "retired"}));
    for (auto* each : {add, list})
        each->add_option("--label", given.labels, "NAME=VALUE")->allow_extra_args(false);
    for (auto* each : {add, token})
        each->add_option("--expires", given.expires, "Until the token must be used, such as 15m");
    auto* show = verb("show", "One agent", "show build-7", agents_show);
    for (auto* each : {list, show}) each->add_flag("--json", given.json, "As a JSON array");
    auto* quarantine = verb("quarantine", "Keep an agent out: its tokens and certificates end",
                            "quarantine build-7", agents_quarantine);
    auto* release = verb("release", "Let it come again, with another one-time token",
                         "release build-7", agents_release);
    auto* retire =
        verb("retire", "End an agent for good; its name is free", "retire build-7", agents_retire);
    auto* import =
        verb("import", "Agents, tokens, threats and audit logs that a program kept in memory",
             "import dump.json --dry-run", agents_import);
    import->add_option("FILE", given.file, "Its JSON: agents, tokens, threats, audit_logs")
        ->required();
    import->add_flag("--dry-run", given.dry_run, "Read it and tell what would be left out");
    import->add_flag("--json", given.json, "The report as JSON");
    for (auto* each : {token, show, quarantine, release, retire})
        each->add_option("NAME", given.name, "Its host name, or its id")->required();
}

}  // namespace gh::app

#include <CLI/CLI.hpp>
#include <string>

#include "app/verb_options.hpp"

namespace gh::app {

void add_kill(CLI::App& app, Options& options) {
    auto* kill = app.add_subcommand("kill", "End all that an agent or a principal has, at once");
    kill->require_subcommand(1);
    kill->footer(
        "Tokens, certificates, leases, open streams, waiting messages and plan steps end on every\n"
        "node; the receipt tells what was seen of it. Exit code 1: something is left.\n"
        "Examples:\n  gatehouse kill agent build-7 --reason 'it sends what nobody asked for'\n"
        "  gatehouse kill principal user:ada --reason 'laptop stolen' --dry-run");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example, KillCommand run) {
        return add_state_verb(*kill, options, name, what, "kill " + example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.kill);
        });
    };
    auto& given = options.kill;
    auto* agent = verb("agent", "End an agent: it is in quarantine, with nothing left",
                       "agent build-7 --reason 'it sends what nobody asked for'", kill_agent);
    agent->add_option("NAME", given.name, "Its host name, or its id")->required();
    auto* principal = verb("principal", "End a user, a service, an API key or an agent",
                           "principal user:ada --reason 'laptop stolen'", kill_principal);
    principal->add_option("PRINCIPAL", given.name, "user:NAME, service:NAME, api_key:ID, agent:ID")
        ->required();
    for (auto* each : {agent, principal}) {
        each->add_option("--reason", given.reason, "Why: in the receipt and the audit log")
            ->required();
        each->add_flag("--dry-run", given.dry_run, "Only tell what would end");
    }
    auto* list = verb("list", "Receipts, the newest first", "list", kill_list);
    auto* show =
        verb("show", "One receipt", "show 018bcfe5-6800-7d5b-8de0-e1c49013ae10", kill_show);
    show->add_option("ID", given.name, "Of the receipt")->required();
    for (auto* each : {agent, principal, list, show})
        each->add_flag("--json", given.json, "As JSON");
}

}  // namespace gh::app

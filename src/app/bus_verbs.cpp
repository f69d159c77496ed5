#include <CLI/CLI.hpp>
#include <string>

#include "app/verb_options.hpp"

namespace gh::app {
namespace {

void add_tasks(CLI::App& app, Options& options) {
    auto* tasks = app.add_subcommand("tasks", "What there is to do");
    tasks->require_subcommand(1);
    tasks->footer(
        "Examples:\n  gatehouse tasks create 'Sweep the yard' --assignee build-7\n"
        "  gatehouse tasks list --state assigned");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example, BusCommand run) {
        return add_state_verb(*tasks, options, name, what, "tasks " + example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.bus);
        });
    };
    auto& given = options.bus;
    auto* create = verb("create", "Make a task; prints its id, and tells who has it",
                        "create 'Sweep the yard' --assignee build-7", tasks_create);
    create->add_option("TITLE", given.name, "What it is")->required();
    create->add_option("--description", given.description, "More of it");
    create->add_option("--input", given.input, "A JSON object");
    auto* list = verb("list", "Tasks, the newest first", "list --state open", tasks_list);
    list->add_option("--state", given.state, "Only these")
        ->check(
            CLI::IsMember({"open", "assigned", "in_progress", "completed", "failed", "cancelled"}));
    for (auto* each : {create, list})
        each->add_option("--assignee", given.assignee, "An agent, or TYPE:NAME such as user:ada");
    const std::string id = "018bcfe5-6800-7d5b-8de0-e1c49013ae10";
    auto* show = verb("show", "One task", "show " + id, tasks_show);
    for (auto* each : {list, show}) each->add_flag("--json", given.json, "As a JSON array");
    auto* cancel = verb("cancel", "It need not be done", "cancel " + id, tasks_cancel);
    auto* remove = verb("delete", "Forget a task", "delete " + id, tasks_delete);
    for (auto* each : {show, cancel, remove})
        each->add_option("ID", given.name, "Of the task")->required();
}

void add_messages(CLI::App& app, Options& options) {
    auto* messages = app.add_subcommand("messages", "What was sent, and what became of it");
    messages->require_subcommand(1);
    messages->footer(
        "Examples:\n  gatehouse messages history --recipient user:ada\n  gatehouse messages dead");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example, BusCommand run) {
        return add_state_verb(
            *messages, options, name, what, "messages " + example,
            [&options, run] { return run(state_overrides(options), surroundings(), options.bus); });
    };
    auto& given = options.bus;
    auto* history = verb("history", "Messages in their order, the last ones",
                         "history --recipient user:ada", messages_history);
    history->add_option("--conversation", given.conversation, "Only those of this conversation");
    auto* dead = verb("dead", "Those that were given out in vain, and given up", "dead --json",
                      messages_dead);
    for (auto* each : {history, dead}) {
        each->add_option("--recipient", given.recipient, "Only those for this inbox");
        each->add_option("--limit", given.limit, "The last so many; 50 where it is left out")
            ->check(CLI::Range(1, 10'000));
    }
    auto* inboxes =
        verb("inboxes", "How full they are, the fullest first", "inboxes", messages_inboxes);
    for (auto* each : {history, dead, inboxes})
        each->add_flag("--json", given.json, "As a JSON array");
    const std::string id = "018bcfe5-6800-7d5b-8de0-e1c49013ae10";
    auto* replay = verb("replay", "Put one that was given up back where it stood", "replay " + id,
                        messages_replay);
    auto* remove =
        verb("delete", "Forget one that waits, or was given up", "delete " + id, messages_delete);
    verb("empty", "Forget what waits in an inbox", "empty user:ada", messages_empty)
        ->add_option("RECIPIENT", given.name, "The id of an agent, or TYPE:NAME")
        ->required();
    for (auto* each : {replay, remove})
        each->add_option("ID", given.name, "Of the message")->required();
}

}  // namespace

void add_bus(CLI::App& app, Options& options) {
    add_tasks(app, options);
    add_messages(app, options);
}

}  // namespace gh::app

#include <CLI/CLI.hpp>
#include <string>

#include "app/verb_options.hpp"

namespace gh::app {

void add_plans(CLI::App& app, Options& options) {
    auto* plans = app.add_subcommand("plans", "Steps that agents work on");
    plans->require_subcommand(1);
    plans->footer(
        "Examples:\n  gatehouse plans create -f plan.json\n  gatehouse plans watch air_20251022\n"
        "  gatehouse plans approve air_20251022 publish");
    const auto verb = [&](const std::string& name, const std::string& what,
                          const std::string& example, PlansCommand run) {
        return add_state_verb(*plans, options, name, what, "plans " + example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.plans);
        });
    };
    auto& given = options.plans;
    auto* create =
        verb("create", "Make a plan of a file; prints its id", "create -f plan.json", plans_create);
    create->add_option("-f,--file", given.file, "JSON; -: standard input")->required();
    auto* list = verb("list", "Plans, the newest first", "list --state running", plans_list);
    list->add_option("--state", given.state, "Only these")
        ->check(
            CLI::IsMember({"pending", "running", "paused", "completed", "failed", "cancelled"}));
    auto* show = verb("show", "One plan and its steps", "show air_20251022", plans_show);
    for (auto* each : {list, show}) each->add_flag("--json", given.json, "As JSON");
    auto* cancel = verb("cancel", "Cancel what has not ended of a plan, or one step",
                        "cancel air_20251022", plans_cancel);
    auto* approve = verb("approve", "Let a step begin that waits for a person, or reject it",
                         "approve air_20251022 publish", plans_approve);
    approve->add_flag("--reject", given.reject, "It fails; what depends on it is skipped");
    approve->add_option("--reason", given.reason, "Why it is rejected");
    verb("statistics", "How many plans and steps there are, and where they are kept", "statistics",
         plans_statistics);
    auto* watch = verb("watch", "Tell what happens to a plan until it has ended",
                       "watch air_20251022", plans_watch);
    for (auto* each : {show, cancel, approve, watch})
        each->add_option("PLAN", given.id, "Its id")->required();
    approve->add_option("STEP", given.step, "Its id")->required();
    cancel->add_option("STEP", given.step, "Only this one");
}

}  // namespace gh::app

#include "app/plans_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "plan/clock.hpp"
#include "plan/new_plan.hpp"
#include "plan/plan_repository.hpp"

namespace gh::app {
namespace {

using plan::Plan;
using plan::PlanRepository;
using plan::Step;

constexpr std::size_t page_size = 200;
constexpr std::size_t file_bytes_max = std::size_t{8} << 20;

/// By the database's clock, as all times of plans.
Result<SystemTime> now(const VerbState& verb) {
    return net::run_to_end(plan::time_of(*verb.state->database));
}

/// What the repository refuses, in words of the command line.
Error in_words(Error error, const PlansOptions& options) {
    const auto quoted = config::quote(options.id);
    if (error.reason == "plan.unknown")
        error.detail = fmt::format("there is no plan {}; gatehouse plans list shows all", quoted);
    if (error.reason == "plan.step_unknown")
        error.detail = fmt::format("{} has no step {}", quoted, config::quote(options.step));
    if (error.reason == "plan.exists")
        error.detail = "there is a plan of that id, made by another file or by somebody else";
    if (error.reason == "plan.illegal_move")
        error.detail = "there is no way to that from the state it is in";
    return error;
}

struct Close {
    void operator()(std::FILE* file) const {
        if (file != stdin) std::fclose(file);
    }
};

Result<std::string> read_file(const std::string& name) {
    const std::unique_ptr<std::FILE, Close> file(name == "-" ? stdin
                                                             : std::fopen(name.c_str(), "rb"));
    if (file == nullptr)
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: {} cannot be read", config::quote(name)));
    std::string text(file_bytes_max + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (text.size() > file_bytes_max)
        return fail(ErrorKind::invalid_argument, "plan.file", "it is larger than 8 MiB");
    return text;
}

Result<plan::Created> create(const Overrides& overrides, const Surroundings& surroundings,
                             const PlansOptions& options) {
    GH_TRY(const auto text, read_file(options.file));
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    auto record = audit::act_of_shell("plan.create", "plan");
    const plan::GraphLimits limits{.steps_max = verb->settings.plans.steps_max};
    GH_TRY(const auto at, now(*verb));
    GH_TRY(auto wanted, plan::read_plan_text(text, limits, "user:" + record.actor, at));
    auto also = audit::also<plan::Created>(
        std::move(record), [](audit::Record& told, const plan::Created& created) {
            told.object_id = created.plan.id;
            told.details.push_back({"steps", std::to_string(created.plan.tally.steps)});
            if (!created.is_new) told.details.push_back({"was_there", "true"});
        });
    PlanRepository plans(*verb->state->database);
    return net::run_to_end(plans.add(std::move(wanted), at, std::move(also)));
}

void write_plan(codec::json::Writer& out, const Plan& plan) {
    out.name("id").string(plan.id).name("name").string(plan.name);
    out.name("state").string(name_of(plan.state)).name("progress");
    out.raw(fmt::format("{:.1f}", progress_of(plan.tally)));
    out.name("steps").integer(plan.tally.steps).name("completed").integer(plan.tally.completed);
    out.name("failed").integer(plan.tally.failed).name("cancelled").integer(plan.tally.cancelled);
    out.name("skipped").integer(plan.tally.skipped).name("metadata").raw(plan.metadata);
    out.name("created_by").string(plan.created_by);
    out.name("created_at").string(config::time_text(plan.created_at));
    if (plan.duration) out.name("duration_ms").integer(plan.duration->count());
}

void write_step(codec::json::Writer& out, const Step& step) {
    out.begin_object().name("id").string(step.id).name("type").string(step.type);
    out.name("name").string(step.name).name("state").string(name_of(step.state));
    out.name("attempts").integer(step.attempts);
    if (!step.agent_id.empty()) out.name("agent_id").string(step.agent_id);
    if (step.confidence) out.name("confidence").raw(fmt::format("{}", *step.confidence));
    if (step.quality) out.name("quality").raw(fmt::format("{}", *step.quality));
    if (step.duration) out.name("duration_ms").integer(step.duration->count());
    if (!step.error.empty()) out.name("error").string(step.error);
    out.end_object();
}

std::string row_of(const Plan& plan) {
    return fmt::format("{:<40} {:<10} {:>5.1f} % of {:<6} {}  {}\n", plan.id, name_of(plan.state),
                       progress_of(plan.tally), plan.tally.steps,
                       config::time_text(plan.created_at), plan.name);
}

std::string row_of(const Step& step) {
    const auto part = [](const std::optional<double>& value) {
        return value ? fmt::format("{:.2f}", *value) : std::string("-");
    };
    return fmt::format(
        "  {:<32} {:<16} {:<10} {:>4} {:>4} {:>8}  {}\n", step.id, step.type, name_of(step.state),
        part(step.confidence), part(step.quality),
        step.duration ? fmt::format("{} ms", step.duration->count()) : "-",
        step.error.empty() ? step.name : step.error.substr(0, step.error.find('\n')));
}

Task<Result<std::vector<Plan>>> all_plans(PlanRepository& plans, plan::PlanPage page) {
    std::vector<Plan> all;
    page.limit = page_size;
    for (;;) {
        GH_CO_TRY(auto some, co_await plans.list(page));
        std::ranges::move(some, std::back_inserter(all));
        if (some.size() < page_size) co_return all;
        page.after = {all.back().created_at, all.back().id};
    }
}

Task<Result<std::vector<Step>>> all_steps(PlanRepository& plans, std::string id) {
    std::vector<Step> all;
    for (;;) {
        const auto after = all.empty() ? 0 : all.back().position;
        GH_CO_TRY(auto some, co_await plans.steps(id, after, page_size));
        std::ranges::move(some, std::back_inserter(all));
        if (some.size() < page_size) co_return all;
    }
}

std::string shown(const Plan& plan, const std::vector<Step>& steps, bool json) {
    std::string text;
    if (!json) {
        text = row_of(plan);
        for (const auto& step : steps) text += row_of(step);
        return text;
    }
    codec::json::Writer out(text);
    out.begin_object();
    write_plan(out, plan);
    out.name("items").begin_array();
    for (const auto& step : steps) write_step(out, step);
    out.end_array().end_object();
    return text + "\n";
}

storage::Also<plan::Acted> recorded(const PlansOptions& options, std::string action) {
    auto record = audit::act_of_shell(std::move(action), "plan");
    if (!options.step.empty()) record.details.push_back({"step", options.step});
    return audit::also<plan::Acted>(
        std::move(record), [](audit::Record& told, const plan::Acted& acted) {
            told.object_id = acted.plan.id;
            told.details.push_back({"state", std::string(name_of(acted.plan.state))});
        });
}

std::string by_shell() { return "user:" + audit::act_of_shell("plan.act", "plan").actor; }

std::string bar_of(const Plan& plan) {
    constexpr std::size_t width = 30;
    const auto progress = progress_of(plan.tally);
    const auto full = static_cast<std::size_t>(progress / 100.0 * width);
    return fmt::format("[{:<30}] {:>5.1f} %  {} of {}  {}", std::string(full, '='), progress,
                       plan.tally.ended(), plan.tally.steps, name_of(plan.state));
}

std::string line_of(const plan::Event& event) {
    return fmt::format("{}  {:<16} {}{}{}", config::time_text(event.at), event.type, event.step_id,
                       event.detail.empty() ? "" : "  ",
                       event.detail.substr(0, event.detail.find('\n')));
}

/// What is new, each on a line of its own; below it, in a terminal, a bar that stays where it is.
class Screen {
 public:
    explicit Screen(bool terminal) : terminal_(terminal) {}
    void show(const std::vector<plan::Event>& events, const Plan& plan) {
        std::string text;
        if (terminal_ && shown_) text += "\r\x1b[K";
        for (const auto& event : events) text += line_of(event) + "\n";
        const bool over = is_end(plan.state);
        if (terminal_ || over) text += bar_of(plan) + (over ? "\n" : "");
        shown_ = true;
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }

 private:
    bool terminal_;
    bool shown_ = false;
};

Task<Result<plan::PlanState>> watch(PlanRepository& plans, std::string id, Screen screen) {
    std::int64_t after = 0;
    for (;;) {
        GH_CO_TRY(const auto found, co_await plans.find(id));
        GH_CO_TRY(const auto events, co_await plans.events(id, after, page_size));
        if (!events.empty()) after = events.back().sequence;
        const bool whole = after >= found.next_event - 1;
        if (!events.empty() || whole) screen.show(events, found);
        if (is_end(found.state) && whole) co_return found.state;
        if (whole) co_await net::Sleep(*net::Loop::current(), milliseconds(250));
    }
}

}  // namespace

CommandResult plans_create(const Overrides& overrides, const Surroundings& surroundings,
                           const PlansOptions& options) {
    const auto made = create(overrides, surroundings, options);
    if (!made) return failed(in_words(made.error(), options));
    return {.exit_code = 0,
            .out = made->plan.id + "\n",
            .err = made->is_new ? "" : "it was there already\n"};
}

CommandResult plans_list(const Overrides& overrides, const Surroundings& surroundings,
                         const PlansOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    PlanRepository plans(*(*verb)->state->database);
    plan::PlanPage page;
    if (!options.state.empty()) page.state = plan::plan_state_of(options.state);
    const auto found = net::run_to_end(all_plans(plans, std::move(page)));
    if (!found) return failed(found.error());
    std::string text;
    codec::json::Writer out(text);
    if (options.json) out.begin_array();
    for (const auto& each : *found) {
        if (!options.json) {
            text += row_of(each);
            continue;
        }
        out.begin_object();
        write_plan(out, each);
        out.end_object();
    }
    if (options.json) {
        out.end_array();
        text += "\n";
    }
    return {.exit_code = 0, .out = std::move(text), .err = {}};
}

CommandResult plans_show(const Overrides& overrides, const Surroundings& surroundings,
                         const PlansOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    PlanRepository plans(*(*verb)->state->database);
    const auto found = net::run_to_end(plans.find(options.id));
    if (!found) return failed(in_words(found.error(), options));
    const auto steps = net::run_to_end(all_steps(plans, options.id));
    if (!steps) return failed(steps.error());
    return {.exit_code = 0, .out = shown(*found, *steps, options.json), .err = {}};
}

CommandResult plans_cancel(const Overrides& overrides, const Surroundings& surroundings,
                           const PlansOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    PlanRepository plans(*(*verb)->state->database);
    const auto at = now(**verb);
    if (!at) return failed(at.error());
    auto also = recorded(options, options.step.empty() ? "plan.cancel" : "plan.cancel_step");
    const auto done =
        options.step.empty()
            ? net::run_to_end(plans.cancel(options.id, by_shell(), *at, std::move(also)))
            : net::run_to_end(
                  plans.cancel_step(options.id, options.step, by_shell(), *at, std::move(also)));
    if (!done) return failed(in_words(done.error(), options));
    return {.exit_code = 0, .out = {}, .err = row_of(done->plan)};
}

CommandResult plans_approve(const Overrides& overrides, const Surroundings& surroundings,
                            const PlansOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    PlanRepository plans(*(*verb)->state->database);
    const auto at = now(**verb);
    if (!at) return failed(at.error());
    const auto done = net::run_to_end(
        plans.decide(options.id, options.step, !options.reject, by_shell(), options.reason, *at,
                     recorded(options, options.reject ? "plan.reject" : "plan.approve")));
    if (!done) return failed(in_words(done.error(), options));
    return {.exit_code = 0, .out = {}, .err = row_of(done->plan)};
}

CommandResult plans_statistics(const Overrides& overrides, const Surroundings& surroundings,
                               const PlansOptions& /*options*/) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    auto& database = *(*verb)->state->database;
    PlanRepository plans(database);
    const auto counted = net::run_to_end(plans.count());
    if (!counted) return failed(counted.error());
    std::string by_state;
    std::int64_t all_plans = 0, all_steps = 0;
    for (const auto state : plan::plan_states) {
        const auto count = counted->plans[static_cast<std::size_t>(state)];
        all_plans += count;
        by_state += fmt::format("  plans {:<10} {}\n", name_of(state), count);
    }
    for (const auto state : plan::step_states) {
        const auto count = counted->steps[static_cast<std::size_t>(state)];
        all_steps += count;
        by_state += fmt::format("  steps {:<10} {}\n", name_of(state), count);
    }
    return {.exit_code = 0,
            .out = fmt::format("Storage backend: {}\nPlans: {}\nSteps: {}\n{}", database.engine(),
                               all_plans, all_steps, by_state),
            .err = {}};
}

CommandResult plans_watch(const Overrides& overrides, const Surroundings& surroundings,
                          const PlansOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    PlanRepository plans(*(*verb)->state->database);
    const Screen screen(::isatty(STDOUT_FILENO) == 1);
    const auto ended = net::run_to_end(watch(plans, options.id, screen));
    if (!ended) return failed(in_words(ended.error(), options));
    return {.exit_code = *ended == plan::PlanState::completed ? 0 : 1, .out = {}, .err = {}};
}

}  // namespace gh::app

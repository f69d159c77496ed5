#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "agents/agent_repository.hpp"
#include "app/bus_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/task_repository.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "outbox/outbox.hpp"

namespace gh::app {
namespace {

using bus::TaskRepository;
using bus::TaskRow;
using bus::TaskState;

constexpr std::size_t tasks_max = 1'000;

SystemTime now() { return std::chrono::system_clock::now(); }

std::unexpected<Error> misused(std::string detail) {
    return fail(ErrorKind::invalid_argument, "usage", "command line: " + std::move(detail));
}

Error in_words(Error error, const BusOptions& options) {
    const auto quoted = config::quote(options.name);
    if (error.reason == "task.unknown")
        error.detail = fmt::format("there is no task {}; gatehouse tasks list shows all", quoted);
    if (error.reason == "task.over") error.detail = fmt::format("{} is over", quoted);
    if (error.reason == "bus.inbox_full")
        error.detail = fmt::format("the inbox of {} is full", config::quote(options.assignee));
    return error;
}

/// Whoever waits sees within a second or so that somebody else has sent something.
class ShellOutbox final : public outbox::Outbox {
 public:
    explicit ShellOutbox(bus::Limits limits) : limits_(limits) {}
    Task<Result<void>> lock(storage::Session& session) override { return bus::lock(session); }
    Task<Result<void>> post(storage::Session& session, outbox::Notice notice) override {
        return bus::post(session, std::move(notice), limits_, now());
    }
    void ring(const std::string& /*recipient*/) override {}
    void committed(const outbox::Notice& /*notice*/) override {}

 private:
    const bus::Limits limits_;
};

void tell_task(audit::Record& record, const TaskRow& task) {
    record.object_id = task.id;
    record.details.push_back({"title", task.title});
    record.details.push_back({"state", std::string(name_of(task.state))});
    if (!task.assignee.empty()) record.details.push_back({"assignee", task.assignee});
}

std::string json_of(const std::vector<TaskRow>& all) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& task : all) {
        out.begin_object().name("id").string(task.id).name("title").string(task.title);
        out.name("description").string(task.description);
        out.name("state").string(name_of(task.state)).name("assignee").string(task.assignee);
        out.name("input").raw(task.input).name("result").raw(task.result);
        out.name("created_by").string(task.created_by);
        out.name("created_at").string(config::time_text(task.created_at));
        out.name("updated_at").string(config::time_text(task.updated_at)).end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string table_of(const std::vector<TaskRow>& all) {
    std::string text;
    for (const auto& task : all) {
        fmt::format_to(std::back_inserter(text), "{}  {:<12} {:<36}  {}\n", task.id,
                       name_of(task.state), task.assignee.empty() ? "nobody" : task.assignee,
                       task.title);
    }
    return text;
}

CommandResult shown(const Result<std::vector<TaskRow>>& found, const BusOptions& options) {
    if (!found) return failed(in_words(found.error(), options));
    return {.exit_code = 0, .out = options.json ? json_of(*found) : table_of(*found), .err = {}};
}

/// An agent by its name is as good as by its id.
Task<Result<std::string>> address_of(storage::Database& database, std::string named) {
    agents::AgentRepository agents(database);
    auto agent = co_await agents.find_by_hostname(named);
    if (agent) co_return std::move(agent->id);
    if (agent.error().kind != ErrorKind::not_found)
        co_return std::unexpected(std::move(agent).error());
    if (named.contains(':')) co_return named;
    GH_CO_TRY(auto by_id, co_await agents.find(std::move(named)));
    co_return std::move(by_id.id);
}

Result<TaskRow> wanted_of(const BusOptions& options) {
    if (options.name.empty() || options.name.size() > bus::title_characters_max)
        return misused("TITLE: must have 1 to 256 characters");
    if (options.description.size() > bus::description_characters_max)
        return misused("--description: is too long");
    TaskRow task;
    task.title = options.name;
    task.description = options.description;
    if (!options.input.empty()) {
        const auto read = codec::json::parse(options.input);
        if (!read || !read->object() || options.input.size() > bus::task_data_bytes_max)
            return misused("--input: is no JSON object of at most 64 KiB");
        task.input = options.input;
    }
    return task;
}

Result<std::string> create(const Overrides& overrides, const Surroundings& surroundings,
                           const BusOptions& options) {
    GH_TRY(auto task, wanted_of(options));
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    auto& database = *verb->state->database;
    if (!options.assignee.empty()) {
        GH_TRY(task.assignee, net::run_to_end(address_of(database, options.assignee)));
    }
    auto record = audit::act_of_shell("task.create", "task");
    task.id = view(uuid_v7(now()));
    task.state = task.assignee.empty() ? TaskState::open : TaskState::assigned;
    task.created_by = record.actor;
    task.created_at = now();
    ShellOutbox outbox(bus::limits_of(verb->settings.bus));
    outbox::Posting posting(outbox);
    auto also = posting.also<TaskRow>(
        [](const TaskRow& made) {
            std::vector<outbox::Notice> notices;
            if (!made.assignee.empty()) notices.push_back(bus::notice_of(made, "gatehouse", {}));
            return notices;
        },
        audit::also<TaskRow>(std::move(record), tell_task));
    TaskRepository tasks(database, bus::task_limits_of(verb->settings.bus));
    GH_TRY(const auto made, net::run_to_end(tasks.add(std::move(task), std::move(also))));
    return made.id + "\n";
}

Result<void> cancel(const Overrides& overrides, const Surroundings& surroundings,
                    const BusOptions& options) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    bus::TaskChange change;
    change.state = TaskState::cancelled;
    auto also =
        audit::also<bus::ChangedTask>(audit::act_of_shell("task.update", "task"),
                                      [](audit::Record& record, const bus::ChangedTask& after) {
                                          tell_task(record, after.task);
                                      });
    TaskRepository tasks(*verb->state->database);
    GH_TRY_VOID(
        net::run_to_end(tasks.change(options.name, std::move(change), now(), std::move(also))));
    return {};
}

Result<void> remove(const Overrides& overrides, const Surroundings& surroundings,
                    const BusOptions& options) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    auto also = audit::also<TaskRow>(audit::act_of_shell("task.delete", "task"), tell_task);
    TaskRepository tasks(*verb->state->database);
    GH_TRY_VOID(net::run_to_end(tasks.remove(options.name, std::move(also))));
    return {};
}

CommandResult told(const Result<void>& done, const BusOptions& options, std::string_view what) {
    if (!done) return failed(in_words(done.error(), options));
    return {.exit_code = 0, .out = {}, .err = fmt::format("{} {}\n", options.name, what)};
}

}  // namespace

CommandResult tasks_list(const Overrides& overrides, const Surroundings& surroundings,
                         const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    auto& database = *(*verb)->state->database;
    bus::TaskPage page{.limit = tasks_max};
    if (!options.state.empty()) page.state = bus::task_state_of(options.state);
    if (!options.assignee.empty()) {
        auto assignee = net::run_to_end(address_of(database, options.assignee));
        if (!assignee) return failed(assignee.error());
        page.assignee = *std::move(assignee);
    }
    TaskRepository tasks(database);
    return shown(net::run_to_end(tasks.list(std::move(page))), options);
}

CommandResult tasks_show(const Overrides& overrides, const Surroundings& surroundings,
                         const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    TaskRepository tasks(*(*verb)->state->database);
    auto task = net::run_to_end(tasks.find(options.name));
    if (!task) return failed(in_words(task.error(), options));
    return shown(std::vector{*std::move(task)}, options);
}

CommandResult tasks_create(const Overrides& overrides, const Surroundings& surroundings,
                           const BusOptions& options) {
    const auto made = create(overrides, surroundings, options);
    if (!made) return failed(in_words(made.error(), options));
    return {.exit_code = 0, .out = *made, .err = {}};
}

CommandResult tasks_cancel(const Overrides& overrides, const Surroundings& surroundings,
                           const BusOptions& options) {
    return told(cancel(overrides, surroundings, options), options, "is cancelled");
}

CommandResult tasks_delete(const Overrides& overrides, const Surroundings& surroundings,
                           const BusOptions& options) {
    return told(remove(overrides, surroundings, options), options, "is forgotten");
}

}  // namespace gh::app

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/precondition.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/room.hpp"
#include "bus/route_words.hpp"
#include "net/loop.hpp"
#include "outbox/outbox.hpp"

// What there is to do.

namespace gh::bus {
namespace {

using access::Access;
using access::Permission;
using api::Object;

const api::Type<std::string>& title_type() {
    static const auto type = api::text({.length_max = title_characters_max});
    return type;
}

const api::Type<std::string>& description_type() {
    static const auto type =
        api::text({.length_min = 0, .length_max = description_characters_max, .lines = true});
    return type;
}

const api::Type<std::string>& data_type() {
    static const auto type = api::json_object(task_data_bytes_max);
    return type;
}

const api::Type<std::string>& assignee_type() {
    static const auto type = api::text(
        {.length_min = 0,
         .length_max = address_bytes_max,
         .form = {
             .holds = [](std::string_view text) { return text.empty() || valid_address(text); },
             .said = "the id of an agent, or TYPE:NAME; empty: nobody",
             .pattern = "^[!-~]*$",
             .format = {}}});
    return type;
}

const api::Type<TaskState>& task_state_type() {
    static const auto type = [] {
        std::vector<std::pair<std::string, TaskState>> words;
        for (const auto state : task_states) words.emplace_back(name_of(state), state);
        return api::choice<TaskState>(std::move(words));
    }();
    return type;
}

const api::Type<TaskRow>& task_type() {
    using T = TaskRow;
    static const auto type =
        Object<T>("Task", "Something to do.")
            .required("id", &T::id, id_type(), "A UUID.")
            .required("title", &T::title, title_type(), "What it is.")
            .required("description", &T::description, description_type(), "More of it.")
            .required("state", &T::state, task_state_type(), "Where it stands.")
            .required("assignee", &T::assignee, assignee_type(), "Who has it; empty: nobody.")
            .required("input", &T::input, data_type(), "What it is done with.")
            .required("result", &T::result, data_type(), "What came of it.")
            .required("created_by", &T::created_by, api::text({.length_max = 512}), "Who made it.")
            .required("version", &T::version, count_type(), "The ETag.")
            .required("created_at", &T::created_at, api::time(), "When.")
            .required("updated_at", &T::updated_at, api::time(), "When last changed.")
            .type();
    return type;
}

const api::Type<api::Items<TaskRow>>& task_page_type() {
    static const auto type = api::page_of("TaskPage", task_type());
    return type;
}

struct NewTask {
    std::optional<std::string> id, assignee;
    std::string title, description, input = "{}";
};

const api::Type<NewTask>& new_task_type() {
    using N = NewTask;
    static const auto type =
        Object<N>("NewTask", "Something to do.")
            .optional("id", &N::id, api::maybe(id_type()),
                      "A UUID of the maker's choice: made again, it is made once.")
            .required("title", &N::title, title_type(), "What it is.")
            .optional("description", &N::description, description_type(), "More of it.")
            .optional("assignee", &N::assignee, api::maybe(assignee_type()),
                      "Who is to do it, and is told.")
            .optional("input", &N::input, data_type(), "What it is done with; at most 64 KiB.")
            .type();
    return type;
}

const api::Type<TaskChange>& changed_task_type() {
    using C = TaskChange;
    static const auto type =
        Object<C>("ChangedTask", "What is to be different; the rest stays.")
            .optional("title", &C::title, api::maybe(title_type()), "What it is.")
            .optional("description", &C::description, api::maybe(description_type()), "More of it.")
            .optional("assignee", &C::assignee, api::maybe(assignee_type()),
                      "Another is told, and it is assigned anew; empty: nobody, it is open.")
            .optional("state", &C::state, api::maybe(task_state_type()),
                      "Forward; what is over stays so.")
            .optional("input", &C::input, api::maybe(data_type()), "What it is done with.")
            .optional("result", &C::result, api::maybe(data_type()), "What came of it.")
            .type();
    return type;
}

struct TaskQuery : api::Page {
    std::optional<std::string> assignee, created_by;
    std::optional<TaskState> state;
};

constexpr std::array<std::string_view, 2> orders{"-created_at", "created_at"};

const Object<TaskQuery>& task_query() {
    static const auto table = [] {
        Object<TaskQuery> query("TaskQuery", "Which tasks.");
        api::add_page(query, "tasks", 3);
        api::add_sort(query, {orders.begin(), orders.end()});
        query.optional("assignee", &TaskQuery::assignee, api::maybe(address_type()),
                       "Only those that it has.");
        query.optional("created_by", &TaskQuery::created_by,
                       api::maybe(api::text({.length_max = 512})), "Only those that it has made.");
        query.optional("state", &TaskQuery::state, api::maybe(task_state_type()), "Only these.");
        return query;
    }();
    return table;
}

api::Reply with_version(api::Reply reply, const TaskRow& task) {
    reply.fields.emplace_back("ETag",
                              api::etag_of_version(static_cast<std::uint64_t>(task.version)));
    return reply;
}

void tell_task(audit::Record& record, const TaskRow& task) {
    record.object_id = task.id;
    record.details.push_back({"title", task.title});
    record.details.push_back({"state", std::string(name_of(task.state))});
    if (!task.assignee.empty()) record.details.push_back({"assignee", task.assignee});
}

/// Was it made by the same request before? It may have moved on since.
bool is_same(const TaskRow& known, const TaskRow& wanted) {
    return known.created_by == wanted.created_by && known.title == wanted.title &&
           known.description == wanted.description && known.input == wanted.input;
}

Task<Result<api::Reply>> add(Room& room, api::Call call, NewTask wanted) {
    const auto now = net::Loop::current()->system_now();
    const auto sender = address_of(call);
    if (!valid_address(sender)) co_return refused(call, "bus.address");
    TaskRow task;
    task.id = wanted.id ? *std::move(wanted.id) : std::string(view(uuid_v7(now)));
    task.title = std::move(wanted.title);
    task.description = std::move(wanted.description);
    task.assignee = std::move(wanted.assignee).value_or("");
    task.state = task.assignee.empty() ? TaskState::open : TaskState::assigned;
    task.input = std::move(wanted.input);
    task.created_by = sender;
    task.created_at = now;
    GH_CO_TRY(const bool known, co_await room.bus.knows(task.assignee));
    if (!known) co_return refused(call, "bus.recipient_unknown");
    outbox::Posting posting(room.bus);
    auto also = posting.also<TaskRow>(
        [sender, trace = trace_now(call)](const TaskRow& made) {
            std::vector<outbox::Notice> notices;
            if (!made.assignee.empty()) notices.push_back(notice_of(made, sender, trace));
            return notices;
        },
        audit::also<TaskRow>(audit::act_of(call, "task.create", "task"), tell_task));
    auto done = posting.heed(co_await room.tasks.add(task, std::move(also)));
    if (!done && done.error().reason == "task.exists") {
        GH_CO_TRY(const auto there, co_await room.tasks.find(task.id));
        if (is_same(there, task))
            co_return with_version(api::reply(200, task_type(), there), there);
    }
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.bus.counters().task("create");
    co_return with_version(api::created("/api/v1/tasks/" + done->id, task_type(), *done), *done);
}

/// An agent sees those that it has, or has made.
Task<Result<TaskRow>> find(Room& room, api::Call call) {
    GH_CO_TRY(auto task, co_await room.tasks.find(std::string(call.param("task"))));
    const auto own = address_of(call);
    if (is_agent(call) && task.assignee != own && task.created_by != own)
        co_return fail(ErrorKind::not_found, "task.unknown");
    co_return task;
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    GH_CO_TRY(const auto task, co_await find(room, call));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(task.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    co_return with_version(api::reply(200, task_type(), task), task);
}

bool may_change(const api::Call& call, const TaskRow& task, const TaskChange& change) {
    if (!is_agent(call)) return true;
    const bool more = change.title || change.description || change.assignee || change.input;
    const bool cancels = change.state == TaskState::cancelled && !change.result;
    return !more &&
           (task.assignee == address_of(call) || (cancels && task.created_by == address_of(call)));
}

Task<Result<api::Reply>> change(Room& room, api::Call call, TaskChange wanted) {
    GH_CO_TRY(const auto before, co_await find(room, call));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    if (!may_change(call, before, wanted)) co_return refused(call, "task.not_own");
    // What was judged is what is changed.
    if (is_agent(call) || call.head.fields.find("If-Match") != nullptr)
        wanted.expected_version = before.version;
    GH_CO_TRY(const bool known, co_await room.bus.knows(wanted.assignee.value_or("")));
    if (!known) co_return refused(call, "bus.recipient_unknown");
    outbox::Posting posting(room.bus);
    auto also = posting.also<ChangedTask>(
        [sender = address_of(call), trace = trace_now(call)](const ChangedTask& after) {
            std::vector<outbox::Notice> notices;
            if (after.newly_assigned) notices.push_back(notice_of(after.task, sender, trace));
            return notices;
        },
        audit::also<ChangedTask>(audit::act_of(call, "task.update", "task"),
                                 [](audit::Record& record, const ChangedTask& after) {
                                     tell_task(record, after.task);
                                 }));
    auto done = posting.heed(co_await room.tasks.change(
        before.id, std::move(wanted), net::Loop::current()->system_now(), std::move(also)));
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.bus.counters().task("update");
    co_return with_version(api::reply(200, task_type(), done->task), done->task);
}

Task<Result<api::Reply>> remove(Room& room, api::Call call) {
    auto also = audit::also<TaskRow>(audit::act_of(call, "task.delete", "task"), tell_task);
    GH_CO_TRY_VOID(co_await room.tasks.remove(std::string(call.param("task")), std::move(also)));
    room.bus.counters().task("delete");
    co_return api::no_content();
}

Task<Result<api::Reply>> list(Room& room, api::Call call, TaskQuery query) {
    TaskPage page{.oldest_first = query.order == 1,
                  .limit = query.limit + std::size_t{1},
                  .offset = static_cast<std::size_t>(query.offset),
                  .after = {},
                  .assignee = query.assignee,
                  .created_by = query.created_by,
                  .state = query.state};
    // An agent sees those that it has, or those that it has made.
    const auto own = address_of(call);
    if (is_agent(call) && page.created_by && page.created_by != own)
        co_return refused(call, "task.not_own");
    if (is_agent(call) && !page.created_by) page.assignee = own;
    if (query.after) {
        GH_CO_TRY(const auto time, api::time_of_key((*query.after)[1]));
        page.after = {time, (*query.after)[2]};
    }
    GH_CO_TRY(auto found, co_await room.tasks.list(std::move(page)));
    api::Items<TaskRow> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        items.next_cursor = api::encode_cursor(
            "tasks", {std::string(orders[query.order]), api::key_of_time(found.back().created_at),
                      found.back().id});
    }
    items.items = std::move(found);
    co_return api::reply(200, task_page_type(), items);
}

}  // namespace

std::vector<api::Route> task_routes(Room& room) {
    constexpr std::size_t body_bytes_max = 256 * 1024;
    const auto one = api::answers(200, "The task.", task_type());
    return {{.method = "GET",
             .path = "/api/v1/tasks",
             .access = Access::agent_or(Permission::tasks_read),
             .handle = api::with(room, list, api::query(task_query())),
             .summary = "Tasks, page by page; an agent sees those that it has, or has made.",
             .answers = {api::answers(200, "A page of them.", task_page_type())}},
            {.method = "POST",
             .path = "/api/v1/tasks",
             .access = Access::agent_or(Permission::tasks_write),
             .handle = api::with(room, add, api::json_body(new_task_type())),
             .summary = "Makes a task; who has it is told.",
             .answers = {api::answers(201, "The task.", task_type()),
                         api::answers(200, "It was made before.", task_type())},
             .body_bytes_max = body_bytes_max},
            {.method = "GET",
             .path = "/api/v1/tasks/{task}",
             .access = Access::agent_or(Permission::tasks_read),
             .handle = api::with(room, show),
             .summary = "One task.",
             .answers = {one}},
            {.method = "PATCH",
             .path = "/api/v1/tasks/{task}",
             .access = Access::agent_or(Permission::tasks_write),
             .handle = api::with(room, change, api::json_body(changed_task_type())),
             .summary = "Changes it; an agent the state and the result of its own.",
             .answers = {one},
             .body_bytes_max = body_bytes_max},
            {.method = "DELETE",
             .path = "/api/v1/tasks/{task}",
             .access = Access::permission(Permission::tasks_write),
             .handle = api::with(room, remove),
             .summary = "Forgets it; the audit log does not.",
             .answers = {{204, "It is gone.", "", nullptr}}}};
}

}  // namespace gh::bus

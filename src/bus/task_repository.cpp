#include "bus/task_repository.hpp"

#include "base/try.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "tasks.create",
    .sql =
        "INSERT INTO tasks (id, title, description, state, assignee, input, result, created_by, "
        "created_at, updated_at, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)"};
constexpr std::string_view columns =
    "SELECT id, title, description, state, assignee, input, result, created_by, version, "
    "created_at, updated_at FROM tasks WHERE ";
constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "tasks.find", .sql = storage::joined<columns, by_id>};
constexpr Statement update{
    .name = "tasks.change",
    .sql =
        "UPDATE tasks SET title = $2, description = $3, state = $4, assignee = $5, input = $6, "
        "result = $7, version = version + 1, updated_at = $8, bytes = $9 WHERE id = $1"};
constexpr Statement delete_one{.name = "tasks.remove", .sql = "DELETE FROM tasks WHERE id = $1"};

// The pages of a list: behind $1, $2, be it before the first of all.
constexpr std::string_view all;
constexpr std::string_view of_assignee = "assignee = $5 AND ";
constexpr std::string_view of_maker = "created_by = $5 AND ";
constexpr std::string_view of_state = "state = $5 AND ";
constexpr std::string_view of_both = "assignee = $5 AND state = $6 AND ";
constexpr std::string_view newest =
    "(created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view oldest =
    "(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3 OFFSET $4";
template <const std::string_view& which, const std::string_view& order>
constexpr Statement page_of{.name = "tasks.list", .sql = storage::joined<columns, which, order>};

template <const std::string_view& order>
const Statement& statement_of(const TaskPage& page) {
    if (page.created_by) return page_of<of_maker, order>;
    if (page.assignee) return page.state ? page_of<of_both, order> : page_of<of_assignee, order>;
    return page.state ? page_of<of_state, order> : page_of<all, order>;
}

TaskRow task_of(const storage::Row& row) {
    return {.id = row.text(0),
            .title = row.text(1),
            .description = row.text(2),
            .state = task_state_of(row.text(3)).value_or(TaskState::cancelled),
            .assignee = row.text(4),
            .input = row.text(5),
            .result = row.text(6),
            .created_by = row.text(7),
            .version = row.integer(8),
            .created_at = row.time(9),
            .updated_at = row.time(10)};
}

Task<Result<TaskRow>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "task.unknown");
    co_return task_of(*row);
}

Task<Result<TaskRow>> put(Session& session, TaskRow task) {
    GH_CO_TRY_VOID(co_await session.execute(
        insert, task.id, task.title, task.description, name_of(task.state), task.assignee,
        task.input, task.result, task.created_by, task.created_at, bytes_of(task)));
    co_return co_await read(session, task.id);
}

/// What it becomes, or why not.
Result<ChangedTask> changed(TaskRow task, TaskChange change) {
    if (change.expected_version && *change.expected_version != task.version)
        return fail(ErrorKind::conflict, "task.changed");
    if (is_over(task.state)) return fail(ErrorKind::conflict, "task.over");
    ChangedTask after{.task = std::move(task), .newly_assigned = false};
    auto& now = after.task;
    if (change.assignee && *change.assignee != now.assignee) {
        now.assignee = *std::move(change.assignee);
        now.state = now.assignee.empty() ? TaskState::open : TaskState::assigned;
        after.newly_assigned = !now.assignee.empty();
    }
    if (change.state && *change.state != now.state) {
        if (!may_become(now.state, *change.state)) return fail(ErrorKind::conflict, "task.state");
        now.state = *change.state;
    }
    if (change.title) now.title = *std::move(change.title);
    if (change.description) now.description = *std::move(change.description);
    if (change.input) now.input = *std::move(change.input);
    if (change.result) now.result = *std::move(change.result);
    return after;
}

Task<Result<ChangedTask>> put_change(Session& session, std::string id, TaskChange change,
                                     SystemTime now) {
    GH_CO_TRY(auto before, co_await read(session, id));
    GH_CO_TRY(auto after, changed(std::move(before), std::move(change)));
    const auto& task = after.task;
    GH_CO_TRY_VOID(co_await session.execute(update, id, task.title, task.description,
                                            name_of(task.state), task.assignee, task.input,
                                            task.result, now, bytes_of(task)));
    GH_CO_TRY(after.task, co_await read(session, std::move(id)));
    co_return after;
}

Task<Result<TaskRow>> take_away(Session& session, std::string id) {
    GH_CO_TRY(auto task, co_await read(session, id));
    GH_CO_TRY_VOID(co_await session.execute(delete_one, std::move(id)));
    co_return task;
}

}  // namespace

Task<Result<TaskRow>> TaskRepository::add(TaskRow task, storage::Also<TaskRow> also) {
    auto work = [task = std::move(task), also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, task), also);
    };
    auto done = co_await database_.write(std::move(work));
    if (!done && done.error().reason == "storage.unique")
        co_return fail(ErrorKind::conflict, "task.exists");
    co_return done;
}

Task<Result<TaskRow>> TaskRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<TaskRow>>> TaskRepository::list(TaskPage page) {
    const auto edge = page.oldest_first ? SystemTime::min() : SystemTime::max();
    auto [time, id] = std::move(page.after).value_or(std::pair(edge, std::string()));
    storage::Parameters parameters{storage::to_value(time), storage::to_value(std::move(id)),
                                   storage::to_value(page.limit), storage::to_value(page.offset)};
    if (page.assignee) parameters.push_back(storage::to_value(*page.assignee));
    if (page.state) parameters.push_back(storage::to_value(name_of(*page.state)));
    const auto& statement =
        page.oldest_first ? statement_of<oldest>(page) : statement_of<newest>(page);
    GH_CO_TRY(const auto rows, co_await database_.run_one(statement, std::move(parameters)));
    std::vector<TaskRow> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(task_of(rows[i]));
    co_return found;
}

Task<Result<ChangedTask>> TaskRepository::change(std::string id, TaskChange change, SystemTime now,
                                                 storage::Also<ChangedTask> also) {
    auto work = [id = std::move(id), change = std::move(change), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_change(session, id, change, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<TaskRow>> TaskRepository::remove(std::string id, storage::Also<TaskRow> also) {
    auto work = [id = std::move(id), also = std::move(also)](Session& session) {
        return storage::with_also(session, take_away(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::bus

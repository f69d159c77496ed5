#include "bus/task_repository.hpp"

#include <map>

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

constexpr Statement enter_share{
    .name = "task_shares.enter",
    .sql =
        "INSERT INTO task_shares (maker, tasks, bytes) VALUES ('', $2, $3), ($1, $2, $3) "
        "ON CONFLICT (maker) DO UPDATE SET tasks = task_shares.tasks + excluded.tasks, "
        "bytes = task_shares.bytes + excluded.bytes RETURNING maker, tasks, bytes"};
constexpr Statement delete_share{
    .name = "task_shares.remove",
    .sql = "DELETE FROM task_shares WHERE maker = $1 AND maker <> '' AND tasks = 0"};
constexpr Statement select_share{.name = "task_shares.all",
                                 .sql = "SELECT tasks, bytes FROM task_shares WHERE maker = ''"};
constexpr Statement hold_share{.name = "task_shares.hold",
                               .sql = "UPDATE task_shares SET tasks = tasks WHERE maker = ''"};
constexpr Statement delete_over_of_maker{
    .name = "tasks.make_room",
    .sql =
        "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE created_by = $1 "
        "AND state IN ('completed', 'failed', 'cancelled') ORDER BY updated_at LIMIT 10) "
        "RETURNING created_by, bytes"};
constexpr Statement select_oldest_over{
    .name = "tasks.oldest_over",
    .sql =
        "SELECT updated_at FROM tasks WHERE state IN ('completed', 'failed', 'cancelled') "
        "ORDER BY updated_at LIMIT 1"};
constexpr Statement delete_over{
    .name = "tasks.purge",
    .sql =
        "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks "
        "WHERE state IN ('completed', 'failed', 'cancelled') AND updated_at < $1 "
        "ORDER BY updated_at LIMIT $2) RETURNING created_by, bytes"};

// The pages of a list: behind $1, $2, be it before the first of all.
constexpr std::string_view all;
constexpr std::string_view of_assignee = "assignee = $5 AND ";
constexpr std::string_view of_maker =
    "created_by = $5 AND ($6 = '' OR assignee = $6) AND ($7 = '' OR state = $7) AND ";
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

struct Share {
    std::int64_t tasks = 0, bytes = 0;
};

/// What a maker has, and all have, then.
struct TaskShares {
    Share maker, all;
};

Task<Result<TaskShares>> book(Session& session, std::string maker, std::int64_t tasks,
                              std::int64_t bytes) {
    GH_CO_TRY(const auto rows, co_await session.query(enter_share, maker, tasks, bytes));
    TaskShares shares;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& share = rows[i].text(0).empty() ? shares.all : shares.maker;
        share = {.tasks = rows[i].integer(1), .bytes = rows[i].integer(2)};
    }
    if (shares.maker.tasks == 0) GH_CO_TRY_VOID(co_await session.execute(delete_share, maker));
    co_return shares;
}

/// Takes off what a statement has deleted.
Task<Result<void>> book_off(Session& session, const storage::Rows& deleted) {
    std::map<std::string, Share> by_maker;
    for (std::size_t i = 0; i < deleted.size(); ++i) {
        auto& share = by_maker[deleted[i].text(0)];
        ++share.tasks;
        share.bytes += deleted[i].integer(1);
    }
    for (const auto& [maker, share] : by_maker)
        GH_CO_TRY_VOID(co_await book(session, maker, -share.tasks, -share.bytes));
    co_return Result<void>{};
}

Task<Result<void>> make_room(Session& session, std::string maker, std::int64_t bytes,
                             TaskLimits limits) {
    GH_CO_TRY(auto shares, co_await book(session, maker, 1, bytes));
    const auto has_too_many = [&] {
        return shares.maker.tasks > limits.maker_tasks_max ||
               shares.maker.bytes > limits.maker_bytes_max;
    };
    while (has_too_many()) {
        GH_CO_TRY(const auto gone, co_await session.query(delete_over_of_maker, maker));
        if (gone.empty()) co_return fail(ErrorKind::exhausted, "task.maker_full");
        GH_CO_TRY_VOID(co_await book_off(session, gone));
        GH_CO_TRY(shares, co_await book(session, maker, 0, 0));
    }
    if (shares.all.tasks > limits.tasks_max || shares.all.bytes > limits.bytes_max)
        co_return fail(ErrorKind::exhausted, "task.full");
    co_return Result<void>{};
}

Task<Result<TaskRow>> put(Session& session, TaskRow task, TaskLimits limits) {
    // Before room is made: whoever got no answer asks again, and that takes nobody's place.
    GH_CO_TRY(const auto known, co_await session.query_one(select_one, task.id));
    if (known) co_return fail(ErrorKind::conflict, "task.exists");
    const auto bytes = bytes_of(task);
    GH_CO_TRY_VOID(co_await make_room(session, task.created_by, bytes, limits));
    GH_CO_TRY_VOID(co_await session.execute(insert, task.id, task.title, task.description,
                                            name_of(task.state), task.assignee, task.input,
                                            task.result, task.created_by, task.created_at, bytes));
    co_return co_await read(session, task.id);
}

/// Is it over, and is nothing asked for that it is not? Whoever got no answer asks again.
bool is_so_already(const TaskRow& task, const TaskChange& change) {
    return is_over(task.state) && change.state == task.state &&
           change.title.value_or(task.title) == task.title &&
           change.description.value_or(task.description) == task.description &&
           change.assignee.value_or(task.assignee) == task.assignee &&
           change.input.value_or(task.input) == task.input &&
           change.result.value_or(task.result) == task.result;
}

/// What it becomes, or why not.
Result<ChangedTask> changed(TaskRow task, TaskChange change) {
    if (change.expected_version && *change.expected_version != task.version)
        return fail(ErrorKind::conflict, "task.changed");
    if (is_so_already(task, change))
        return ChangedTask{.task = std::move(task), .newly_assigned = false};
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

/// @return `exhausted` "task.maker_full", "task.full"
Result<void> judge(const TaskShares& shares, const TaskLimits& limits) {
    if (shares.maker.bytes > limits.maker_bytes_max)
        return fail(ErrorKind::exhausted, "task.maker_full");
    if (shares.all.bytes > limits.bytes_max) return fail(ErrorKind::exhausted, "task.full");
    return {};
}

Task<Result<ChangedTask>> put_change(Session& session, std::string id, TaskChange change,
                                     SystemTime now, TaskLimits limits) {
    GH_CO_TRY(auto before, co_await read(session, id));
    const bool was_over = is_over(before.state);
    const auto bytes_before = bytes_of(before);
    GH_CO_TRY(auto after, changed(std::move(before), std::move(change)));
    if (was_over) co_return after;
    const auto& task = after.task;
    const auto more_bytes = bytes_of(task) - bytes_before;
    GH_CO_TRY(const auto shares, co_await book(session, task.created_by, 0, more_bytes));
    if (more_bytes > 0) GH_CO_TRY_VOID(judge(shares, limits));
    GH_CO_TRY_VOID(co_await session.execute(update, id, task.title, task.description,
                                            name_of(task.state), task.assignee, task.input,
                                            task.result, now, bytes_of(task)));
    GH_CO_TRY(after.task, co_await read(session, std::move(id)));
    co_return after;
}

Task<Result<TaskRow>> take_away(Session& session, std::string id) {
    GH_CO_TRY(auto task, co_await read(session, id));
    GH_CO_TRY_VOID(co_await book(session, task.created_by, -1, -bytes_of(task)));
    GH_CO_TRY_VOID(co_await session.execute(delete_one, std::move(id)));
    co_return task;
}

Task<Result<std::uint64_t>> forget(Session& session, SystemTime over_since, TaskLimits limits) {
    // Reads at first: mostly there is nothing to do.
    GH_CO_TRY(const auto total, co_await session.query_one(select_share));
    if (!total) co_return std::uint64_t{0};
    const bool nearly_full = (*total).integer(0) > limits.tasks_max / 10 * 9 ||
                             (*total).integer(1) > limits.bytes_max / 10 * 9;
    GH_CO_TRY(const auto over, co_await session.query_one(select_oldest_over));
    if (!over || (!nearly_full && (*over).time(0) >= over_since)) co_return std::uint64_t{0};
    GH_CO_TRY_VOID(co_await session.execute(hold_share));  // before tasks, as who makes one
    GH_CO_TRY(const auto gone,
              co_await session.query(delete_over, nearly_full ? SystemTime::max() : over_since,
                                     TaskRepository::purged_at_once));
    GH_CO_TRY_VOID(co_await book_off(session, gone));
    co_return gone.size();
}

}  // namespace

Task<Result<TaskRow>> TaskRepository::add(TaskRow task, storage::Also<TaskRow> also) {
    auto work = [task = std::move(task), limits = limits_,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, task, limits), also);
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
    if (page.created_by) {
        parameters.push_back(storage::to_value(*page.created_by));
        parameters.push_back(storage::to_value(page.assignee.value_or("")));
        parameters.push_back(
            storage::to_value(page.state ? name_of(*page.state) : std::string_view{}));
    } else {
        if (page.assignee) parameters.push_back(storage::to_value(*page.assignee));
        if (page.state) parameters.push_back(storage::to_value(name_of(*page.state)));
    }
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
    auto work = [id = std::move(id), change = std::move(change), now, limits = limits_,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_change(session, id, change, now, limits), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<TaskRow>> TaskRepository::remove(std::string id, storage::Also<TaskRow> also) {
    auto work = [id = std::move(id), also = std::move(also)](Session& session) {
        return storage::with_also(session, take_away(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> TaskRepository::purge(SystemTime over_since) {
    auto work = [over_since, limits = limits_](Session& session) {
        return forget(session, over_since, limits);
    };
    co_return co_await database_.write(std::move(work));
}

TaskLimits task_limits_of(const BusConfig& config) {
    return {.tasks_max = config.tasks_max,
            .bytes_max = static_cast<std::int64_t>(config.tasks_bytes_max),
            .maker_tasks_max = config.maker_tasks_max,
            .maker_bytes_max = static_cast<std::int64_t>(config.maker_tasks_bytes_max)};
}

}  // namespace gh::bus

#include "bus/task_repository.hpp"

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/testing.hpp"

namespace gh::bus {
namespace {

class TaskRepositoryTest : public BusTest {
 protected:
    TaskRepository tasks() { return TaskRepository(*database); }
    TaskRow add(std::string title, std::string assignee = {}, int second = 0) {
        TaskRow task;
        task.id = view(uuid_v7(at(second)));
        task.title = std::move(title);
        task.assignee = std::move(assignee);
        task.state = task.assignee.empty() ? TaskState::open : TaskState::assigned;
        task.created_by = "user:ada";
        task.created_at = at(second);
        return run_to_end(tasks().add(std::move(task))).value();
    }
    Result<ChangedTask> change(const std::string& id, TaskChange wanted) {
        return run_to_end(tasks().change(id, std::move(wanted), at(9)));
    }
    std::string titles(TaskPage page) {
        std::string all;
        const auto found = run_to_end(tasks().list(std::move(page))).value();
        for (const auto& task : found) all += task.title + " ";
        return all;
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, TaskRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(TaskRepositoryTest, AnAssigneeMakesItAssignedAndIsToldOnce) {
    const auto id = add("sweep").id;
    const auto given = change(id, {.assignee = "a"}).value();
    EXPECT_TRUE(given.newly_assigned);
    EXPECT_EQ(given.task.state, TaskState::assigned);
    EXPECT_EQ(given.task.version, 2);
    EXPECT_FALSE(change(id, {.title = "sweep well", .assignee = "a"}).value().newly_assigned);
    EXPECT_EQ(change(id, {.state = TaskState::in_progress}).value().task.title, "sweep well");
    const auto moved = change(id, {.assignee = "b"}).value();
    EXPECT_TRUE(moved.newly_assigned);
    EXPECT_EQ(moved.task.state, TaskState::assigned);
    const auto nobody = change(id, {.assignee = ""}).value();
    EXPECT_FALSE(nobody.newly_assigned);
    EXPECT_EQ(nobody.task.state, TaskState::open);
}

TEST_P(TaskRepositoryTest, EveryStepIsJudgedAsTheTableSays) {
    for (const auto from : task_states) {
        for (const auto to : task_states) {
            TaskRow task;
            task.id = view(uuid_v7(at(0)));
            task.title = "t";
            task.created_by = "user:ada";
            task.state = from;
            ASSERT_TRUE(run_to_end(tasks().add(task)));
            const auto* wanted = is_over(from) && from != to          ? "task.over"
                                 : from == to || may_become(from, to) ? ""
                                                                      : "task.state";
            EXPECT_EQ(reason(change(task.id, {.state = to})), wanted)
                << name_of(from) << " to " << name_of(to);
        }
    }
    EXPECT_FALSE(may_become(TaskState::open, TaskState::in_progress));
    EXPECT_TRUE(may_become(TaskState::in_progress, TaskState::cancelled));
    EXPECT_FALSE(may_become(TaskState::completed, TaskState::in_progress));
}

TEST_P(TaskRepositoryTest, ListsAreFilteredOrderedAndPaged) {
    add("1", "", 1);
    const auto two = add("2", "a", 2);
    add("3", "b", 3);
    add("4", "a", 4);
    EXPECT_EQ(titles({}), "4 3 2 1 ");
    EXPECT_EQ(titles({.oldest_first = true, .limit = 2, .offset = 1}), "2 3 ");
    EXPECT_EQ(titles({.after = {{two.created_at, two.id}}}), "1 ");
    EXPECT_EQ(titles({.assignee = "a"}), "4 2 ");
    EXPECT_EQ(titles({.state = TaskState::open}), "1 ");
    EXPECT_EQ(titles({.oldest_first = true, .assignee = "a", .state = TaskState::assigned}),
              "2 4 ");
}

TEST_P(TaskRepositoryTest, AMakerHasSoManyAndItsOldestThatAreOverGoFirst) {
    const TaskLimits small{.tasks_max = 4, .maker_tasks_max = 2};
    TaskRepository tasks(*database, small);
    const auto make = [&](std::string id, std::string maker) {
        TaskRow task;
        task.id = std::move(id);
        task.title = task.id;
        task.created_by = std::move(maker);
        task.created_at = at(0);
        return std::string(reason(run_to_end(tasks.add(std::move(task)))));
    };
    EXPECT_EQ(make("1", "eve"), "");
    EXPECT_EQ(make("2", "eve"), "");
    EXPECT_EQ(make("3", "eve"), "task.maker_full");
    EXPECT_EQ(make("3", "bob"), "");
    ASSERT_TRUE(run_to_end(tasks.change("1", {.state = TaskState::cancelled}, at(1))));
    EXPECT_EQ(make("4", "eve"), "") << "in the place of what is over";
    EXPECT_EQ(titles({.created_by = "eve"}), "4 2 ");
    EXPECT_EQ(titles({.created_by = "eve", .state = TaskState::cancelled}), "");
    EXPECT_EQ(make("5", "ada"), "");
    EXPECT_EQ(make("6", "kim"), "task.full");
    ASSERT_TRUE(run_to_end(tasks.remove("5")));
    EXPECT_EQ(make("6", "kim"), "");
}

TEST_P(TaskRepositoryTest, BytesOfAMakerAreLimitedWithWhatCameOfThem) {
    TaskRow task;
    task.created_by = "eve";
    task.id = "1";
    const TaskLimits small{.maker_bytes_max = 2 * bytes_of(task) + 100};
    TaskRepository tasks(*database, small);
    ASSERT_TRUE(run_to_end(tasks.add(task)));
    ASSERT_TRUE(run_to_end(tasks.change("1", {.result = std::string(200, ' ')}, at(1))));
    task.id = "2";
    EXPECT_EQ(reason(run_to_end(tasks.add(task))), "task.maker_full");
}

TEST_P(TaskRepositoryTest, WhatIsOverIsForgottenAfterItsTimeAndEarlierWhereThereAreMany) {
    TaskRepository tasks(*database, {.tasks_max = 10});
    for (int i = 0; i < 10; ++i) {
        const auto id = add(std::to_string(i), "", i).id;
        if (i >= 6) continue;
        ASSERT_TRUE(run_to_end(tasks.change(id, {.state = TaskState::cancelled}, at(i))));
    }
    EXPECT_EQ(run_to_end(this->tasks().purge(at(2))).value(), 2U);
    EXPECT_EQ(run_to_end(this->tasks().purge(at(2))).value(), 0U);
    add("10", "", 20);
    add("11", "", 21);
    EXPECT_EQ(run_to_end(tasks.purge(at(0))).value(), 4U) << "nearly full";
    EXPECT_EQ(titles({.oldest_first = true}), "6 7 8 9 10 11 ");
}

TEST_P(TaskRepositoryTest, WhatIsOverAlreadyIsNoConflictForWhoAsksAgain) {
    const auto id = add("1", "a").id;
    const TaskChange done{.result = "{\"n\":1}", .state = TaskState::completed};
    EXPECT_EQ(change(id, done).value().task.version, 2);
    EXPECT_EQ(change(id, done).value().task.version, 2) << "nothing is written";
    EXPECT_EQ(reason(change(id, {.result = "{}", .state = TaskState::completed})), "task.over");
    EXPECT_EQ(reason(change(id, {.state = TaskState::failed})), "task.over");
}

TEST_P(TaskRepositoryTest, VersionsAndUnknownOnesAreTold) {
    const auto task = add("1");
    EXPECT_EQ(reason(change(task.id, {.expected_version = 7})), "task.changed");
    EXPECT_EQ(reason(change("none", {})), "task.unknown");
    EXPECT_EQ(reason(run_to_end(tasks().add(task))), "task.exists");
    ASSERT_TRUE(run_to_end(tasks().remove(task.id)));
    EXPECT_EQ(reason(run_to_end(tasks().find(task.id))), "task.unknown");
}

}  // namespace
}  // namespace gh::bus

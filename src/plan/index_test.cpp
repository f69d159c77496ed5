#include "plan/testing.hpp"
#include "storage/testing_plan.hpp"

// SQLite is asked after every test, by EngineTest. PostgreSQL plans by how many rows there are, and for a few it reads them
// all: so it is asked what it would do where reading all were dear.

namespace gh::plan {
namespace {

class PlanIndexTest : public PlansTest {};
INSTANTIATE_TEST_SUITE_P(Postgres, PlanIndexTest, testing::Values(storage::Dialect::postgres),
                         storage::engine_name);

TEST_P(PlanIndexTest, EveryQueryOfTheRoomFindsItsRowsByAnIndex) {
    for (const bool oldest : {true, false}) {
        PlanPage page{.oldest_first = oldest};
        ASSERT_TRUE(run_to_end(plans().list(page)));
        page.state = PlanState::running;
        ASSERT_TRUE(run_to_end(plans().list(page)));
    }
    auto asked_for = step("b", {"a"});
    asked_for.approval = true;
    asked_for.condition = R"({"step":"a","op":"exists"})";
    ASSERT_TRUE(add("p", {step("a"), asked_for, step("c")}));
    auto claims = claim();
    ASSERT_EQ(claims.steps.size(), 2U);
    ASSERT_TRUE(renew(claims.steps[1].step.lease, at(2)));
    auto done = completion(claims.steps[0].step.lease);
    done.expand = {step("x")};
    ASSERT_TRUE(finish(done));
    ASSERT_TRUE(run_to_end(work().end_expired(at(90))));
    ASSERT_TRUE(run_to_end(plans().pause("p", "ada", at(91))));
    ASSERT_TRUE(run_to_end(plans().resume("p", "ada", at(92))));
    ASSERT_TRUE(run_to_end(plans().cancel_step("p", "a:x", "ada", at(93))));
    ASSERT_TRUE(run_to_end(work().may_read("agent", "p", "a")));
    ASSERT_TRUE(run_to_end(plans().attempts("p", "a")));
    ASSERT_TRUE(run_to_end(plans().dependencies("p", "b")));
    ASSERT_TRUE(run_to_end(plans().count()));
    ASSERT_TRUE(run_to_end(plans().steps("p", 0, 9)));
    ASSERT_EQ(told("p").empty(), false);
    auto end = [](storage::Session& session) {
        return WorkRepository::end_of_agent(session, "agent", at(94));
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(end))));
    ASSERT_TRUE(run_to_end(plans().cancel("p", "ada", at(95))));
    ASSERT_TRUE(run_to_end(plans().count_open()));
    for (int piece = 0; piece < 4; ++piece)
        ASSERT_GT(run_to_end(plans().remove_some(at(96))).value(), 0U);
    std::size_t asked = 0;
    for (const auto& [text, name] : observer.seen()) {
        if (!name.starts_with("plan") || name == "plans.time") continue;
        auto work = [&sql = text](storage::Session& session) {
            return storage::generic_plan(session, sql);
        };
        const auto plan = run_to_end(database->read(std::move(work)));
        ASSERT_TRUE(plan) << text << ": " << describe(plan.error());
        EXPECT_FALSE(plan->contains("Seq Scan on plan")) << name << ": " << text << "\n" << *plan;
        ++asked;
    }
    EXPECT_GE(asked, 35U);
}

}  // namespace
}  // namespace gh::plan

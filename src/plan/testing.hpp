#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "plan/plan_repository.hpp"
#include "plan/work_repository.hpp"
#include "storage/testing.hpp"

/// For tests of this room's repositories.
namespace gh::plan {

using storage::run_to_end;

template <class T>
std::string_view reason(const Result<T>& done) {
    return done ? "" : done.error().reason;
}

inline NewStep step(std::string id, std::vector<std::string> depends_on = {}) {
    NewStep made;
    made.name = id;
    made.id = std::move(id);
    made.type = "work";
    made.depends_on = std::move(depends_on);
    return made;
}

class PlansTest : public storage::EngineTest {
 protected:
    static SystemTime at(int second) { return SystemTime(seconds(1'700'000'000 + second)); }
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        const auto done =
            run_to_end(storage::migrate(*database, storage::embedded_migrations(), at(0)));
        ASSERT_TRUE(done) << describe(done.error());
    }
    PlanRepository plans() { return PlanRepository(*database); }
    WorkRepository work() { return {*database, rules}; }

    Result<Created> add(std::string id, std::vector<NewStep> steps, int second = 0) {
        NewPlan wanted;
        wanted.name = id;
        wanted.fingerprint = "of " + id;
        wanted.id = std::move(id);
        wanted.steps = std::move(steps);
        wanted.created_by = "user:ada";
        return run_to_end(plans().add(std::move(wanted), at(second)));
    }
    Claims claim(std::size_t max = 10, int second = 1, std::vector<std::string> capabilities = {}) {
        Claim wanted{.agent_id = "agent", .capabilities = std::move(capabilities), .max = max};
        auto claimed = run_to_end(work().claim(std::move(wanted), at(second)));
        EXPECT_TRUE(claimed) << describe(claimed.error());
        return std::move(claimed).value_or(Claims{});
    }
    /// The one step that is ready.
    Step claim_one(int second = 1, std::vector<std::string> capabilities = {}) {
        auto claims = claim(10, second, std::move(capabilities));
        EXPECT_EQ(claims.steps.size(), 1U);
        return claims.steps.empty() ? Step{} : claims.steps.front().step;
    }
    static Finish completion(const std::string& lease, std::string result = "{}") {
        Finish made;
        made.lease = lease;
        made.agent_id = "agent";
        made.result = std::move(result);
        return made;
    }
    static Finish failure(const std::string& lease, bool retryable = true) {
        Finish made;
        made.lease = lease;
        made.agent_id = "agent";
        made.completed = false;
        made.error = "it broke";
        made.retryable = retryable;
        return made;
    }
    Result<Finished> finish(Finish made, int second = 2) {
        return run_to_end(work().finish(std::move(made), at(second)));
    }
    Result<Renewed> renew(const std::string& lease, SystemTime now) {
        return run_to_end(work().renew({.lease = lease, .agent_id = "agent"}, now));
    }
    Plan find(const std::string& id) { return run_to_end(plans().find(id)).value(); }
    Step find_step(const std::string& plan_id, const std::string& id) {
        return run_to_end(plans().find_step(plan_id, id)).value();
    }
    StepState state(const std::string& plan_id, const std::string& id) {
        return find_step(plan_id, id).state;
    }
    /// "plan.pending step.ready(a) ..."
    std::string told(const std::string& plan_id) {
        std::string text;
        const auto events = run_to_end(plans().events(plan_id, 0, 1000)).value();
        for (const auto& event : events) {
            text += (text.empty() ? "" : " ") + event.type;
            if (!event.step_id.empty()) text += "(" + event.step_id + ")";
        }
        return text;
    }

    WorkRules rules{.lease = seconds(10)};
};

}  // namespace gh::plan

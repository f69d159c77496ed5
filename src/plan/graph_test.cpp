#include "plan/graph.hpp"

#include <gtest/gtest.h>

namespace gh::plan {
namespace {

using Kind = GraphFault::Kind;

TEST(PlanGraph, IsRefusedForItsFirstFaultWhichNamesTheSteps) {
    struct Case {
        std::vector<GraphNode> nodes;
        Kind kind;
        std::string said;
    };
    const Case cases[] = {
        {{}, Kind::none, ""},
        {{{"a", {}}, {"b", {"a"}}, {"c", {"a", "b"}}}, Kind::none, ""},
        {{{"b", {"a"}}, {"a", {}}}, Kind::none, ""},
        {{{"a", {}}, {"a", {}}}, Kind::double_step, "The step a is there twice."},
        {{{"a", {"z"}}}, Kind::unknown_dependency, "The step a depends on z, which is no step."},
        {{{"a", {}}, {"b", {"a", "a"}}}, Kind::double_dependency, "The step b depends on a twice."},
        {{{"a", {"a"}}}, Kind::cycle, "The steps depend on one another in a circle: a on a."},
        {{{"x", {}}, {"a", {"c", "x"}}, {"b", {"a"}}, {"c", {"b"}}, {"d", {"c"}}},
         Kind::cycle,
         "The steps depend on one another in a circle: a on c on b on a."},
    };
    for (const auto& c : cases) {
        const auto fault = check_graph(c.nodes, {});
        EXPECT_EQ(fault.kind, c.kind);
        EXPECT_EQ(describe(fault), c.said);
        EXPECT_EQ(code_of(fault.kind).empty(), c.kind == Kind::none);
    }
}

TEST(PlanGraph, IsBounded) {
    const std::vector<GraphNode> three{{"a", {}}, {"b", {"a"}}, {"c", {"a", "b"}}};
    EXPECT_FALSE(check_graph(three, {.steps_max = 3, .edges_max = 3}));
    EXPECT_EQ(check_graph(three, {.steps_max = 2, .edges_max = 3}).kind, Kind::too_many_steps);
    EXPECT_EQ(check_graph(three, {.steps_max = 3, .edges_max = 2}).kind, Kind::too_many_edges);
}

TEST(PlanGraph, KnowsStepsThatAreThereAlready) {
    const std::vector<std::string> known{"fetch"};
    EXPECT_FALSE(check_graph(std::vector<GraphNode>{{"a", {"fetch"}}}, {}, known));
    EXPECT_EQ(check_graph(std::vector<GraphNode>{{"fetch", {}}}, {}, known).kind,
              Kind::double_step);
}

TEST(PlanGraph, MayBeDeepAndTellsALongCircleInAFewWords) {
    std::vector<GraphNode> chain;
    for (int i = 0; i < 10'000; ++i) {
        chain.push_back({std::to_string(i), {}});
        if (i > 0) chain.back().depends_on.push_back(std::to_string(i - 1));
    }
    EXPECT_FALSE(check_graph(chain, {}));
    chain.front().depends_on.emplace_back("9999");
    const auto fault = check_graph(chain, {});
    EXPECT_EQ(fault.kind, Kind::cycle);
    EXPECT_EQ(fault.steps.size(), 10'000U);
    EXPECT_LT(describe(fault).size(), 300U);
}

}  // namespace
}  // namespace gh::plan

#include "agents/activity.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::agents {
namespace {

using namespace std::chrono_literals;

std::string page_of(telemetry::Registry& registry) {
    std::string page;
    registry.render(page);
    return page;
}

TEST(ActivityMeterTest, CountsWhatAgentsSayTheyDid) {
    telemetry::Registry registry;
    ActivityMeter meter(registry, std::chrono::seconds(30));
    meter.count("id-1", "build-7",
                {.state = Processing::waiting,
                 .invocations = {{true, 200ms}, {true, 3s}, {false, 10ms}},
                 .llm_calls = {{"m-1", 1500ms, 100, 20}, {"m-1", 500ms, 50, 5}}},
                std::chrono::steady_clock::now());
    const auto page = page_of(registry);
    for (const auto* line :
         {R"(agent_invocations_total{agent="build-7",status="success"} 2)",
          R"(agent_invocations_total{agent="build-7",status="error"} 1)",
          R"(agent_duration_seconds_count{agent="build-7"} 3)",
          R"(vos_llm_call_duration_seconds_count{agent_id="id-1",model="m-1"} 2)",
          R"(vos_llm_call_duration_seconds_sum{agent_id="id-1",model="m-1"} 2)",
          R"(gatehouse_llm_tokens_total{agent_id="id-1",model="m-1",direction="input"} 150)",
          R"(gatehouse_llm_tokens_total{agent_id="id-1",model="m-1",direction="output"} 25)",
          R"(vos_agent_processing_state{agent_id="id-1",state="waiting"} 1)"})
        EXPECT_TRUE(page.contains(line)) << line << "\n" << page;
}

TEST(ActivityMeterTest, TheStateIsTheLastAndLeavesWithSilence) {
    telemetry::Registry registry;
    ActivityMeter meter(registry, std::chrono::seconds(30));
    const auto now = std::chrono::steady_clock::now();
    meter.count("id-1", "build-7", {.state = Processing::idle}, now);
    meter.count("id-1", "build-7", {.state = Processing::processing}, now);
    meter.count("id-2", "build-8", {.state = Processing::error}, now - std::chrono::seconds(31));
    const auto page = page_of(registry);
    EXPECT_TRUE(page.contains(R"({agent_id="id-1",state="processing"} 1)")) << page;
    EXPECT_FALSE(page.contains("idle")) << page;
    EXPECT_FALSE(page.contains("id-2")) << page;
}

TEST(ActivityMeterTest, StatesAreBounded) {
    telemetry::Registry registry;
    ActivityMeter meter(registry, std::chrono::seconds(30));
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < 3 * ActivityMeter::states_max; ++i)
        meter.count(std::to_string(i), "x", {.state = Processing::idle}, now);
    const auto page = page_of(registry);
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = page.find("vos_agent_processing_state{", at)) != page.npos; ++at)
        ++lines;
    EXPECT_EQ(lines, ActivityMeter::states_max);
}

}  // namespace
}  // namespace gh::agents

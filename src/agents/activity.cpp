#include "agents/activity.hpp"

#include <utility>

namespace gh::agents {
std::string_view name_of(Processing state) {
    switch (state) {
        case Processing::idle: return "idle";
        case Processing::processing: return "processing";
        case Processing::waiting: return "waiting";
        case Processing::error: break;
    }
    return "error";
}

ActivityMeter::ActivityMeter(telemetry::Registry& registry, std::chrono::nanoseconds silent_after)
    : silent_after_(silent_after),
      invocations_(registry.counter({.name = "agent_invocations_total",
                                     .help = "Runs of agents, as they report them.",
                                     .labels = {"agent", "status"}})),
      durations_(registry.histogram({.name = "agent_duration_seconds",
                                     .help = "How long runs of agents took, as they report them.",
                                     .labels = {"agent"},
                                     .series_max = 200})),
      llm_durations_(registry.histogram(
          {.name = "vos_llm_call_duration_seconds",
           .help = "How long calls of language models took, as agents report them.",
           .labels = {"agent_id", "model"},
           .series_max = 200})),
      llm_tokens_(registry.counter({.name = "gatehouse_llm_tokens_total",
                                    .help = "Tokens of language models, as agents report them.",
                                    .labels = {"agent_id", "model", "direction"}})) {
    registry.collect({.name = "vos_agent_processing_state",
                      .help = "1 for what each agent said last that it is at.",
                      .labels = {"agent_id", "state"},
                      .series_max = states_max},
                     telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
                         const auto now = std::chrono::steady_clock::now();
                         const std::scoped_lock lock(mutex_);
                         std::erase_if(states_, [&](const auto& each) {
                             return now - each.second.at > silent_after_;
                         });
                         for (const auto& [id, last] : states_)
                             samples.add({id, name_of(last.state)}, 1);
                     });
}

void ActivityMeter::remember(std::string_view agent_id, Processing state, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    std::string id(agent_id);
    if (states_.size() >= states_max && !states_.contains(id)) return;
    states_[std::move(id)] = {state, now};
}

void ActivityMeter::count(std::string_view agent_id, std::string_view hostname,
                          const Activity& activity, SteadyTime now) {
    if (activity.state) remember(agent_id, *activity.state, now);
    for (const auto& run : activity.invocations) {
        invocations_.with({hostname, run.succeeded ? "success" : "error"}).add();
        durations_.with({hostname}).observe(run.duration);
    }
    for (const auto& call : activity.llm_calls) {
        llm_durations_.with({agent_id, call.model}).observe(call.duration);
        llm_tokens_.with({agent_id, call.model, "input"}).add(call.input_tokens);
        llm_tokens_.with({agent_id, call.model, "output"}).add(call.output_tokens);
    }
}

}  // namespace gh::agents

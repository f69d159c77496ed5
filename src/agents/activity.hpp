#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "telemetry/metrics.hpp"

namespace gh::agents {

/// What an agent is at, as it says itself.
enum class Processing : std::uint8_t { idle, processing, waiting, error };

inline constexpr std::array processings{Processing::idle, Processing::processing,
                                        Processing::waiting, Processing::error};

/// "idle", "processing", ...
[[nodiscard]] std::string_view name_of(Processing state);

/// One run of the agent.
struct Invocation {
    bool succeeded = true;
    std::chrono::milliseconds duration{0};
};

/// One call of a language model.
struct LlmCall {
    std::string model;
    std::chrono::milliseconds duration{0};
    std::uint32_t input_tokens = 0, output_tokens = 0;
};

/// What an agent did since it was last heard of.
struct Activity {
    static constexpr std::size_t items_max = 200;  ///< of each list
    static constexpr std::chrono::hours duration_max{7 * 24};
    static constexpr std::uint32_t tokens_max = 100'000'000;

    std::optional<Processing> state;
    std::vector<Invocation> invocations;
    std::vector<LlmCall> llm_calls;
};

/// Counts what agents say they did. From any thread.
class ActivityMeter {
 public:
    static constexpr std::size_t states_max = 1'000;  ///< agents whose state is shown

    /// @param silent_after  whose state is shown no longer
    /// @param registry      outlives it
    ActivityMeter(telemetry::Registry& registry, std::chrono::nanoseconds silent_after);
    ActivityMeter(const ActivityMeter&) = delete;
    ActivityMeter& operator=(const ActivityMeter&) = delete;

    void count(std::string_view agent_id, std::string_view hostname, const Activity& activity,
               SteadyTime now);

 private:
    struct Last {
        Processing state;
        SteadyTime at;
    };
    void remember(std::string_view agent_id, Processing state, SteadyTime now);

    const std::chrono::nanoseconds silent_after_;
    telemetry::Family<telemetry::Counter>& invocations_;
    telemetry::Family<telemetry::Histogram>& durations_;
    telemetry::Family<telemetry::Histogram>& llm_durations_;
    telemetry::Family<telemetry::Counter>& llm_tokens_;
    std::mutex mutex_;
    std::unordered_map<std::string, Last> states_;
};

}  // namespace gh::agents

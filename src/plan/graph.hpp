#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::plan {

/// A step, as its place in the plan wants it.
struct GraphNode {
    std::string id;
    std::vector<std::string> depends_on;
};

struct GraphLimits {
    std::size_t steps_max = 10'000;
    std::size_t edges_max = 50'000;
};

/// What keeps steps from being a plan: one kind of fault, and the steps that have it.
struct GraphFault {
    enum class Kind : std::uint8_t {
        none,
        too_many_steps,
        too_many_edges,
        double_step,         ///< steps: the id that is there twice
        unknown_dependency,  ///< steps: who depends, and on what
        double_dependency,   ///< steps: who depends twice, and on what
        cycle,               ///< steps: around it, each depends on the next, the last on the first
    };
    Kind kind = Kind::none;
    std::vector<std::string> steps;
    explicit operator bool() const { return kind != Kind::none; }
};

/// "plan.cycle", ...: what the answer says.
[[nodiscard]] std::string_view code_of(GraphFault::Kind kind);
/// A sentence that names the steps, a dozen of them at most.
[[nodiscard]] std::string describe(const GraphFault& fault);

/// Is it a graph without cycles, each dependency known and there once? In time and memory linear in steps and edges, and
/// without recursion: whoever sends it chooses how deep it is. The first fault that is found is told.
/// @param known  ids that may be depended on besides
[[nodiscard]] GraphFault check_graph(std::span<const GraphNode> nodes, const GraphLimits& limits,
                                     std::span<const std::string> known = {});

}  // namespace gh::plan

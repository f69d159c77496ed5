#include "plan/graph.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace gh::plan {
namespace {

using Kind = GraphFault::Kind;

constexpr std::size_t named_max = 12;
constexpr std::size_t outside = static_cast<std::size_t>(-1);  // known, and no node of ours

struct Graph {
    std::vector<std::vector<std::size_t>> depends_on;  // without those outside
    std::unordered_map<std::string_view, std::size_t> by_id;
};

GraphFault fault(Kind kind, std::vector<std::string> steps = {}) {
    return {.kind = kind, .steps = std::move(steps)};
}

GraphFault index(std::span<const GraphNode> nodes, const GraphLimits& limits,
                 std::span<const std::string> known, Graph& graph) {
    if (nodes.size() > limits.steps_max) return fault(Kind::too_many_steps);
    for (const auto& id : known) graph.by_id.emplace(id, outside);
    std::size_t edges = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        edges += nodes[i].depends_on.size();
        if (edges > limits.edges_max) return fault(Kind::too_many_edges);
        if (!graph.by_id.emplace(nodes[i].id, i).second)
            return fault(Kind::double_step, {nodes[i].id});
    }
    return {};
}

GraphFault link(std::span<const GraphNode> nodes, Graph& graph) {
    graph.depends_on.resize(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        std::unordered_set<std::string_view> seen;
        for (const auto& id : nodes[i].depends_on) {
            const auto found = graph.by_id.find(id);
            if (found == graph.by_id.end())
                return fault(Kind::unknown_dependency, {nodes[i].id, id});
            if (!seen.insert(id).second) return fault(Kind::double_dependency, {nodes[i].id, id});
            if (found->second != outside) graph.depends_on[i].push_back(found->second);
        }
    }
    return {};
}

/// The steps that can never begin: each depends on another of them.
std::vector<bool> stuck(const Graph& graph) {
    const auto count = graph.depends_on.size();
    std::vector<std::size_t> open(count);
    std::vector<std::vector<std::size_t>> dependants(count);
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < count; ++i) {
        open[i] = graph.depends_on[i].size();
        for (const auto on : graph.depends_on[i]) dependants[on].push_back(i);
        if (open[i] == 0) ready.push_back(i);
    }
    std::vector<bool> waits(count, true);
    while (!ready.empty()) {
        const auto at = ready.back();
        ready.pop_back();
        waits[at] = false;
        for (const auto next : dependants[at])
            if (--open[next] == 0) ready.push_back(next);
    }
    return waits;
}

/// From one that is stuck to one that it waits for, until a step comes for the second time: from there on it is the cycle.
std::vector<std::string> around(std::span<const GraphNode> nodes, const Graph& graph,
                                const std::vector<bool>& waits, std::size_t at) {
    std::vector<std::size_t> path;
    std::vector<bool> seen(nodes.size());
    while (!seen[at]) {
        seen[at] = true;
        path.push_back(at);
        at = *std::ranges::find_if(graph.depends_on[at], [&](std::size_t on) { return waits[on]; });
    }
    std::vector<std::string> steps;
    for (auto step = std::ranges::find(path, at); step != path.end(); ++step)
        steps.push_back(nodes[*step].id);
    return steps;
}

std::string listed(const std::vector<std::string>& steps, std::string_view between) {
    std::string text;
    for (std::size_t i = 0; i < std::min(steps.size(), named_max); ++i) {
        if (i > 0) text += between;
        text += steps[i];
    }
    if (steps.size() > named_max) text += std::string(between) + "...";
    return text;
}

}  // namespace

std::string_view code_of(Kind kind) {
    switch (kind) {
        case Kind::none: break;
        case Kind::too_many_steps: return "plan.too_many_steps";
        case Kind::too_many_edges: return "plan.too_many_dependencies";
        case Kind::double_step: return "plan.double_step";
        case Kind::unknown_dependency: return "plan.unknown_dependency";
        case Kind::double_dependency: return "plan.double_dependency";
        case Kind::cycle: return "plan.cycle";
    }
    return {};
}

std::string describe(const GraphFault& fault) {
    const auto& steps = fault.steps;
    switch (fault.kind) {
        case Kind::none: break;
        case Kind::too_many_steps: return "There are too many steps.";
        case Kind::too_many_edges: return "There are too many dependencies.";
        case Kind::double_step: return "The step " + steps[0] + " is there twice.";
        case Kind::unknown_dependency:
            return "The step " + steps[0] + " depends on " + steps[1] + ", which is no step.";
        case Kind::double_dependency:
            return "The step " + steps[0] + " depends on " + steps[1] + " twice.";
        case Kind::cycle:
            return "The steps depend on one another in a circle: " + listed(steps, " on ") +
                   (steps.size() > named_max ? "." : " on " + steps[0] + ".");
    }
    return {};
}

GraphFault check_graph(std::span<const GraphNode> nodes, const GraphLimits& limits,
                       std::span<const std::string> known) {
    Graph graph;
    if (auto found = index(nodes, limits, known, graph)) return found;
    if (auto found = link(nodes, graph)) return found;
    const auto waits = stuck(graph);
    const auto one = std::ranges::find(waits, true);
    if (one == waits.end()) return {};
    return fault(Kind::cycle,
                 around(nodes, graph, waits, static_cast<std::size_t>(one - waits.begin())));
}

}  // namespace gh::plan

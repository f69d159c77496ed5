// Graphs of plans: what is taken can be worked off, each step after all that it depends on; a circle that is told is one.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/graph.hpp"

namespace {

using gh::plan::GraphFault;
using gh::plan::GraphNode;

/// Two octets a dependency: of which step, on which.
std::vector<GraphNode> nodes_of(const std::uint8_t* data, std::size_t size) {
    std::vector<GraphNode> nodes;
    const std::size_t steps = size == 0 ? 0 : data[0] % 24;
    for (std::size_t i = 0; i < steps; ++i) nodes.push_back({std::to_string(i), {}});
    for (std::size_t at = 1; at + 1 < size && steps > 0; at += 2) {
        auto& node = nodes[data[at] % steps];
        if (data[at] == 255) {
            node.id = std::to_string(data[at + 1] % 32);
        } else {
            node.depends_on.push_back(std::to_string(data[at + 1] % (steps + 1)));
        }
    }
    return nodes;
}

std::unordered_map<std::string, std::size_t> index_of(const std::vector<GraphNode>& nodes) {
    std::unordered_map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < nodes.size(); ++i) index.emplace(nodes[i].id, i);
    return index;
}

/// The slow and simple way.
bool can_be_worked_off(const std::vector<GraphNode>& nodes) {
    const auto index = index_of(nodes);
    std::vector<bool> done(nodes.size());
    for (std::size_t round = 0; round < nodes.size(); ++round) {
        for (std::size_t i = 0; i < nodes.size(); ++i)
            done[i] = std::ranges::all_of(
                nodes[i].depends_on, [&](const std::string& on) { return done[index.at(on)]; });
    }
    return std::ranges::all_of(done, [](bool each) { return each; });
}

void check_circle(const std::vector<GraphNode>& nodes, const std::vector<std::string>& steps) {
    const auto index = index_of(nodes);
    if (steps.empty()) std::abort();
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& on = nodes[index.at(steps[i])].depends_on;
        if (std::ranges::find(on, steps[(i + 1) % steps.size()]) == on.end()) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto nodes = nodes_of(data, size);
    const auto fault = gh::plan::check_graph(nodes, {.steps_max = 20, .edges_max = 60});
    if (static_cast<bool>(fault) == describe(fault).empty()) std::abort();
    if (fault.kind == GraphFault::Kind::cycle) check_circle(nodes, fault.steps);
    if (!fault && !can_be_worked_off(nodes)) std::abort();
    return 0;
}

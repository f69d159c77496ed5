#include "agents/threat.hpp"

#include <algorithm>

namespace gh::agents {
namespace {

constexpr std::array<std::string_view, threat_statuses.size()> names{"open", "acknowledged",
                                                                     "resolved", "false_positive"};

}  // namespace

std::string_view name_of(ThreatStatus status) { return names[static_cast<std::size_t>(status)]; }

std::optional<ThreatStatus> threat_status_of(std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return threat_statuses[static_cast<std::size_t>(found - names.begin())];
}

bool may_become(ThreatStatus from, ThreatStatus to) {
    if (from == to) return false;
    return !is_closed(from) || to == ThreatStatus::open;
}

}  // namespace gh::agents

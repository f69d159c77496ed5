#include <fmt/format.h>

#include <algorithm>

#include "app/inherited_variable.hpp"

namespace gh::app::inherited {

void allowed_origins(const Overlay& overlay, std::string_view value) {
    std::vector<std::string> origins;
    for (const auto& item : comma_list(overlay, value)) {
        if (auto origin = typed(overlay, gateway::origin_type(), item))
            origins.push_back(*std::move(origin));
    }
    if (origins.empty()) return;
    const bool any = std::ranges::find(origins, "*") != origins.end();
    for (std::size_t i = 0; i < overlay.settings.routes.size(); ++i) {
        auto& cors = overlay.settings.routes[i].cors;
        if (!cors) cors.emplace();
        if (any && cors->credentials) {
            overlay.refuse(fmt::format(
                "\"*\" together with the credentials that routes[{}] allows would let every page "
                "act as its visitor, allowed: a list of origins",
                i));
            return;
        }
        cors->any_origin = any;
        cors->origins = any ? std::vector<std::string>{} : origins;
        overlay.decide(fmt::format("routes[{}].cors.origins", i));
    }
}

void allowed_hosts(const Overlay& overlay, std::string_view value) {
    std::vector<std::string> hosts;
    for (const auto& item : comma_list(overlay, value)) {
        if (auto host = typed(overlay, gateway::host_type(), item))
            hosts.push_back(*std::move(host));
    }
    if (hosts.empty()) return;
    overlay.settings.allowed_hosts = std::move(hosts);
    overlay.decide("allowed_hosts");
}

}  // namespace gh::app::inherited

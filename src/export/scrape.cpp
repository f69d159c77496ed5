#include "export/scrape.hpp"

namespace gh::exporting {

std::string scrape(const telemetry::Registry& registry) {
    std::string page;
    page.reserve(64 * 1024);
    registry.render(page);
    return page;
}

}  // namespace gh::exporting

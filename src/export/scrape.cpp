#include "export/scrape.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gh::exporting {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts off what stands before `mark`.
std::string_view take_until(std::string_view& rest, char mark) {
    const auto found = rest.find(mark);
    const auto piece = rest.substr(0, found);
    rest = found == std::string_view::npos ? std::string_view{} : rest.substr(found + 1);
    return trimmed(piece);
}

/// The weight of a media range; nothing where it is no number from 0 to 1.
std::optional<double> weight_of(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto parameter = take_until(parameters, ';');
        if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
        double weight = 0;
        const auto* end = parameter.data() + parameter.size();
        const auto [stop, error] = std::from_chars(parameter.data() + 2, end, weight);
        if (error != std::errc() || stop != end || weight < 0 || weight > 1) return {};
        return weight;
    }
    return 1;
}

}  // namespace

PageFormat wanted_format(std::string_view accept) {
    double open = 0, plain = 0;
    while (!accept.empty()) {
        auto range = take_until(accept, ',');
        const auto type = take_until(range, ';');
        const auto weight = weight_of(range).value_or(0);
        if (type == "application/openmetrics-text") open = std::max(open, weight);
        if (type == "text/plain") plain = std::max(plain, weight);
    }
    return open > 0 && open >= plain ? PageFormat::open_metrics : PageFormat::prometheus;
}

std::string scrape(const telemetry::Registry& registry, PageFormat format) {
    std::string page;
    page.reserve(64 * 1024);
    registry.render(page, format);
    return page;
}

}  // namespace gh::exporting

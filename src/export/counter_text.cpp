#include "export/counter_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace gh::exporting {
namespace {

/// The value of `label` in `labels`, which begins behind the brace; escapes stay as they are (exposition formats, "Labels").
/// `labels` begins behind the closing brace afterwards.
std::optional<std::string_view> take_label(std::string_view& labels, std::string_view label) {
    std::optional<std::string_view> found;
    while (!labels.empty() && labels.front() != '}') {
        const auto equals = labels.find("=\"");
        if (equals == labels.npos) return {};
        const auto name = labels.substr(0, equals);
        labels.remove_prefix(equals + 2);
        std::size_t end = 0;
        while (end < labels.size() && labels[end] != '"') end += labels[end] == '\\' ? 2 : 1;
        if (end >= labels.size()) return {};
        if (name == label) found = labels.substr(0, end);
        labels.remove_prefix(end + 1);
        if (labels.starts_with(',')) labels.remove_prefix(1);
    }
    if (labels.empty()) return {};
    labels.remove_prefix(1);
    return found;
}

std::optional<double> number_of(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    text = text.substr(0, text.find_first_of(" \r"));  // a time may follow
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return {};
    return value;
}

}  // namespace

std::map<std::string, double, std::less<>> read_counter(std::string_view page,
                                                        std::string_view name,
                                                        std::string_view label) {
    std::map<std::string, double, std::less<>> sums;
    while (!page.empty()) {
        auto line = page.substr(0, page.find('\n'));
        page.remove_prefix(std::min(page.size(), line.size() + 1));
        if (!line.starts_with(name)) continue;
        line.remove_prefix(name.size());
        if (!line.starts_with('{')) continue;
        line.remove_prefix(1);
        const auto which = take_label(line, label);
        const auto value = which ? number_of(line) : std::nullopt;
        if (!value) continue;
        const auto known = sums.find(*which);
        if (known != sums.end()) {
            known->second += *value;
        } else if (sums.size() < counter_values_max) {
            sums.emplace(*which, *value);
        }
    }
    return sums;
}

}  // namespace gh::exporting

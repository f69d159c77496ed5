#include "api/path_tree.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/percent.hpp"
#include "codec/utf8.hpp"

namespace gh::api {
namespace {

/// The segment behind the slash at the front, which goes with it.
std::string_view take_segment(std::string_view& rest) {
    rest.remove_prefix(1);
    const auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    return segment;
}

constexpr std::string_view dots = "...";

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }
/// All that is left of the path.
bool is_rest(std::string_view segment) {
    return is_parameter(segment) && segment.ends_with("...}");
}

std::string_view name_of(std::string_view parameter) {
    parameter.remove_prefix(1);
    parameter.remove_suffix(1);
    if (parameter.ends_with(dots)) parameter.remove_suffix(dots.size());
    return parameter;
}

bool is_well_formed(std::string_view segment) {
    if (is_parameter(segment)) {
        if (segment.size() <= 2 || !segment.ends_with('}')) return false;
        const auto name = name_of(segment);
        return !name.empty() &&
               name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
    }
    return std::ranges::all_of(segment, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._~-").contains(c);
    });
}

/// A slash that is written as %2F would end a segment where the path has none.
Result<std::string> decode_rest(std::string first, std::string_view path) {
    auto value = std::move(first);
    bool whole = !value.contains('/');
    while (!path.empty()) {
        GH_TRY(const auto more, codec::percent_decode(take_segment(path)));
        whole = whole && !more.contains('/');
        value += '/' + more;
    }
    if (!whole) return fail(ErrorKind::invalid_argument, "path.parameter");
    return value;
}

std::unexpected<Error> malformed(std::string_view path_template, std::string_view why) {
    return fail(ErrorKind::invalid_argument, "route.template",
                std::string(path_template) + ": " + std::string(why));
}

}  // namespace

std::uint32_t PathTree::child(std::uint32_t node, std::string_view segment) {
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    if (is_parameter(segment)) {
        if (nodes_[node].parameter != none) return nodes_[node].parameter;
        nodes_[node].parameter = fresh;
    } else {
        auto& literals = nodes_[node].literals;
        const auto at = std::ranges::lower_bound(literals, segment, {},
                                                 &std::pair<std::string, std::uint32_t>::first);
        if (at != literals.end() && at->first == segment) return at->second;
        literals.emplace(at, std::string(segment), fresh);
    }
    nodes_.emplace_back();
    return fresh;
}

Result<std::size_t> PathTree::add(std::string_view path_template) {
    if (!path_template.starts_with('/')) return malformed(path_template, "must begin with /");
    std::size_t segments = 0;
    bool goes_on = false;
    for (auto rest = path_template; !rest.empty(); ++segments) {
        const auto segment = take_segment(rest);
        if (!is_well_formed(segment)) return malformed(path_template, "is malformed");
        if (goes_on) return malformed(path_template, "goes on behind its end");
        goes_on = is_rest(segment);
    }
    if (segments > path_segments_max) return malformed(path_template, "has too many segments");
    auto names = names_in(path_template);
    std::ranges::sort(names);
    if (std::ranges::adjacent_find(names) != names.end())
        return malformed(path_template, "names a parameter twice");

    std::uint32_t node = 0;
    for (auto rest = path_template; !rest.empty();) {
        const auto segment = take_segment(rest);
        if (!is_rest(segment)) node = child(node, segment);
    }
    auto& number = goes_on ? nodes_[node].rest : nodes_[node].number;
    if (number == none) {
        number = static_cast<std::uint32_t>(templates_.size());
        templates_.emplace_back(path_template);
    } else if (templates_[number] != path_template) {
        return malformed(path_template, "cannot be told from " + templates_[number]);
    }
    return number;
}

std::uint32_t PathTree::find_from(std::uint32_t node, std::string_view rest) const {
    const auto& here = nodes_[node];
    if (rest.empty()) return here.number;
    const bool more = rest.size() > 1;
    const auto segment = take_segment(rest);
    const auto literal =
        std::ranges::lower_bound(here.literals, segment, std::ranges::less{},
                                 [](const auto& each) { return std::string_view(each.first); });
    if (literal != here.literals.end() && literal->first == segment) {
        if (const auto found = find_from(literal->second, rest); found != none) return found;
    }
    if (here.parameter != none && !segment.empty()) {
        if (const auto found = find_from(here.parameter, rest); found != none) return found;
    }
    return more ? here.rest : none;
}

std::optional<std::size_t> PathTree::find(std::string_view path) const {
    if (!path.starts_with('/')) return std::nullopt;
    const auto found = find_from(0, path);
    return found == none ? std::nullopt : std::optional<std::size_t>(found);
}

Result<std::vector<Parameter>> parameters_of(std::string_view path_template,
                                             std::string_view path) {
    std::vector<Parameter> parameters;
    while (!path_template.empty() && !path.empty()) {
        const auto place = take_segment(path_template);
        const auto segment = take_segment(path);
        if (!is_parameter(place)) continue;
        GH_TRY(auto value, codec::percent_decode(segment));
        if (is_rest(place)) {
            GH_TRY(value, decode_rest(std::move(value), path));
            path = {};
        }
        if (codec::has_control_character(value))
            return fail(ErrorKind::invalid_argument, "path.parameter");
        parameters.push_back({name_of(place), std::move(value)});
    }
    return parameters;
}

std::vector<std::string_view> names_in(std::string_view path_template) {
    std::vector<std::string_view> names;
    while (!path_template.empty()) {
        const auto place = take_segment(path_template);
        if (is_parameter(place)) names.push_back(name_of(place));
    }
    return names;
}

}  // namespace gh::api

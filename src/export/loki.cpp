#include "export/loki.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "codec/json.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::exporting::loki {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> levels{
    {{"DEBUG", "debug"}, {"INFO", "info"}, {"WARNING", "warning"}, {"ERROR", "error"}}};

std::string_view name_of(Stream stream) { return stream == Stream::access ? "stdout" : "stderr"; }

using codec::json::append_quoted;

void append_label(std::string& out, std::string_view name, std::string_view value) {
    append_quoted(out, name);
    out += ':';
    append_quoted(out, value);
}

void append_labels(std::string& out, const Labels& labels, Stream stream, std::string_view level) {
    out += '{';
    for (const auto& [name, value] : labels) {
        append_label(out, name, value);
        out += ',';
    }
    append_label(out, "level", level);
    out += ',';
    append_label(out, "stream", name_of(stream));
    out += '}';
}

}  // namespace

std::string_view level_of(std::string_view line) {
    constexpr std::string_view before = R"({"timestamp":")", behind = R"(","level":")";
    constexpr auto at = before.size() + telemetry::timestamp_bytes;
    if (!line.starts_with(before) || line.size() < at || !line.substr(at).starts_with(behind))
        return "unknown";
    const auto rest = line.substr(at + behind.size());
    for (const auto& [written, level] : levels) {
        if (rest.starts_with(written) && rest.substr(written.size()).starts_with('"')) return level;
    }
    return "unknown";
}

void append_body(std::string& out, const Labels& labels, const std::vector<Entry>& entries) {
    struct Group {
        Stream stream;
        std::string_view level;
        std::vector<const Entry*> entries;
    };
    std::vector<Group> groups;
    for (const auto& entry : entries) {
        const auto level = level_of(entry.line);
        auto found = std::ranges::find_if(groups, [&](const Group& group) {
            return group.stream == entry.stream && group.level == level;
        });
        if (found == groups.end())
            found = groups.insert(found, {.stream = entry.stream, .level = level, .entries = {}});
        found->entries.push_back(&entry);
    }
    out += R"({"streams":[)";
    for (const auto& group : groups) {
        if (&group != &groups.front()) out += ',';
        out += R"({"stream":)";
        append_labels(out, labels, group.stream, group.level);
        out += R"(,"values":[)";
        for (const auto* entry : group.entries) {
            if (entry != group.entries.front()) out += ',';
            fmt::format_to(std::back_inserter(out), R"(["{}",)", entry->nanoseconds);
            append_quoted(out, entry->line);
            out += ']';
        }
        out += "]}";
    }
    out += "]}";
}

std::int64_t Stamps::stamp(std::int64_t nanoseconds) {
    constexpr auto step = std::chrono::nanoseconds(step_max).count();
    const bool back_a_little = nanoseconds <= last_ && last_ - nanoseconds <= step;
    last_ = back_a_little ? last_ + 1 : nanoseconds;
    return last_;
}

}  // namespace gh::exporting::loki

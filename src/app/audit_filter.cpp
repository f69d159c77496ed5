#include "app/audit_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "telemetry/json_text.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::app {
namespace {

constexpr audit::Severity severities[] = {audit::Severity::info, audit::Severity::low,
                                          audit::Severity::medium, audit::Severity::high,
                                          audit::Severity::critical};

std::optional<std::string> any_or(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return text;
}

std::unexpected<Error> usage(std::string_view option, std::string_view given,
                             std::string_view wanted) {
    return fail(ErrorKind::invalid_argument, "usage",
                fmt::format("command line: {}: {} is {}", option, config::quote(given), wanted));
}

Result<std::optional<SystemTime>> moment(std::string_view option, const std::string& text,
                                         SystemTime now) {
    if (text.empty()) return std::nullopt;
    if (const auto ago = config::parse_duration(text)) return now - *ago;
    if (const auto time = config::parse_time(text)) return *time;
    return usage(option, text, "no time, wanted: a duration such as 24h, or 2027-01-31T00:00:00Z");
}

/// For one column: no white space, nothing that ends it.
std::string column(std::string_view text) {
    if (text.empty()) return "-";
    std::string escaped;
    telemetry::append_json_text(escaped, text);
    std::ranges::replace(escaped, ' ', '_');
    return escaped;
}

std::string value_text(const audit::DetailValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        std::string escaped = "\"";
        telemetry::append_json_text(escaped, *text);
        return escaped + '"';
    }
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    return "null";
}

}  // namespace

Result<audit::Filter> filter_of(const AuditOptions& options, SystemTime now) {
    audit::Filter filter;
    filter.actor = any_or(options.actor);
    filter.action = any_or(options.action);
    filter.object_id = any_or(options.object);
    filter.object_type = any_or(options.object_type);
    if (!options.severity.empty()) {
        const auto* const found = std::ranges::find_if(severities, [&](audit::Severity each) {
            return audit::name_of(each) == options.severity;
        });
        if (found == std::ranges::end(severities))
            return usage("--severity", options.severity,
                         "none, allowed: info, low, medium, high, critical");
        filter.severity_min = *found;
    }
    GH_TRY(filter.since, moment("--since", options.since, now));
    GH_TRY(filter.until, moment("--until", options.until, now));
    return filter;
}

std::string shown(const audit::Entry& entry, bool json) {
    if (json) return fmt::format("{{\"index\":{},\"record\":{}}}\n", entry.index, entry.record);
    const auto record = audit::parse_record(entry.record);
    if (!record)
        return fmt::format("{} is not written as records are; see gatehouse audit verify\n",
                           entry.index);
    auto line =
        fmt::format("{} {} {} {} {}:{} {} {}:{} {}", entry.index,
                    telemetry::timestamp(record->time), audit::name_of(record->severity),
                    audit::name_of(record->outcome), access::name_of(record->actor_type),
                    column(record->actor), column(record->action), column(record->object_type),
                    column(record->object_id), record->client ? record->client->text() : "-");
    for (const auto& detail : record->details)
        line += fmt::format(" {}={}", column(detail.name), value_text(detail.value));
    return line + '\n';
}

}  // namespace gh::app

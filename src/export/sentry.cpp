#include "export/sentry.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "export/loki.hpp"
#include "export/sentry_event.hpp"
#include "telemetry/json_text.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::exporting::sentry {
namespace {

using codec::json::Value;
using codec::json::Writer;

constexpr std::size_t line_bytes_max = 256 * 1024;
constexpr std::size_t tag_bytes_max = 199;
constexpr std::size_t environment_bytes_max = 64, release_bytes_max = 200;
constexpr std::chrono::seconds forbidden_max = std::chrono::hours(24);
constexpr std::chrono::seconds forbidden_without_a_word{60};

/// Fields of a line that tell of the house alone. Others do not pass.
constexpr std::string_view tags[] = {"reason", "check", "kind"};
constexpr std::string_view extras[] = {"detail", "finding", "jwks_uri"};
constexpr std::string_view files[] = {"file",
                                      "cert_file"};  // their names: a path may name who has them
constexpr std::string_view ids[] = {"request_id", "correlation_id"};

/// What ids look like that nobody has put a name into.
bool is_id(std::string_view text) {
    const auto digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
    };
    return (text.size() == 32 || text.size() == 36) && std::ranges::all_of(text, digit);
}

/// Of a line that codec::json has not read: the value of a field as it is written.
std::string_view written(std::string_view line, std::string_view before) {
    const auto at = line.find(before);
    if (at == line.npos) return {};
    const auto value = line.substr(at + before.size());
    return value.substr(0, value.find('"'));
}

void mix(std::uint64_t& hash, std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xff) * 0x100000001b3ULL;  // an end, for no text has it
}

/// Releases and environments without what Sentry refuses in them.
std::string label(std::string_view text, std::size_t bytes_max, std::string_view instead) {
    std::string out(telemetry::cut_utf8(text, bytes_max));
    for (auto& c : out) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == '\\') c = '_';
    }
    return out.empty() || out == "." || out == ".." || out == "None" ? std::string(instead) : out;
}

void append_sdk(Writer& out, const About& about) {
    out.name("sdk").begin_object();
    out.name("name").string("gatehouse").name("version").string(about.version).end_object();
}

std::string_view text_of(const Value& line, std::string_view name) {
    const auto* text = line.find_string(name);
    return text == nullptr ? std::string_view() : std::string_view(*text);
}

void append_tags(Writer& out, const Value& line) {
    out.name("tags").begin_object();
    for (const auto name : tags) {
        const auto value = text_of(line, name);
        if (!value.empty()) out.name(name).string(telemetry::cut_utf8(value, tag_bytes_max));
    }
    for (const auto name : ids) {
        if (is_id(text_of(line, name))) out.name(name).string(text_of(line, name));
    }
    out.end_object();
}

void append_contexts(Writer& out, const Value& line, std::string_view event_id) {
    const auto trace = text_of(line, "trace_id");
    if (!is_id(trace)) return;
    out.name("contexts").begin_object().name("trace").begin_object();
    out.name("type").string("trace").name("trace_id").string(trace);
    // Sentry wants one; the line does not know which span was open.
    out.name("span_id").string(event_id.substr(0, 16)).end_object().end_object();
}

void append_extra(Writer& out, const Value& line, std::uint64_t before) {
    out.name("extra").begin_object();
    for (const auto name : extras) {
        if (!text_of(line, name).empty())
            out.name(name).string(telemetry::cut_utf8(text_of(line, name), message_bytes_max));
    }
    for (const auto name : files) {
        const auto path = text_of(line, name);
        if (!path.empty())
            out.name(name).string(
                telemetry::cut_utf8(path.substr(path.rfind('/') + 1), message_bytes_max));
    }
    if (before > 0) out.name("held_back").integer(static_cast<std::int64_t>(before));
    out.end_object();
}

/// Of one limit, "60:default;error:organization": nothing where it is not about errors.
std::optional<std::chrono::seconds> limit_of(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto colon = text.find(':');
    double seconds = 0;
    const auto number = text.substr(0, colon);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), seconds);
    if (error != std::errc() || end != number.data() + number.size() || !(seconds > 0))
        return std::nullopt;
    const auto rest = colon == text.npos ? std::string_view() : text.substr(colon + 1);
    auto categories = rest.substr(0, rest.find(':'));
    bool ours = categories.empty();  // all of them
    while (!categories.empty()) {
        const auto one = categories.substr(0, categories.find(';'));
        ours = ours || one == "error" || one == "default";
        categories.remove_prefix(std::min(one.size() + 1, categories.size()));
    }
    if (!ours) return std::nullopt;
    const auto most = static_cast<double>(forbidden_max.count());
    return std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, most)) + 1);
}

}  // namespace

std::string new_event_id() {
    const auto uuid = uuid_v4();
    std::string id;
    for (const char c : uuid) {
        if (c != '-') id += c;
    }
    return id;
}

bool is_error(std::string_view line) { return loki::level_of(line) == "error"; }

std::uint64_t kind_of(std::string_view line) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const std::string_view before : {R"(,"component":")", R"(,"message":")", R"(,"reason":")"})
        mix(hash, written(line, before));
    return hash;
}

void append_head(Writer& out, const EventHead& head, const About& about) {
    out.name("event_id").string(head.id).name("timestamp").string(head.timestamp);
    out.name("platform").string(head.platform).name("level").string(head.level);
    out.name("logger").string(head.logger);
    out.name("release").string(
        label(about.release, release_bytes_max, "gatehouse@" + about.version));
    out.name("environment").string(label(about.environment, environment_bytes_max, "production"));
    if (!about.server_name.empty()) out.name("server_name").string(about.server_name);
    append_sdk(out, about);
}

Result<std::string> event_of(std::string_view line, const About& about, std::string_view event_id,
                             std::uint64_t before) {
    GH_TRY(const auto read, codec::json::parse(line, {.bytes_max = line_bytes_max}));
    const auto component = text_of(read, "component"), message = text_of(read, "message");
    std::string formatted(message);
    for (const auto name : {"reason", "detail"}) {
        if (!text_of(read, name).empty()) formatted.append(": ").append(text_of(read, name));
    }
    std::string event;
    Writer out(event);
    out.begin_object();
    append_head(out,
                {.id = event_id,
                 .timestamp = text_of(read, "timestamp"),
                 .level = "error",
                 .logger = component,
                 .platform = "other"},
                about);
    out.name("logentry").begin_object().name("message").string(message);
    out.name("formatted").string(telemetry::cut_utf8(formatted, message_bytes_max)).end_object();
    out.name("fingerprint").begin_array().string(component).string(message);
    if (!text_of(read, "reason").empty()) out.string(text_of(read, "reason"));
    out.end_array();
    append_tags(out, read);
    append_contexts(out, read, event_id);
    append_extra(out, read, before);
    out.end_object();
    return event;
}

std::string envelope(std::string_view event_id, std::string_view event, const About& about,
                     SystemTime sent_at) {
    std::string out;
    Writer head(out);
    head.begin_object().name("event_id").string(event_id);
    head.name("sent_at").string(telemetry::timestamp(sent_at));
    append_sdk(head, about);
    head.end_object();
    out += '\n';
    Writer item(out);
    item.begin_object().name("type").string("event").name("length").integer(
        static_cast<std::int64_t>(event.size()));
    item.name("content_type").string("application/json").end_object();
    out.append("\n").append(event).append("\n");
    return out;
}

std::chrono::seconds forbidden_for(unsigned status, std::string_view limits,
                                   std::chrono::seconds retry_after) {
    std::chrono::seconds most{0};
    if (!limits.empty()) {
        while (!limits.empty()) {
            const auto one = limits.substr(0, limits.find(','));
            most = std::max(most, limit_of(one).value_or(most));
            limits.remove_prefix(std::min(one.size() + 1, limits.size()));
        }
        return most;
    }
    if (status != 429) return most;
    return retry_after.count() > 0 ? std::min(retry_after, forbidden_max)
                                   : forbidden_without_a_word;
}

Repeats::Verdict Repeats::look_at(std::uint64_t kind, SteadyTime now) {
    auto* entry = &entries_.front();
    for (auto& each : entries_) {
        const bool known = each.since != SteadyTime::min() && each.kind == kind;
        if (known || each.since < entry->since) entry = &each;
        if (known) break;
    }
    if (entry->since == SteadyTime::min() || entry->kind != kind)
        *entry = {.kind = kind, .since = now, .passed = 0, .held = 0};
    if (now - entry->since >= window) {
        entry->since = now;
        entry->passed = 0;
    }
    if (entry->passed >= same_max) {
        ++entry->held;
        return {};
    }
    ++entry->passed;
    return {.passes = true, .before = std::exchange(entry->held, 0)};
}

void Repeats::give_back(std::uint64_t kind, std::uint64_t before) {
    const auto entry = std::ranges::find_if(entries_, [kind](const Entry& each) {
        return each.since != SteadyTime::min() && each.kind == kind;
    });
    if (entry != entries_.end()) entry->held += before + 1;
}

}  // namespace gh::exporting::sentry

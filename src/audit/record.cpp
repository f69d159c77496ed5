#include "audit/record.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "audit/redaction.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "telemetry/json_text.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::audit {
namespace {

using access::PrincipalType;
using codec::json::Value;

constexpr std::int64_t version = 1;
constexpr std::string_view ellipsis = "\xe2\x80\xa6";     // U+2026
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::int64_t exact_max = (std::int64_t{1} << 53) - 1;

// The worst that texts can become, and room for what stands around them.
static_assert(telemetry::json_growth_max *
                      (record_subject_bytes_max * (1 + record_actors_max) +
                       record_word_bytes_max * 3 + record_object_id_bytes_max +
                       record_request_id_bytes_max * 2 +
                       record_details_max * (record_word_bytes_max + record_detail_bytes_max)) +
                  2048 <
              record_bytes_max);

constexpr std::array severities{Severity::info, Severity::low, Severity::medium, Severity::high,
                                Severity::critical};
constexpr std::array outcomes{Outcome::success, Outcome::denied, Outcome::failure};
constexpr std::array principal_types{
    PrincipalType::anonymous, PrincipalType::user,    PrincipalType::api_key,
    PrincipalType::agent,     PrincipalType::service, PrincipalType::certificate,
    PrincipalType::delegated,
};

// --- cleaning: what callers bring becomes what may be written ---

std::string clean(std::string_view text, std::size_t bytes_max) {
    std::string out(text.substr(0, telemetry::ascii_run(text)));
    text.remove_prefix(out.size());
    while (!text.empty()) {
        const auto sequence = telemetry::utf8_sequence(text);
        // PostgreSQL's text and jsonb hold no NUL.
        const bool fits = sequence.length != 0 && text[0] != '\0';
        out += fits ? text.substr(0, sequence.length) : replacement;
        text.remove_prefix(sequence.skip);
    }
    // Judged as it will be read, and whole: what is cut off may be what tells a secret.
    if (looks_secret(out)) return std::string(redacted);
    if (out.size() > bytes_max) {
        out.resize(telemetry::cut_utf8(out, bytes_max - ellipsis.size()).size());
        out += ellipsis;
    }
    return out;
}

DetailValue clean_value(std::string_view name, const DetailValue& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* text = std::get_if<std::string>(&value);
    if ((number || text) && names_secret(name)) return std::string(redacted);
    if (text) return clean(*text, record_detail_bytes_max);
    if (number && (*number > exact_max || *number < -exact_max)) return std::to_string(*number);
    return value;
}

std::vector<Detail> clean_details(const std::vector<Detail>& details) {
    std::vector<Detail> kept;
    for (const auto& detail : details) {
        if (kept.size() == record_details_max) break;
        auto name = clean(detail.name, record_word_bytes_max);
        // Two of one name are two meanings of one record; the first counts.
        if (std::ranges::find(kept, name, &Detail::name) != kept.end()) continue;
        auto value = clean_value(detail.name, detail.value);
        kept.push_back({.name = std::move(name), .value = std::move(value)});
    }
    if (kept.size() == details.size()) return kept;
    std::erase_if(kept, [](const Detail& detail) { return detail.name == ellipsis; });
    if (kept.size() == record_details_max) kept.pop_back();
    const auto left_out = static_cast<std::int64_t>(details.size() - kept.size());
    kept.push_back({.name = std::string(ellipsis), .value = left_out});
    return kept;
}

std::vector<std::string> clean_actors(const std::vector<std::string>& actors) {
    std::vector<std::string> kept;
    for (const auto& actor : std::span(actors).first(std::min(actors.size(), record_actors_max))) {
        kept.push_back(clean(actor, record_subject_bytes_max));
    }
    if (kept.size() < actors.size()) kept.back() = ellipsis;
    return kept;
}

Record clean(const Record& record) {
    return {
        .id = clean(record.id, record_word_bytes_max),
        .time = record.time,
        .severity = record.severity,
        .actor_type = record.actor_type,
        .actor = clean(record.actor, record_subject_bytes_max),
        .act = clean_actors(record.act),
        .action = clean(record.action, record_word_bytes_max),
        .object_type = clean(record.object_type, record_word_bytes_max),
        .object_id = clean(record.object_id, record_object_id_bytes_max),
        .outcome = record.outcome,
        .request_id = clean(record.request_id, record_request_id_bytes_max),
        .correlation_id = clean(record.correlation_id, record_request_id_bytes_max),
        .client = record.client,
        .details = clean_details(record.details),
    };
}

// --- writing: the one text of a record ---

void add_text(std::string& out, std::string_view text) {
    out += '"';
    telemetry::append_json_text(out, text);
    out += '"';
}

/// @param start  what stands before the value: `,"name":` or `{"name":`
void add_member(std::string& out, std::string_view start, std::string_view text) {
    out += start;
    add_text(out, text);
}

void add_value(std::string& out, const DetailValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return add_text(out, *text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        out += std::to_string(*number);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
        out += *flag ? "true" : "false";
    } else {
        out += "null";
    }
}

std::string write(const Record& record) {
    std::string out = "{\"v\":" + std::to_string(version);
    add_member(out, ",\"id\":", record.id);
    add_member(out, ",\"time\":", telemetry::timestamp(record.time));
    add_member(out, ",\"severity\":", name_of(record.severity));
    add_member(out, ",\"actor\":{\"type\":", name_of(record.actor_type));
    add_member(out, ",\"subject\":", record.actor);
    out += "},\"act\":[";
    for (std::string_view comma; const auto& actor : record.act) {
        add_member(out, std::exchange(comma, ","), actor);
    }
    add_member(out, "],\"action\":", record.action);
    add_member(out, ",\"object\":{\"type\":", record.object_type);
    add_member(out, ",\"id\":", record.object_id);
    add_member(out, "},\"outcome\":", name_of(record.outcome));
    add_member(out, ",\"request_id\":", record.request_id);
    add_member(out, ",\"correlation_id\":", record.correlation_id);
    add_member(out, ",\"client\":", record.client ? record.client->text() : "");
    out += ",\"details\":{";
    for (std::string_view comma; const auto& detail : record.details) {
        add_member(out, std::exchange(comma, ","), detail.name);
        out += ':';
        add_value(out, detail.value);
    }
    return out + "}}";
}

// --- reading: every member in its type; write() then judges the rest ---

std::unexpected<Error> malformed(std::string_view member) {
    return fail(ErrorKind::invalid_argument, "audit.record_malformed", std::string(member));
}

Result<std::string> read_text(const Value& object, std::string_view name) {
    const auto* text = object.find_string(name);
    if (text == nullptr) return malformed(name);
    return *text;
}

template <class Enum, std::size_t N>
Result<Enum> read_name(const Value& object, std::string_view name,
                       const std::array<Enum, N>& choices) {
    GH_TRY(const auto text, read_text(object, name));
    const auto found = std::ranges::find_if(choices, [&](Enum e) { return name_of(e) == text; });
    if (found == choices.end()) return malformed(name);
    return *found;
}

Result<SystemTime> read_time(const Value& object) {
    GH_TRY(const auto text, read_text(object, "time"));
    const auto time = telemetry::parse_timestamp(text);
    if (!time) return malformed("time");
    return *time;
}

Result<std::optional<codec::IpAddress>> read_client(const Value& object) {
    GH_TRY(const auto text, read_text(object, "client"));
    if (text.empty()) return std::nullopt;
    const auto address = codec::IpAddress::parse(text);
    if (!address) return malformed("client");
    return *address;
}

Result<std::vector<std::string>> read_actors(const Value& object) {
    const auto* member = object.find("act");
    const auto* array = member ? member->array() : nullptr;
    if (array == nullptr) return malformed("act");
    std::vector<std::string> actors;
    for (const auto& actor : *array) {
        if (actor.string() == nullptr) return malformed("act");
        actors.push_back(*actor.string());
    }
    return actors;
}

Result<std::vector<Detail>> read_details(const Value& object) {
    const auto* member = object.find("details");
    const auto* members = member ? member->object() : nullptr;
    if (members == nullptr) return malformed("details");
    std::vector<Detail> details;
    for (const auto& [name, value] : *members) {
        DetailValue read = nullptr;
        if (const auto* text = value.string()) {
            read = *text;
        } else if (const auto number = value.integer()) {
            read = *number;
        } else if (const auto flag = value.boolean()) {
            read = *flag;
        } else if (!value.is_null()) {
            return malformed("details");
        }
        details.push_back({.name = name, .value = std::move(read)});
    }
    return details;
}

Result<Record> read(const Value& line) {
    const auto* number = line.find("v");
    if (number == nullptr || number->integer() != version) return malformed("v");
    const auto* actor = line.find("actor");
    if (actor == nullptr) return malformed("actor");
    const auto* object = line.find("object");
    if (object == nullptr) return malformed("object");
    Record record;
    GH_TRY(record.id, read_text(line, "id"));
    GH_TRY(record.time, read_time(line));
    GH_TRY(record.severity, read_name(line, "severity", severities));
    GH_TRY(record.actor_type, read_name(*actor, "type", principal_types));
    GH_TRY(record.actor, read_text(*actor, "subject"));
    GH_TRY(record.act, read_actors(line));
    GH_TRY(record.action, read_text(line, "action"));
    GH_TRY(record.object_type, read_text(*object, "type"));
    GH_TRY(record.object_id, read_text(*object, "id"));
    GH_TRY(record.outcome, read_name(line, "outcome", outcomes));
    GH_TRY(record.request_id, read_text(line, "request_id"));
    GH_TRY(record.correlation_id, read_text(line, "correlation_id"));
    GH_TRY(record.client, read_client(line));
    GH_TRY(record.details, read_details(line));
    return record;
}

}  // namespace

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::info: return "info";
        case Severity::low: return "low";
        case Severity::medium: return "medium";
        case Severity::high: return "high";
        case Severity::critical: return "critical";
    }
    std::unreachable();
}

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::success: return "success";
        case Outcome::denied: return "denied";
        case Outcome::failure: return "failure";
    }
    std::unreachable();
}

std::string encode_record(const Record& record) { return write(clean(record)); }

Result<Record> parse_record(std::string_view line) {
    if (line.size() > record_bytes_max) {
        return fail(ErrorKind::invalid_argument, "audit.record_too_large");
    }
    const auto value = codec::json::parse(line, {.bytes_max = record_bytes_max, .depth_max = 4});
    if (!value) return malformed(value.error().reason);
    GH_TRY(auto record, read(*value));
    if (write(record) != line) {
        return fail(ErrorKind::invalid_argument, "audit.record_not_canonical");
    }
    return record;
}

Leaf make_leaf(const Record& record) {
    Leaf leaf{.record = clean(record), .line = {}};
    leaf.line = write(leaf.record);
    return leaf;
}

Result<Leaf> read_leaf(std::string line) {
    GH_TRY(auto record, parse_record(line));
    return Leaf{.record = std::move(record), .line = std::move(line)};
}

}  // namespace gh::audit

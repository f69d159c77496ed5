#include <algorithm>
#include <array>

#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {
namespace {

/// A name of a secret, by the mark in its middle.
struct Word {
    std::string_view text;  ///< lower case
    std::size_t mark;       ///< where its mark begins
    enum class Value : std::uint8_t {
        anything,  ///< behind ':' in prose, too
        unlikely,  ///< there only what no word of prose looks like
        given,     ///< only behind '=' or in quotes
        cookies,
        authorization,
        ssn
    } value;
};
using Value = Word::Value;

/// Longer ones before those they begin with.
constexpr Word words[] = {
    {"passphrase", 0, Value::anything},
    {"password", 0, Value::anything},
    {"passcode", 0, Value::anything},
    {"passwort", 0, Value::anything},
    {"passwd", 0, Value::anything},
    {"pass", 0, Value::anything},
    {"pwd", 0, Value::anything},
    {"credentials", 0, Value::unlikely},
    {"credential", 0, Value::unlikely},
    {"secret", 2, Value::unlikely},
    {"token", 1, Value::unlikely},
    {"cookie", 2, Value::cookies},
    {"authorization", 5, Value::authorization},
    {"session_id", 0, Value::unlikely},
    {"session-id", 0, Value::unlikely},
    {"sessionid", 0, Value::unlikely},
    {"sessid", 0, Value::unlikely},
    {"session", 0, Value::given},
    {"signature", 0, Value::given},
    {"sig", 0, Value::given},
    {"ssn", 0, Value::ssn},
};
/// What stands in front of "key" in the name of a secret, with or without '-', '_' or a blank between.
constexpr std::string_view key_kinds[] = {"api",     "access",  "private", "secret",
                                          "signing", "account", "master",  "encryption",
                                          "service", "auth",    "shared",  "subscription"};
/// What prose says behind "password: ".
constexpr std::string_view harmless[] = {
    "absent",  "accepted",  "bad",      "cannot",   "changed",  "denied",   "disabled",  "empty",
    "enabled", "error",     "expired",  "failed",   "false",    "hidden",   "incorrect", "invalid",
    "is",      "malformed", "mismatch", "missing",  "must",     "nil",      "no",        "none",
    "not",     "null",      "ok",       "optional", "redacted", "rejected", "required",  "reset",
    "revoked", "rotated",   "set",      "the",      "too",      "true",     "undefined", "unknown",
    "unset",   "updated",   "used",     "valid",    "was",      "weak",     "wrong",     "yes"};
static_assert(std::ranges::is_sorted(harmless));
constexpr std::string_view unset[] = {"false", "nil", "none", "null", "true", "undefined"};

/// Between a name and its value.
struct Gap {
    std::size_t value = 0;  ///< where it begins
    bool quoted = false;
    char quote = '"';
    std::size_t slashes = 0;  ///< in front of each quote: of JSON within JSON
    bool structural = false;  ///< the name is a key of the line itself
    bool colon = false;
    bool prose = false;  ///< ": " without quotes
};

std::size_t slashes_at(std::string_view text, std::size_t at) {
    constexpr std::size_t slashes_max = 15;
    std::size_t count = 0;
    while (count < slashes_max && char_at(text, at + count) == '\\') ++count;
    return count;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    constexpr std::size_t blanks_max = 8;
    for (std::size_t i = 0; i < blanks_max && is_blank(char_at(text, at)); ++i) ++at;
    return at;
}

/// What closes the name: '"', '\"', ''', ']'.
std::size_t skip_closing(const Place& place, std::size_t at, Gap& gap) {
    const auto& text = place.text;
    const auto slashes = slashes_at(text, at);
    const char c = char_at(text, at + slashes);
    if (c == '"') {
        gap.structural = place.form == Redactor::Form::json && slashes % 2 == 0;
        return at + slashes + 1;
    }
    if (slashes == 0 && (c == '\'' || c == ']' || c == '`')) return at + 1;
    return holds(text, at, "%5d") || holds(text, at, "%22") ? at + 3 : at;
}

/// "<password>" or "--password": what a name in front of '>' or a blank must be to have a value.
struct Lead {
    bool tag = false, option = false;
};

Lead lead_of(const Place& place) {
    constexpr std::size_t name_bytes_max = 32;
    const auto& text = place.text;
    auto begin = place.at;
    while (begin > place.floor && place.at - begin < name_bytes_max &&
           is_base64url(text[begin - 1]))
        --begin;
    return {.tag = begin > place.floor && text[begin - 1] == '<',
            .option = text.substr(begin, 2) == "--"};
}

std::optional<Gap> gap_behind(const Place& place, std::size_t at) {
    const auto& text = place.text;
    Gap gap;
    const auto name_end = at;
    at = skip_blanks(text, skip_closing(place, at, gap));
    bool colon = false;
    if (const char c = char_at(text, at); c == ':' || c == '=') {
        colon = c == ':';
        ++at;
        if (char_at(text, at) == '=' || char_at(text, at) == '>') ++at;
    } else if (holds(text, at, "%3d") || holds(text, at, "%3a")) {
        at += 3;
    } else if (const auto lead = lead_of(place); lead.tag && c == '>') {
        ++at;
    } else if (!lead.option || at == name_end || c == '-') {
        return {};
    }
    const auto begin = skip_blanks(text, at);
    gap.colon = colon;
    gap.prose = colon && begin > at;
    gap.value = begin;
    const auto slashes = slashes_at(text, begin);
    const char c = char_at(text, begin + slashes);
    const bool closes = place.form == Redactor::Form::json && slashes % 2 == 0;
    if (c == '"') {
        if (closes && !gap.structural) return {};  // the end of the string that the name is in
        if (!closes && gap.structural) return {};
        gap.quoted = true;
        gap.slashes = slashes;
        gap.value = begin + slashes + 1;
    } else if (slashes == 0 && c == '\'' && !gap.structural) {
        gap.quoted = true;
        gap.quote = '\'';
        gap.value = begin + 1;
    }
    gap.prose = gap.prose && !gap.quoted;
    return gap;
}

/// Where the string ends that the line itself has quotes around: at an unescaped '"', or the end.
bool ends_string(const Place& place, std::size_t slashes) {
    return place.form == Redactor::Form::json && slashes % 2 == 0;
}

std::size_t quoted_end(const Place& place, const Gap& gap) {
    const auto& text = place.text;
    std::size_t slashes = 0;
    for (auto at = gap.value; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\') {
            ++slashes;
            continue;
        }
        if (c == '"' && ends_string(place, slashes)) return at;
        if (c == gap.quote && slashes >= gap.slashes &&
            (slashes - gap.slashes) / (gap.slashes + 1) % 2 == 0) {
            return gap.quote == '\'' ? at : at - gap.slashes;
        }
        slashes = 0;
    }
    return text.size() - slashes % 2;
}

/// Does ',' at `at` begin something else: a blank, a quote, "name="?
bool comma_ends(std::string_view text, std::size_t at) {
    constexpr std::size_t name_bytes_max = 32;
    auto next = at + 1;
    while (next - at < name_bytes_max && is_base64url(char_at(text, next))) ++next;
    const char c = char_at(text, next);
    return next == at + 1 ? !is_alphanumeric(c) : c == '=' || c == ':';
}

std::size_t bare_end(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        const char c = text[at];
        if (c == '\\') {
            const char next = char_at(text, at + 1);
            if (next == '\\') {
                // Of more backslashes, so that they end in front of a quote.
                const auto slashes = slashes_at(text, at);
                if (char_at(text, at + slashes) == '"') return at;
                at += 2;
                continue;
            }
            if (next != 'u' && next != '/') return at;
            at += next == 'u' ? 6 : 2;
            continue;
        }
        if (is_blank(c) || std::string_view("\"'&;<>)]}`").contains(c)) break;
        if (c == ',' && comma_ends(text, at)) break;
        if (c == '%' && (holds(text, at, "%26") || holds(text, at, "%20"))) break;
        ++at;
    }
    return std::min(at, text.size());
}

/// To the end of the header line or of the string.
std::size_t line_end(std::string_view text, std::size_t at) {
    for (std::size_t slashes = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\') {
            ++slashes;
            continue;
        }
        if (slashes > 0 && (c == 'n' || c == 'r' || c == '"')) return at - slashes;
        if (c == '"' || c == '\n' || c == '\r') return at;
        slashes = 0;
    }
    return text.size();
}

template <std::size_t N>
bool is_one_of(std::string_view value, const std::string_view (&list)[N]) {
    while (!value.empty() && std::string_view(".,!?:").contains(value.back()))
        value.remove_suffix(1);
    constexpr std::size_t bytes_max = 12;
    if (value.size() > bytes_max) return false;
    std::array<char, bytes_max> buffer{};
    std::ranges::transform(value, buffer.begin(), lower);
    return std::ranges::binary_search(list, std::string_view(buffer.data(), value.size()));
}

std::optional<Found> number_value(const Place& place, const Gap& gap, RedactedKind kind) {
    const auto& text = place.text;
    auto end = gap.value;
    while (is_alphanumeric(char_at(text, end)) ||
           std::string_view("+-.").contains(char_at(text, end))) {
        if (char_at(text, end) == '\0') break;
        ++end;
    }
    const char first = char_at(text, gap.value);
    if (end == gap.value || (!is_digit(first) && first != '-')) return {};
    return Found{.begin = gap.value, .end = end, .kind = kind, .bare = true};
}

std::optional<Found> ssn_value(const Place& place, const Gap& gap) {
    const auto& text = place.text;
    std::string digits;
    auto end = gap.value;
    while (end - gap.value < 11 && (is_digit(char_at(text, end)) || char_at(text, end) == '-' ||
                                    char_at(text, end) == ' ')) {
        if (is_digit(text[end])) digits += text[end];
        ++end;
    }
    while (end > gap.value && !is_digit(text[end - 1])) --end;
    if (digits.size() != 9 || is_digit(char_at(text, end))) return {};
    const bool bare = gap.structural && !gap.quoted;
    if (bare && !std::string_view(",}] \n").contains(char_at(text, end))) return {};
    return Found{gap.value, end, RedactedKind::ssn, std::move(digits), bare};
}

std::size_t authorization_end(const Place& place, const Gap& gap) {
    const auto& text = place.text;
    auto end = bare_end(text, gap.value);
    const auto scheme = text.substr(gap.value, end - gap.value);
    if (holds(scheme, 0, "digest") || holds(scheme, 0, "aws4-hmac")) return line_end(text, end);
    const bool is_scheme = scheme.size() <= 12 && std::ranges::all_of(scheme, is_letter);
    return is_scheme && char_at(text, end) == ' ' ? bare_end(text, end + 1) : end;
}

std::optional<Found> value_of(const Place& place, const Word::Value kind, const Gap& gap) {
    const auto& text = place.text;
    if (kind == Value::ssn) return ssn_value(place, gap);
    if (gap.structural && !gap.quoted) return number_value(place, gap, RedactedKind::secret);
    const auto mask = mask_length(text.substr(gap.value));
    auto end = gap.value;
    if (gap.quoted) {
        end = quoted_end(place, gap);
    } else if (kind == Value::cookies && gap.colon) {
        // The first cookie's name ends soon, or there is none: what is looked at in vain must be short.
        constexpr std::size_t name_bytes_max = 256;
        if (!gap.structural && !text.substr(gap.value, name_bytes_max).contains('=')) return {};
        end = line_end(text, gap.value);
    } else if (kind == Value::authorization) {
        end = authorization_end(place, gap);
    } else {
        end = bare_end(text, gap.value + mask);  // its ']' is no end
    }
    const auto value = text.substr(gap.value, end - gap.value);
    if (value.empty() || (mask > 0 && gap.value + mask >= end) || is_one_of(value, unset))
        return {};
    if (kind == Value::cookies && !gap.structural && !value.contains('=') &&
        (gap.colon || !looks_random(value)))
        return {};
    if (!gap.quoted) {
        if (gap.prose && is_one_of(value.substr(0, value.find(' ')), harmless)) return {};
        if (gap.prose && kind == Value::given) return {};
        if (gap.prose && kind == Value::unlikely && !looks_random(value)) return {};
        if (kind == Value::given && value.size() < 6) return {};
    }
    return Found{.begin = gap.value, .end = end, .kind = RedactedKind::secret};
}

/// "api_key", "apiKey", "API KEY": is it a key of a kind that is secret?
bool is_secret_key(const Place& place) {
    auto end = place.at;
    if (end > place.floor && std::string_view("_- ").contains(place.text[end - 1])) --end;
    return std::ranges::any_of(key_kinds, [&](std::string_view kind) {
        return end >= place.floor + kind.size() && holds(place.text, end - kind.size(), kind);
    });
}

}  // namespace

std::optional<Found> match_named(const Place& place) {
    const auto& text = place.text;
    auto behind = place.at;
    auto kind = Value::unlikely;
    if (holds(text, place.at, "key")) {
        if (!is_secret_key(place)) return {};
        behind += 3;
    } else {
        const auto* word = std::ranges::find_if(words, [&](const Word& one) {
            return place.at >= place.floor + one.mark &&
                   lower(text[place.at - one.mark]) == one.text.front() &&
                   holds(text, place.at - one.mark, one.text);
        });
        if (word == std::end(words)) return {};
        const auto begin = place.at - word->mark;
        // Short ones are names by themselves only: no "bypass", "design", "classn".
        const bool brief = word->text.size() <= 4 || word->value == Value::given;
        if (brief && begin > place.floor && is_letter(text[begin - 1]) && !is_upper(text[begin]) &&
            escape_end(text, begin - 1, place.floor) != begin && word->text != "pwd")
            return {};
        // What stands for a value is no name: "[secret] = 1", "[token:3f9a1c02]"; "user[secret]=1" has one.
        if (begin > place.floor && mask_length(text.substr(begin - 1)) > 0 &&
            (begin - 1 <= place.floor || !is_base64url(text[begin - 2])))
            return {};
        behind = begin + word->text.size();
        kind = word->value;
    }
    if (is_digit(char_at(text, behind))) ++behind;
    const auto gap = gap_behind(place, behind);
    if (!gap) return {};
    return value_of(place, kind, *gap);
}

}  // namespace gh::telemetry::redaction

#include <algorithm>

#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {
namespace {

/// What the tokens of a service look like.
struct Shape {
    std::string_view begins;
    std::size_t mark;       ///< where its mark begins
    std::size_t bytes_min;  ///< of what follows
    std::size_t bytes_max = 1 << 20;
    enum class Body : std::uint8_t { letters, base64url, dotted, capitals } body = Body::base64url;
    bool drawn = false;  ///< a digit and a long part without '-' or '_' tell it from a name
};
using Body = Shape::Body;

constexpr Shape shapes[] = {
    {.begins = "gh_wrap.", .mark = 0, .bytes_min = 40, .body = Body::dotted},
    {.begins = "gh_", .mark = 0, .bytes_min = 45},  // an id, '_' and 43 characters
    {.begins = "ghe_", .mark = 0, .bytes_min = 60},
    {.begins = "gha_", .mark = 0, .bytes_min = 60},
    {.begins = "ghp_", .mark = 0, .bytes_min = 30},
    {.begins = "gho_", .mark = 0, .bytes_min = 30},
    {.begins = "ghu_", .mark = 0, .bytes_min = 30},
    {.begins = "ghs_", .mark = 0, .bytes_min = 30},
    {.begins = "ghr_", .mark = 0, .bytes_min = 30},
    {.begins = "github_pat_", .mark = 4, .bytes_min = 22},
    {.begins = "sk-", .mark = 0, .bytes_min = 20, .drawn = true},
    {.begins = "sk_live_", .mark = 0, .bytes_min = 16},
    {.begins = "sk_test_", .mark = 0, .bytes_min = 16},
    {.begins = "rk_live_", .mark = 0, .bytes_min = 16},
    {.begins = "rk_test_", .mark = 0, .bytes_min = 16},
    {.begins = "whsec_", .mark = 1, .bytes_min = 20},
    {.begins = "xoxa-", .mark = 0, .bytes_min = 10},
    {.begins = "xoxb-", .mark = 0, .bytes_min = 10},
    {.begins = "xoxp-", .mark = 0, .bytes_min = 10},
    {.begins = "xoxs-", .mark = 0, .bytes_min = 10},
    {.begins = "xoxe-", .mark = 0, .bytes_min = 10},
    {.begins = "xoxr-", .mark = 0, .bytes_min = 10},
    {.begins = "AKIA", .mark = 1, .bytes_min = 16, .bytes_max = 16, .body = Body::capitals},
    {.begins = "ASIA", .mark = 1, .bytes_min = 16, .bytes_max = 16, .body = Body::capitals},
    {.begins = "hvs.", .mark = 0, .bytes_min = 20},
    {.begins = "hvb.", .mark = 0, .bytes_min = 20},
    {.begins = "hvr.", .mark = 0, .bytes_min = 20},
    {.begins = "s.",
     .mark = 0,
     .bytes_min = 24,
     .bytes_max = 24,
     .body = Body::letters,
     .drawn = true},
    {.begins = "AIza", .mark = 1, .bytes_min = 35},
    {.begins = "glpat-", .mark = 1, .bytes_min = 20},
    {.begins = "npm_", .mark = 0, .bytes_min = 36, .body = Body::letters},
    {.begins = "pypi-", .mark = 1, .bytes_min = 40},
};

bool belongs(Body body, char c) {
    switch (body) {
        case Body::letters: return is_alphanumeric(c);
        case Body::base64url: return is_base64url(c);
        case Body::dotted: return is_base64url(c) || c == '.';
        case Body::capitals: return is_upper(c) || is_digit(c);
    }
    return false;
}

std::size_t end_of(std::string_view text, std::size_t at, Body body) {
    while (at < text.size() && belongs(body, text[at])) ++at;
    return at;
}

/// "sk-cube-grid-2" is a name; a token has a digit, and 16 characters without a break.
bool is_drawn(std::string_view body) {
    constexpr std::size_t run_min = 16;
    std::size_t run = 0, longest = 0;
    for (const char c : body) {
        run = is_alphanumeric(c) ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest >= run_min && std::ranges::any_of(body, is_digit);
}

}  // namespace

std::optional<Found> match_token(const Place& place) {
    const auto& text = place.text;
    if (text[place.at] == 's' && text.substr(place.at).starts_with("s.") &&
        !at_word(place, place.at))
        return {};  // the end of a word, more often than anything else
    for (const auto& shape : shapes) {
        if (place.at < place.floor + shape.mark) continue;
        const auto begin = place.at - shape.mark;
        if (text[begin] != shape.begins.front() || !text.substr(begin).starts_with(shape.begins))
            continue;
        if (!at_word(place, begin)) return {};
        if (begin > place.floor && text[begin - 1] == '.') return {};
        const auto body = begin + shape.begins.size();
        const auto end = end_of(text, body, shape.body);
        if (end - body < shape.bytes_min || end - body > shape.bytes_max) continue;
        if (shape.bytes_max < 100 && is_base64url(char_at(text, end))) continue;
        if (shape.drawn && !is_drawn(text.substr(body, end - body))) continue;
        return Found{.begin = begin, .end = end, .kind = RedactedKind::token};
    }
    return {};
}

std::optional<Found> match_jwt(const Place& place) {
    constexpr std::size_t header_bytes_min = 10, alone_bytes_min = 32;
    const auto& text = place.text;
    if (!at_word(place, place.at)) return {};
    auto end = end_of(text, place.at, Body::base64url);
    const auto header = end - place.at;
    if (header < header_bytes_min) return {};
    std::size_t parts = 1;
    for (; parts < 5 && char_at(text, end) == '.'; ++parts) {
        const auto next = end_of(text, end + 1, Body::base64url);
        if (next == end + 1) break;
        end = next;
    }
    if (parts < 2 && header < alone_bytes_min) return {};  // one that was cut, or another JSON
    return Found{.begin = place.at, .end = end, .kind = RedactedKind::token};
}

std::optional<Found> match_private_key(const Place& place) {
    constexpr std::string_view begin = "-----BEGIN ", end = "-----END ", dashes = "-----";
    constexpr std::size_t label_bytes_max = 40;
    const auto& text = place.text;
    if (text.substr(place.at, begin.size()) != begin) return {};
    const auto label = text.substr(place.at + begin.size(), label_bytes_max);
    const auto label_end = label.find(dashes);
    if (label_end == label.npos || !label.substr(0, label_end).ends_with("PRIVATE KEY")) return {};
    auto at = place.at + begin.size() + label_end + dashes.size();
    const auto body = at;
    // To its last line, or as far as the string that holds it.
    for (std::size_t slashes = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"' && slashes % 2 == 0) break;
        slashes = c == '\\' ? slashes + 1 : 0;
        if (c != '-' || text.substr(at, end.size()) != end) continue;
        const auto last = text.substr(at + end.size(), label_bytes_max).find(dashes);
        if (last != std::string_view::npos && !text.substr(at + end.size(), last).contains('"'))
            return Found{.begin = place.at, .end = at + end.size() + last + dashes.size()};
    }
    if (at == body) return {};
    return Found{.begin = place.at, .end = at};
}

}  // namespace gh::telemetry::redaction

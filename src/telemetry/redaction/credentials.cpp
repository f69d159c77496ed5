#include <algorithm>

#include "codec/base64.hpp"
#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {

std::size_t mask_length(std::string_view text) {
    constexpr std::size_t code_digits = 8, bytes_max = 20;
    text = text.substr(0, bytes_max);
    if (text.starts_with("***")) return std::min(text.find_first_not_of('*'), text.size());
    if (!text.starts_with('[')) return 0;
    const auto name = text.substr(1, text.find_first_of(":]", 1) - 1);
    if (!redacted_kind_of(name) && name != "redacted") return 0;
    auto rest = text.substr(1 + name.size());
    if (rest.starts_with(':') && std::ranges::all_of(rest.substr(1, code_digits), is_hex))
        rest = rest.substr(std::min(rest.size(), 1 + code_digits));
    return rest.starts_with(']') ? text.size() - rest.size() + 1 : 0;
}

bool looks_random(std::string_view value) {
    const bool digit = std::ranges::any_of(value, is_digit);
    const bool cases =
        std::ranges::any_of(value.substr(std::min<std::size_t>(1, value.size())), is_upper) &&
        std::ranges::any_of(value, [](char c) { return is_letter(c) && !is_upper(c); });
    return value.size() >= 6 && (digit || cases || value.size() >= 24);
}

std::optional<Found> match_scheme(const Place& place) {
    constexpr std::string_view bearer = "bearer", basic = "basic";
    constexpr std::size_t bearer_bytes_min = 16, basic_bytes_min = 8, basic_bytes_max = 512;
    const auto& text = place.text;
    const bool is_bearer = holds(text, place.at, bearer);
    if (!is_bearer && (place.at < place.floor + 2 || !holds(text, place.at - 2, basic))) return {};
    auto begin = is_bearer ? place.at + bearer.size() : place.at - 2 + basic.size();
    if (const char c = char_at(text, begin); c == ' ' || c == '+') {
        ++begin;
    } else if (text.substr(begin, 3) == "%20") {
        begin += 3;
    } else {
        return {};
    }
    auto end = begin;
    while (end < text.size() && (is_bearer || end - begin <= basic_bytes_max) &&
           (is_base64url(text[end]) || std::string_view(".~+/=").contains(text[end])))
        ++end;
    auto value = text.substr(begin, end - begin);
    if (is_bearer) {
        if (value.size() < bearer_bytes_min || !looks_random(value)) return {};
        return Found{.begin = begin, .end = end, .kind = RedactedKind::token};
    }
    if (value.size() < basic_bytes_min || value.size() > basic_bytes_max) return {};
    std::string padded(value.substr(0, value.find('=')));
    while (padded.size() % 4 != 0) padded += '=';
    const auto decoded = codec::decode_base64(padded);
    if (!decoded || !decoded->contains(':')) return {};
    return Found{.begin = begin, .end = end, .kind = RedactedKind::secret};
}

std::optional<Found> match_userinfo(const Place& place) {
    const auto& text = place.text;
    const auto begin = place.at + 3;
    auto at = std::string_view::npos;
    bool password = false;
    for (auto i = begin; i < text.size(); ++i) {
        const char c = text[i];
        if (is_blank(c) || std::string_view("/?#\"\\<>").contains(c)) break;
        if (c == ':') password = password || at == std::string_view::npos;
        if (c == '@') at = i;
    }
    if (at == std::string_view::npos || at == begin || !password) return {};
    if (begin + mask_length(text.substr(begin)) == at) return {};
    return Found{.begin = begin, .end = at, .kind = RedactedKind::secret};
}

}  // namespace gh::telemetry::redaction

#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {

bool holds(std::string_view text, std::size_t at, std::string_view word) {
    if (at > text.size() || text.size() - at < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (lower(text[at + i]) != word[i]) return false;
    }
    return true;
}

bool is_percent_escape(std::string_view text, std::size_t at) {
    return char_at(text, at) == '%' && is_hex(char_at(text, at + 1)) &&
           is_hex(char_at(text, at + 2));
}

std::size_t backslashes_before(std::string_view text, std::size_t end, std::size_t floor) {
    std::size_t count = 0;
    while (end - count > floor && text[end - count - 1] == '\\') ++count;
    return count;
}

std::size_t escape_end(std::string_view text, std::size_t at, std::size_t floor) {
    for (std::size_t back = 1; back <= 5 && at >= floor + back; ++back) {
        const auto slash = at - back;
        if (text[slash] != '\\') continue;
        if (backslashes_before(text, slash, floor) % 2 != 0) return at;
        const bool long_form = char_at(text, slash + 1) == 'u';
        if (back == 1) return at + (long_form ? 5 : 1);
        return long_form ? slash + 6 : at;
    }
    return at;
}

bool at_word(const Place& place, std::size_t at) {
    if (at <= place.floor) return true;
    const auto& text = place.text;
    const char before = text[at - 1];
    if (before == '\\') return escape_end(text, at, place.floor) == at;
    if (!is_base64url(before)) return true;
    const auto room = at - place.floor;
    if (room >= 3 && is_percent_escape(text, at - 3)) return true;
    if (room >= 2 && text[at - 2] == '\\') return std::string_view("nrtbf").contains(before);
    return room >= 6 && text[at - 6] == '\\' && text[at - 5] == 'u';
}

}  // namespace gh::telemetry::redaction

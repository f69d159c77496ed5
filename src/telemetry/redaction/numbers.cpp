#include <algorithm>
#include <array>
#include <charconv>

#include "codec/ip.hpp"
#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {
namespace {

constexpr std::size_t groups_max = 5;

/// Digits without anything between them, and what comes behind: ' ', '-', or 0 where the number ends.
struct Group {
    std::size_t begin, end;
    char separator;
    std::size_t next;  ///< where the next one begins
};

/// @param at  at a digit
Group group_at(std::string_view text, std::size_t at) {
    Group group{at, at, '\0', at};
    while (is_digit(char_at(text, group.end))) ++group.end;
    group.next = group.end;
    const char c = char_at(text, group.end);
    if (c == ' ' || c == '-' || c == '+') {
        group.separator = c == '-' ? '-' : ' ';
        group.next = group.end + 1;
    } else if (text.substr(group.end, 3) == "%20") {
        group.separator = ' ';
        group.next = group.end + 3;
    }
    if (!is_digit(char_at(text, group.next))) group.separator = '\0';
    return group;
}

bool passes_luhn(std::string_view digits) {
    unsigned sum = 0;
    bool twice = false;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, twice = !twice) {
        const auto value = static_cast<unsigned>(*digit - '0') * (twice ? 2 : 1);
        sum += value > 9 ? value - 9 : value;
    }
    return sum % 10 == 0;
}

/// First digits that issuers have, and how long their numbers are (ISO/IEC 7812; issuers' own pages).
struct Issuer {
    unsigned low, high;  ///< of as many digits as they have
    std::size_t prefix, digits_min, digits_max;
};
constexpr Issuer issuers[] = {
    {4, 4, 1, 16, 16},       {4, 4, 1, 13, 13},       {4, 4, 1, 19, 19},
    {51, 55, 2, 16, 16},     {2221, 2720, 4, 16, 16}, {34, 34, 2, 15, 15},
    {37, 37, 2, 15, 15},     {300, 305, 3, 14, 14},   {36, 36, 2, 14, 14},
    {38, 39, 2, 14, 14},     {6011, 6011, 4, 16, 19}, {644, 659, 3, 16, 19},
    {3528, 3589, 4, 16, 19}, {62, 62, 2, 16, 19},     {2200, 2204, 4, 16, 19},
    {5018, 5018, 4, 13, 19}, {5020, 5020, 4, 13, 19}, {5038, 5038, 4, 13, 19},
    {5893, 5893, 4, 13, 19}, {6304, 6304, 4, 13, 19}, {6759, 6763, 4, 13, 19},
};

bool is_card(std::string_view digits) {
    if (digits.size() < 13 || digits.size() > 19) return false;
    if (std::ranges::all_of(digits, [&](char c) { return c == digits.front(); })) return false;
    const auto known = [&](const Issuer& issuer) {
        if (digits.size() < issuer.digits_min || digits.size() > issuer.digits_max) return false;
        unsigned first = 0;
        std::from_chars(digits.data(), digits.data() + issuer.prefix, first);
        return issuer.low <= first && first <= issuer.high;
    };
    return std::ranges::any_of(issuers, known) && passes_luhn(digits);
}

/// The rules of the Social Security Administration: what was never given to anybody.
bool is_ssn(std::string_view digits) {
    const auto area = digits.substr(0, 3);
    return area != "000" && area != "666" && area.front() != '9' && digits.substr(3, 2) != "00" &&
           digits.substr(5) != "0000";
}

/// How people write them, by the sizes of their groups.
constexpr std::array<std::size_t, groups_max> layouts[] = {
    {4, 4, 4, 4, 3}, {4, 4, 4, 4, 0}, {4, 6, 5, 0, 0}, {4, 6, 4, 0, 0}, {3, 2, 4, 0, 0},
};

struct Written {
    std::string digits;
    std::size_t end = 0;
    bool more = false;  ///< a further group follows, behind a '-'
};

/// The number whose groups have these sizes, from `first` on.
std::optional<Written> written_as(std::string_view text, Group first,
                                  const std::array<std::size_t, groups_max>& sizes) {
    Written out;
    const char separator = first.separator;
    auto group = first;
    for (std::size_t i = 0; i < groups_max && sizes[i] != 0; ++i) {
        if (i > 0) {
            if (group.separator != separator || separator == '\0') return {};
            group = group_at(text, group.next);
        }
        if (group.end - group.begin != sizes[i]) return {};
        out.digits += text.substr(group.begin, sizes[i]);
    }
    out.end = group.end;
    out.more = group.separator == '-';
    return out;
}

/// May a number end here: does no part of a longer word follow?
bool ends_number(std::string_view text, std::size_t end) {
    const char c = char_at(text, end);
    return !is_alphanumeric(c) && c != '_' && !(c == '.' && is_digit(char_at(text, end + 1)));
}

std::optional<Found> number_from(const Place& place, const Group& first) {
    const auto& text = place.text;
    const auto size = first.end - first.begin;
    if (size >= 13 && size <= 19) {
        const auto digits = text.substr(first.begin, size);
        if (first.separator != '-' && ends_number(text, first.end) && is_card(digits))
            return Found{first.begin, first.end, RedactedKind::card, std::string(digits)};
        return {};
    }
    if (size != 3 && size != 4) return {};
    for (const auto& layout : layouts) {
        auto written = written_as(text, first, layout);
        if (!written || written->more || !ends_number(text, written->end)) continue;
        const bool social = written->digits.size() == 9;
        if (!(social ? is_ssn(written->digits) : is_card(written->digits))) continue;
        return Found{first.begin, written->end, social ? RedactedKind::ssn : RedactedKind::card,
                     std::move(written->digits)};
    }
    return {};
}

/// "DE89 3704 0044": two letters and two digits in front say that it is an account number.
bool is_iban(std::string_view text, std::size_t begin, std::size_t floor, const Group& first) {
    return first.end - begin == 2 && first.separator == ' ' && begin >= floor + 2 &&
           is_upper(text[begin - 1]) && is_upper(text[begin - 2]);
}

}  // namespace

std::optional<Found> match_number(const Place& place) {
    const auto& text = place.text;
    auto at = place.at;
    if (at < place.numbers_end) return {};
    // Within a word: what is before belongs to it, unless it is an escape.
    bool attached = !at_word(place, at) || (at > place.floor && text[at - 1] == '.');
    at = std::max(at, escape_end(text, at, place.floor));
    if (at > place.at) attached = false;
    char separator = '\0';  // in front of the group
    while (at < text.size()) {
        if (is_percent_escape(text, at)) {
            at += 3;
            attached = false;
            separator = '\0';
            continue;
        }
        if (!is_digit(text[at])) {
            const char c = text[at];
            if (c != ' ' && c != '-' && c != '+' && c != '%') break;
            attached = c == '-' && (attached || separator == '-');
            separator = '\0';
            ++at;
            continue;
        }
        const auto group = group_at(text, at);
        if (attached && is_iban(text, at, place.floor, group)) {
            while (at < text.size() && (is_digit(text[at]) || text[at] == ' ')) ++at;
            break;
        }
        if (!attached && separator != '-') {
            if (auto found = number_from(place, group)) return found;
        }
        separator = group.separator;
        attached = false;
        at = group.separator == '\0' ? group.end : group.next;
    }
    place.numbers_end = at;
    return {};
}

std::optional<Found> match_ip(const Place& place) {
    constexpr std::size_t bytes_max = 45;
    const auto& text = place.text;
    const auto part = [](char c) { return is_hex(c) || c == '.' || c == ':'; };
    auto begin = place.at;
    while (begin > place.floor && place.at - begin < bytes_max && part(text[begin - 1])) --begin;
    begin = escape_end(text, begin, place.floor);
    auto end = place.at;
    while (end < text.size() && end - begin <= bytes_max && part(text[end])) ++end;
    if (begin >= end || is_base64url(char_at(text, end)) || !at_word(place, begin)) return {};
    auto written = text.substr(begin, end - begin);
    while (written.ends_with('.') || (written.ends_with(':') && !written.ends_with("::")))
        written.remove_suffix(1);
    if (!std::ranges::any_of(written, is_digit)) return {};
    // "192.0.2.7:8080"
    if (written.contains('.') && written.rfind(':') != std::string_view::npos &&
        written.find(':') == written.rfind(':') && written.find('.') < written.find(':'))
        written = written.substr(0, written.find(':'));
    const auto address = codec::IpAddress::parse(written);
    if (!address) return {};
    return Found{begin, begin + written.size(), RedactedKind::ip, address->text()};
}

}  // namespace gh::telemetry::redaction

#include <algorithm>
#include <array>

#include "codec/hex.hpp"
#include "telemetry/redaction/match.hpp"

namespace gh::telemetry::redaction {
namespace {

constexpr std::size_t local_bytes_max = 320, domain_bytes_max = 253;

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool is_local(char c) {
    return is_alphanumeric(c) || is_beyond_ascii(c) || std::string_view("._+-%'").contains(c);
}

bool is_label(char c) { return is_alphanumeric(c) || c == '-' || is_beyond_ascii(c); }

/// Ends of names of files, units and machines that stand where a top-level domain would: "icon@2x.png", "user@1000.service",
/// "root@db.internal".
constexpr std::array<std::string_view, 32> no_domains{
    "avif", "bz2",    "css", "gif",   "gz",      "html",  "ico",         "internal",
    "jpeg", "jpg",    "js",  "json",  "lan",     "local", "localdomain", "localhost",
    "mjs",  "mount",  "png", "scope", "service", "slice", "socket",      "svg",
    "tar",  "target", "tgz", "timer", "ts",      "txt",   "webp",        "whl"};
static_assert(std::ranges::is_sorted(no_domains));

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = lower(c);
    return out;
}

bool is_top_level(std::string_view label) {
    if (label.size() < 2) return false;
    if (lowered(label.substr(0, 4)) == "xn--") return true;
    return std::ranges::all_of(label, [](char c) { return is_letter(c) || is_beyond_ascii(c); });
}

/// Where the local part begins, before `end`.
std::size_t local_begin(const Place& place, std::size_t end) {
    const auto& text = place.text;
    auto begin = end;
    while (begin > place.floor && end - begin < local_bytes_max && is_local(text[begin - 1])) {
        if (begin >= place.floor + 3 && text.substr(begin - 3, 3) == "%40") break;
        --begin;
    }
    // The sequence of UTF-8 that a long one would cut belongs to it no more.
    while (begin < end && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) ++begin;
    begin = escape_end(text, begin, place.floor);
    // "%3Cbob%40": what is encoded and no part of a name ends what comes before.
    for (auto i = begin; i + 3 <= end; ++i) {
        if (!is_percent_escape(text, i)) continue;
        const auto c =
            static_cast<char>(codec::hex_value(text[i + 1]) * 16 + codec::hex_value(text[i + 2]));
        if (c == '%' || !is_local(c)) begin = i + 3;
        i += 2;
    }
    while (begin < end && std::string_view(".-'").contains(text[begin])) ++begin;
    return begin;
}

/// Where the domain ends that begins at `begin`; there, if it is none.
std::size_t domain_end(std::string_view text, std::size_t begin) {
    auto end = begin;
    std::size_t labels = 0, numbers = 0;
    std::string_view last;
    for (auto at = begin; at - begin < domain_bytes_max;) {
        auto next = at;
        while (next - begin < domain_bytes_max && is_label(char_at(text, next))) ++next;
        const auto label = text.substr(at, next - at);
        if (label.empty() || label.front() == '-') break;
        ++labels;
        if (std::ranges::all_of(label, is_digit)) ++numbers;
        if (labels >= 2 && is_top_level(label)) {
            end = next;
            last = label;
        }
        if (char_at(text, next) != '.') break;
        at = next + 1;
    }
    // A sequence of UTF-8 that the limit cut is left whole.
    while (end > begin && (static_cast<unsigned char>(char_at(text, end)) & 0xc0) == 0x80) ++end;
    const bool version = numbers + 1 >= labels && is_digit(char_at(text, begin));
    if (version || std::ranges::binary_search(no_domains, lowered(last))) return begin;
    return end;
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_percent_escape(text, i)) {
            out += static_cast<char>(codec::hex_value(text[i + 1]) * 16 +
                                     codec::hex_value(text[i + 2]));
            i += 2;
        } else {
            out += lower(text[i]);
        }
    }
    return out;
}

}  // namespace

std::optional<Found> match_email(const Place& place) {
    const auto& text = place.text;
    auto sign = place.at;
    auto behind = sign + 1;
    if (text[sign] == '%') {
        behind = sign + 3;
    } else if (text[sign] == '0') {
        if (sign < place.floor + 3 || text.substr(sign - 3, 3) != "\\u0") return {};
        behind = sign + 3;
        sign -= 2;
        sign -= backslashes_before(text, sign, place.floor);
    }
    const auto end = domain_end(text, behind);
    if (end == behind) return {};
    const auto begin = local_begin(place, sign);
    if (begin >= sign) return {};
    const auto local = text.substr(begin, sign - begin);
    if (local == "git" || local == "hg" || local == "svn") return {};
    auto value = decoded(local) + '@' + lowered(text.substr(behind, end - behind));
    return Found{
        .begin = begin, .end = end, .kind = RedactedKind::email, .value = std::move(value)};
}

}  // namespace gh::telemetry::redaction

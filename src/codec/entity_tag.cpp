#include "codec/entity_tag.hpp"

#include <algorithm>
#include <cstdint>

namespace gh::codec {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// etagc: "!", all visible ASCII but the quote, and obs-text.
bool is_inside(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/// Blanks and commas at the front away; false where something else than a comma parts two tags.
bool skip_to_next(std::string_view& rest, bool first) {
    bool parted = first;
    while (!rest.empty() && (is_blank(rest.front()) || rest.front() == ',')) {
        parted = parted || rest.front() == ',';
        rest.remove_prefix(1);
    }
    return parted || rest.empty();
}

}  // namespace

bool EntityTags::holds_strongly(std::string_view strong_tag) const {
    return std::ranges::any_of(
        tags, [&](const EntityTag& tag) { return !tag.weak && tag.opaque == strong_tag; });
}

bool EntityTags::holds_weakly(std::string_view strong_tag) const {
    return std::ranges::any_of(tags,
                               [&](const EntityTag& tag) { return tag.opaque == strong_tag; });
}

Result<void> parse_entity_tags(std::string_view value, EntityTags& into) {
    const auto malformed = fail(ErrorKind::invalid_argument, "etag.malformed");
    auto rest = value;
    for (bool first = true;; first = false) {
        if (!skip_to_next(rest, first)) return malformed;
        if (rest.empty()) return {};
        if (into.any) return malformed;
        if (rest.front() == '*') {
            if (!into.tags.empty()) return malformed;
            into.any = true;
            rest.remove_prefix(1);
            continue;
        }
        EntityTag tag;
        tag.weak = rest.starts_with("W/");
        if (tag.weak) rest.remove_prefix(2);
        if (!rest.starts_with('"')) return malformed;
        std::size_t end = 1;
        while (end < rest.size() && is_inside(rest[end])) ++end;
        if (end == rest.size() || rest[end] != '"') return malformed;
        if (into.tags.size() == entity_tags_max)
            return fail(ErrorKind::invalid_argument, "etag.too_many");
        tag.opaque = rest.substr(0, end + 1);
        into.tags.push_back(tag);
        rest.remove_prefix(end + 1);
    }
}

}  // namespace gh::codec

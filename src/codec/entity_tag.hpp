#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace gh::codec {

inline constexpr std::size_t entity_tags_max = 64;

/// An entity tag (RFC 9110 §8.8.3). A view into the field it came from.
struct EntityTag {
    std::string_view opaque;  ///< with its quotes
    bool weak = false;
};

/// The value of If-Match or If-None-Match: "*", or a list.
struct EntityTags {
    bool any = false;
    std::vector<EntityTag> tags;

    /// RFC 9110 §8.8.3.2: the same octets, and neither weak.
    [[nodiscard]] bool holds_strongly(std::string_view strong_tag) const;
    /// The same octets.
    [[nodiscard]] bool holds_weakly(std::string_view strong_tag) const;
};

/// Reads one field value into `into`, which may hold the tags of earlier lines of that field. Empty elements of the list
/// mean nothing (RFC 9110 §5.6.1.2); "*" stands alone.
/// @return `invalid_argument` "etag.malformed", or "etag.too_many" above `entity_tags_max`
[[nodiscard]] Result<void> parse_entity_tags(std::string_view value, EntityTags& into);

}  // namespace gh::codec

// If-Match and If-None-Match from strangers: tags lie within the value, with their quotes, and "*" stands alone.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/entity_tag.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    gh::codec::EntityTags tags;
    if (!gh::codec::parse_entity_tags(input, tags)) return 0;
    demand(!tags.any || tags.tags.empty());
    demand(tags.tags.size() <= gh::codec::entity_tags_max);
    for (const auto& tag : tags.tags) {
        demand(tag.opaque.size() >= 2 && tag.opaque.front() == '"' && tag.opaque.back() == '"');
        demand(tag.opaque.find('"', 1) == tag.opaque.size() - 1);
        demand(tag.opaque.data() >= input.data() &&
               tag.opaque.data() + tag.opaque.size() <= input.data() + input.size());
        demand(tags.holds_weakly(tag.opaque));
        demand(tag.weak || tags.holds_strongly(tag.opaque));
    }
    return 0;
}

#include "codec/target.hpp"

#include <cstdint>

namespace gh::codec {

Result<Target> split_target(std::string_view target) {
    if (!target.starts_with('/')) return fail(ErrorKind::invalid_argument, "target.malformed");
    Target parts;
    const auto mark = target.find('?');
    parts.path = target.substr(0, mark);
    if (mark != std::string_view::npos) {
        parts.has_query = true;
        parts.query = target.substr(mark + 1);
    }
    if (parts.path.contains('#')) return fail(ErrorKind::invalid_argument, "target.fragment");
    for (const char c : parts.query) {
        if (c == '#') return fail(ErrorKind::invalid_argument, "target.fragment");
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte <= ' ' || byte >= 0x7f)
            return fail(ErrorKind::invalid_argument, "target.characters");
    }
    return parts;
}

}  // namespace gh::codec

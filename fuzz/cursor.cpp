// Cursors from strangers: one that is read is the very one that would be made of what was read. The input is taken as a
// cursor, and once more as the bytes inside one.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/paging.hpp"
#include "codec/base64.hpp"
#include "codec/utf8.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void check(std::string_view text) {
    for (std::size_t count = 1; count <= 4; ++count) {
        const auto keys = gh::api::decode_cursor(text, "l", count);
        if (!keys) continue;
        demand(keys->size() == count);
        for (const auto& key : *keys) {
            demand(key.size() <= gh::api::cursor_key_bytes_max && !key.contains('\0'));
            demand(gh::codec::is_utf8(key));
        }
        demand(gh::api::encode_cursor("l", *keys) == text);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check(input);
    check(gh::codec::encode_base64url(input));
    return 0;
}

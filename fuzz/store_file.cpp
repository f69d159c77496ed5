// A store file that passed has one text only, which is the one that was read.

#include "vault/backend/store_file.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = vault::parse_store_file(text);
    if (!file) return 0;
    if (vault::text_of(*file) != text) std::abort();
    if (vault::proved_text(*file).size() >= text.size()) std::abort();
    return 0;
}

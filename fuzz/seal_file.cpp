// A seal that passed is written again as one that reads as the same.

#include "vault/seal_file.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = vault::parse_seal_file(text);
    if (!file) return 0;
    const auto again = vault::parse_seal_file(vault::text_of(*file));
    if (!again || *again != *file) std::abort();
    return 0;
}

// What a Key Vault, or who pretends to be one, answers. A secret that was read is set again as it was.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/backend/azure_documents.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::vault::azure;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_page(text);
    (void)parse_token(text);
    if (parse_error(text).size() > 300) std::abort();
    (void)name_of(text);
    const auto bundle = parse_bundle(text);
    if (!bundle || bundle->fields.size() > value_bytes_max) return 0;
    const auto body = bundle_of("a/b", bundle->fields);
    if (!body) return 0;  // escapes made it longer than is allowed there
    const auto again = parse_bundle(*body);
    if (!again || again->path != "a/b") std::abort();
    return 0;
}

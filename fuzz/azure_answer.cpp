// What a Key Vault, or who pretends to be one, answers. A secret that was read is set again as it was; a key whose id was taken is
// asked for on the host that it names, at a path that says no more than name and version.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/backend/azure_documents.hpp"
#include "vault/backend/azure_keys.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::vault::azure;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_page(text);
    (void)parse_token(text);
    if (parse_error(text).size() > 300) std::abort();
    (void)name_of(text);
    if (const auto key = parse_key(text); key && !parse_key_id(*key)) std::abort();
    const auto result = parse_key_result(text);
    if (result && (result->value.empty() || result->value.size() > wrapped_bytes_max)) std::abort();
    if (const auto id = parse_key_id(text)) {
        const auto again =
            parse_key_id("https://" + id->authority + "/keys/" + id->name + "/" + id->version);
        const bool v6 = id->authority.contains(':');  // a port, or an address without its brackets
        if (!v6 && (!again || again->authority != id->authority || again->version != id->version))
            std::abort();
        if (!is_key_name(id->name) || id->version.find_first_of("/?#%.@") != std::string::npos)
            std::abort();
    }
    const auto bundle = parse_bundle(text);
    if (!bundle || bundle->fields.size() > value_bytes_max) return 0;
    const auto body = bundle_of("a/b", bundle->fields);
    if (!body) return 0;  // escapes made it longer than is allowed there
    const auto again = parse_bundle(*body);
    if (!again || again->path != "a/b") std::abort();
    return 0;
}

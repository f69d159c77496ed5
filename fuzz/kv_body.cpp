// Bodies of KV clients: what is taken as data is JSON by itself and stands in the body as it is.

#include "vault/kv_body.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)vault::kv::parse_versions(text);
    (void)vault::kv::parse_configuration(text);
    (void)vault::kv::parse_version_query(text);
    (void)vault::kv::asks_for_list(text);
    const auto write = vault::kv::parse_write(text);
    if (!write) return 0;
    const auto kept = crypto::text_of(write->data.bytes());
    const auto parsed = codec::json::parse(kept, {.bytes_max = kept.size()});
    if (!text.contains(kept) || !parsed || parsed->object() == nullptr) std::abort();
    return 0;
}

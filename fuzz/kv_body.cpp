// Bodies of KV clients: what is taken as data is JSON by itself and stands in the body as it is.

#include "vault/kv_body.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/json.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_json.hpp"
#include "vault/token_body.hpp"

namespace {

using namespace gh;

/// What is merged is an object still. Merged into itself, with whatever nulls it has, it is what it makes of nothing.
void check_merged(std::string_view object) {
    const auto from_nothing = vault::kv::merged("{}", object);
    const auto twice = vault::kv::merged(crypto::text_of(from_nothing.bytes()), object);
    const auto read = codec::json::parse(crypto::text_of(twice.bytes()));
    if (!read || read->object() == nullptr) std::abort();
    if (crypto::text_of(twice.bytes()) != crypto::text_of(from_nothing.bytes())) std::abort();
}

/// What is kept of a wish is JSON, and what is named of a body stands in it.
void check_tokens(std::string_view text) {
    const auto wanted = vault::kv::parse_wanted_token(text);
    if (wanted && !wanted->meta.empty() && !codec::json::parse(wanted->meta)) std::abort();
    if (wanted && wanted->terms.ttl <= seconds(0)) std::abort();
    for (const auto* what : {"token", "accessor", ""}) {
        const auto named = vault::kv::parse_named_token(text, what);
        if (named && !text.contains(named->text)) std::abort();
    }
    (void)vault::kv::duration_of(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)vault::kv::parse_versions(text);
    (void)vault::kv::parse_settings(text, false);
    (void)vault::kv::parse_settings(text, true);
    (void)vault::kv::parse_version_query(text);
    (void)vault::kv::asks_for_list(text);
    (void)vault::kv::parse_policy_text(text);
    (void)vault::kv::parse_paths(text);
    check_tokens(text);
    const auto write = vault::kv::parse_write(text);
    if (!write) return 0;
    const auto kept = crypto::text_of(write->data.bytes());
    const auto parsed = codec::json::parse(kept, {.bytes_max = kept.size()});
    if (!text.contains(kept) || !parsed || parsed->object() == nullptr) std::abort();
    check_merged(kept);
    return 0;
}

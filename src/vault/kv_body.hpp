#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "vault/secret.hpp"

/// Bodies of the API that clients of KV stores speak (version 2), read and written; pure.
///
/// Errors: `invalid_argument` "kv.body" or "kv.query", the detail is for the client.
namespace gh::vault::kv {

struct Write {
    crypto::Secret data;  ///< the JSON object, byte for byte
    std::optional<std::uint64_t> cas;
};
/// {"data": {"user": "ada"}, "options": {"cas": 1}}; null is no option.
[[nodiscard]] Result<Write> parse_write(std::string_view body);

/// {"versions": [1, 2]}: at least one.
[[nodiscard]] Result<std::vector<std::uint64_t>> parse_versions(std::string_view body);

/// {"max_versions": 5, "cas_required": true, "delete_version_after": "3h25m19s", "custom_metadata": {"owner": "ada"}}.
/// @param merges  what is null goes, and the other names of custom_metadata stay (RFC 7396)
[[nodiscard]] Result<SecretSettings> parse_settings(std::string_view body, bool merges);

/// version=2; 0 is the newest.
[[nodiscard]] Result<std::uint64_t> parse_version_query(std::string_view query);
/// list=true, in any of the spellings that Go reads
[[nodiscard]] bool asks_for_list(std::string_view query);

inline constexpr std::size_t paths_max = 100;

/// {"policy": "path \"secret/data/*\" { ... }"}, or `rules` as it was called before.
[[nodiscard]] Result<std::string> parse_policy_text(std::string_view body);
/// {"paths": ["secret/data/a"]}, or `path`; a list, or one text with commas. 1 to `paths_max`.
[[nodiscard]] Result<std::vector<std::string>> parse_paths(std::string_view body);

/// What is answered, in its envelope.
[[nodiscard]] std::string text_of(const SecretChange& written, std::string_view request_id);
[[nodiscard]] std::string text_of(const OpenedSecret& secret, std::string_view request_id);
[[nodiscard]] std::string text_of(const SecretFacts& facts, std::string_view request_id);
[[nodiscard]] std::string text_of(const std::vector<std::string>& names,
                                  std::string_view request_id);
/// Anything else as its data, which is JSON.
/// @param also_on_top  its members stand beside the envelope's, too, as in answers of older days
[[nodiscard]] std::string enveloped(std::string_view data, std::string_view request_id,
                                    bool also_on_top = false);
/// {"errors": [...]}; nothing: an empty list.
[[nodiscard]] std::string text_of_errors(std::string_view error);

}  // namespace gh::vault::kv

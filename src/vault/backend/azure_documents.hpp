#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/secret.hpp"

// What Azure Key Vault (REST, api-version 7.4) and Microsoft Entra ID say and want to hear. All pure.

namespace gh::vault::azure {

inline constexpr std::string_view api_version = "7.4";
inline constexpr std::size_t document_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t value_bytes_max = 25 * 1024;  ///< of a secret there

/// The name of a secret there: letters, digits and '-', at most 127. '/' becomes "--"; '_' and '.' become '-', so two paths may
/// have one name: the tag `path` tells whose it is.
/// @return `conflict` "backend.name": no such name can be made
[[nodiscard]] Result<std::string> name_of(std::string_view path);

struct Bundle {
    crypto::Secret fields;            ///< a JSON object
    std::optional<std::string> path;  ///< of the tag; nothing: others have made it
};
/// @return `corrupt` "backend.malformed"
[[nodiscard]] Result<Bundle> parse_bundle(std::string_view text);

/// The body that sets a secret: a single field `value` as it is, others as a JSON object (contentType says so).
[[nodiscard]] Result<std::string> bundle_of(std::string_view path, const crypto::Secret& fields);

struct Page {
    std::vector<std::string> paths;
    std::string next;  ///< URL of the next page, as it came; empty: there is none
};
/// @return `corrupt` "backend.malformed"
[[nodiscard]] Result<Page> parse_page(std::string_view text);

struct Token {
    crypto::Secret text;
    std::int64_t expires_in = 0;  ///< seconds
};
/// RFC 6749 §5.1. @return `corrupt` "backend.malformed"
[[nodiscard]] Result<Token> parse_token(std::string_view text);

/// "Forbidden: Caller is not authorized ...": what an error body says, cut and without control characters; may be empty.
[[nodiscard]] std::string parse_error(std::string_view text);

}  // namespace gh::vault::azure

#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"

/// Secrets are objects of JSON, as the clients of KV stores have them.
namespace gh::vault {

/// The field of a secret that has one.
inline constexpr std::string_view only_field = "value";

/// A secret of one field.
/// @param text  UTF-8
[[nodiscard]] crypto::Secret one_field(std::string_view field, std::string_view text);

/// The text of a string, the JSON of anything else. There is room for one octet behind it: what grew elsewhere would not be
/// wiped.
/// @param field  empty: `value`, or the only one
/// @param path   for the message
/// @return `not_found` "secret.field": the detail names those that there are
[[nodiscard]] Result<std::string> field_of(const crypto::Secret& secret, std::string_view field,
                                           std::string_view path);

}  // namespace gh::vault

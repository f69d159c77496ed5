#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {

/// Lower case, at most 253 bytes, no dot at the end; a wildcard may stand for the whole first label only.
[[nodiscard]] bool valid_dns_name(std::string_view name);

/// Sorts host names into DNS names and addresses: lower case, canonical, in their order, without repetition.
/// "[::1]" may wear its brackets and a name its closing dot.
/// @return `invalid_argument` "ca.name_invalid" with the name in the detail
[[nodiscard]] Result<crypto::CertificateNames> names_from_hosts(std::span<const std::string> hosts);
/// The same, and URIs among them: "::1" and "a.example" are hosts; what has "//" is a URI, judged by check_names().
[[nodiscard]] Result<crypto::CertificateNames> names_from(std::span<const std::string> names);

}  // namespace gh::pki

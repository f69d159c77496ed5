#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

#include "base/error.hpp"

namespace gh::pki {

/// For whom an authority may speak (RFC 5280 §4.2.1.10). Once there is an entry, kinds without one are refused altogether;
/// URIs follow the domains. Without any it may speak for all.
struct NameConstraints {
    std::vector<std::string> dns;       ///< "example.com": itself and all below; lower case
    std::vector<std::string> networks;  ///< "10.0.0.0/8", "fd00::/8"
    [[nodiscard]] bool empty() const { return dns.empty() && networks.empty(); }
    friend bool operator==(const NameConstraints&, const NameConstraints&) = default;
};

/// Sorts what an operator typed: whatever has a '/' or is an address is a network.
/// @return `invalid_argument` "ca.constraint" with the text in the detail
[[nodiscard]] Result<NameConstraints> constraints_from(const std::vector<std::string>& permitted);

/// What a certificate is limited to, as constraints_from() would have it.
[[nodiscard]] NameConstraints constraints_of(const X509* authority);

/// The extension, critical. @return false when memory is exhausted
[[nodiscard]] bool add_constraints(X509* authority, const NameConstraints& constraints);

/// Whether `leaf`, which is signed, says no more than `authority` may: what clients would find.
/// @return `invalid_argument` "ca.name_not_permitted"
[[nodiscard]] Result<void> check_constraints(X509* leaf, const X509* authority);

}  // namespace gh::pki

#pragma once

#include <string>
#include <vector>

#include "pki/openssl.hpp"
#include "pki/profile.hpp"

// For the .cpp files of this room only.

namespace gh::pki {

/// For values that are ours; what comes from a request never passes through this little language.
[[nodiscard]] ExtensionHandle make_extension(int nid, const char* value);
[[nodiscard]] bool add_extension(X509* certificate, const ExtensionHandle& extension);

/// basicConstraints, keyUsage and extKeyUsage of a leaf: made once.
[[nodiscard]] const std::vector<ExtensionHandle>& leaf_extensions(Profile profile);

/// subjectPublicKeyInfo (RFC 5280 §4.1.2.7) of a certificate that is signed and written, and not asked for its key.
[[nodiscard]] bool write_public_key(X509* certificate, EVP_PKEY* key);
/// RFC 5280 §4.2.1.2, method 1.
[[nodiscard]] bool add_subject_key_id(X509* certificate);
/// The key id of `issuer`, for those it signs.
[[nodiscard]] ExtensionHandle authority_key_id(const X509* issuer);

/// The octets it has of its issuer's; empty: none. X509_get0_authority_key_id() has all extensions read and the whole digested.
[[nodiscard]] std::string authority_key_id_of(const X509* certificate);

/// Where the list is that a leaf may be on (RFC 5280 §4.2.1.13). The URL is taken as it is.
[[nodiscard]] ExtensionHandle distribution_point(const std::string& crl_url);
/// Where to ask for a leaf, and where its issuer is (RFC 5280 §4.2.2.1).
[[nodiscard]] ExtensionHandle information_access(const std::string& ocsp_url,
                                                 const std::string& issuer_url);

}  // namespace gh::pki

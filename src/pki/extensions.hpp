#pragma once

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

/// RFC 5280 §4.2.1.2, method 1.
[[nodiscard]] bool add_subject_key_id(X509* certificate);
/// The key id of `issuer`, for those it signs.
[[nodiscard]] ExtensionHandle authority_key_id(const X509* issuer);

}  // namespace gh::pki

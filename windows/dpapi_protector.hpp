#pragma once

#include <memory>

#include "base/error.hpp"
#include "vault/protector.hpp"

namespace gh::windows {

/// Whoever runs this process, by Windows' Data Protection API: only this user of this machine (or of this domain) opens what it
/// sealed. A random key is given to CryptProtectData(), and the master key is sealed with that key and bound to what Windows made of
/// it, so that no octet of either can be another: not every Windows that there is looks at all of its own.
[[nodiscard]] std::unique_ptr<vault::Protector> dpapi_protector();

/// What an error of CryptUnprotectData() means, with Windows' own words behind.
/// @return `permission_denied` "dpapi.refused": it is another's, or was changed; `unavailable` "dpapi.failed": it may be good
[[nodiscard]] std::unexpected<Error> not_unprotected(unsigned long error);

}  // namespace gh::windows

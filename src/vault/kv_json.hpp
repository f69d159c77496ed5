#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/secret.hpp"

// JSON taken apart as it was written: a secret is kept byte for byte, numbers of any length among it. Pure. What these are
// given is JSON that was read well.

namespace gh::vault::kv {

/// The members of an object: names without their quotes and values, both as they stand there.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> members_of(
    std::string_view object);

/// Without white space around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// `target` with `patch` merged into it (RFC 7396): null removes a member, objects are merged within, all else replaces.
/// What the patch does not name stays as it was written. Never longer than both together.
/// @param target, patch  objects
[[nodiscard]] crypto::Secret merged(std::string_view target, std::string_view patch);

}  // namespace gh::vault::kv

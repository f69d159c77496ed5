#pragma once

#include <string>
#include <string_view>

#include "vault/transit/repository.hpp"

namespace gh::vault::transit {

/// What is told of a key, as JSON: its settings, and of each version that may still be used when it was made and its public
/// half, which is empty where it does not open.
/// @param context  of a derived key, whose public halves it has; may be empty
[[nodiscard]] std::string text_of(const OpenedKey& key, std::string_view context);

}  // namespace gh::vault::transit

#pragma once

#include <string_view>

namespace gh::audit {

/// What stands where a secret would have stood.
inline constexpr std::string_view redacted = "[redacted]";

/// Does a value of this name want to be kept quiet? "password", "client_secret", "Refresh-Token", ...; not "token_id".
[[nodiscard]] bool names_secret(std::string_view name);

/// Does the text hold something in the shape of a secret: a JWT, an API key of ours, a private key, a bearer or basic
/// credential, a password in a URL? It cannot know every shape.
[[nodiscard]] bool looks_secret(std::string_view text);

}  // namespace gh::audit

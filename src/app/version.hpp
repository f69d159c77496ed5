#pragma once

#include <string>
#include <string_view>

namespace gh::app {

/// "0.1.0"
[[nodiscard]] std::string_view version();

/// Version, commit, build id, compiler and the libraries that are linked; one line each, or a JSON object.
[[nodiscard]] std::string version_text(bool json);

}  // namespace gh::app

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/environment.hpp"
#include "vault/backend/backend.hpp"

namespace gh::vault {

/// "env/JWT_SECRET_KEY" is JWT_SECRET_KEY; "team/database" is TEAM_DATABASE.
[[nodiscard]] std::string variable_of(std::string_view path);

/// The environment of this process: what was there before there was a vault. It is read only, and weak.
[[nodiscard]] std::unique_ptr<Backend> environment_backend(config::Environment environment);

}  // namespace gh::vault

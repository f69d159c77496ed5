#pragma once

#include <string>

#include "app/command_table.hpp"

namespace gh::app {

/// For /usr/share/bash-completion/completions/gatehouse, or `source <(gatehouse completion bash)`.
[[nodiscard]] std::string bash_completion(const CommandVerb& program);
/// For _gatehouse in a folder of zsh's fpath.
[[nodiscard]] std::string zsh_completion(const CommandVerb& program);

}  // namespace gh::app

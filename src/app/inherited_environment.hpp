#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/inherited_variable.hpp"
#include "app/settings.hpp"

namespace gh::app {

/// A variable that backends already use and that means the same here.
struct InheritedVariable {
    std::string_view name;
    std::string_view alias;    ///< another spelling; both set and different is an error
    std::string_view sets;     ///< the keys that it overrides
    std::string_view example;  ///< for `.env.example`; empty for secrets
    std::string_view doc;
    void (*apply)(const Overlay& overlay, std::string_view value);
};

/// All that this build reads. Variables of rooms that are not built are not read.
[[nodiscard]] std::span<const InheritedVariable> inherited_variables();

/// Lets each variable that is set, and not empty, override the file.
void apply_environment(const config::Environment& environment, Settings& settings,
                       config::Origins& origins, SecretJudge& judge, config::Problems& problems,
                       std::vector<std::string>& warnings);

/// The text of `.env.example`.
[[nodiscard]] std::string environment_example();

}  // namespace gh::app

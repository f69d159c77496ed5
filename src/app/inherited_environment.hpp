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

/// Is it one that says how to open the vault or its database, so that it cannot be in it?
[[nodiscard]] bool opens_vault(const InheritedVariable& variable);

/// Variables of the vault, less those that opens_vault(), where `outside` sets neither them nor their other name to anything but
/// nothing.
[[nodiscard]] config::Environment with_vault(const config::Environment& outside,
                                             const config::Environment& vault);
/// A problem for each secret that `outside` sets and that belongs into the vault.
void refuse_secrets_outside(const config::Environment& outside, config::Problems& problems);

/// All that this build reads. Variables of rooms that are not built are not read.
[[nodiscard]] std::span<const InheritedVariable> inherited_variables();

/// Lets each variable that is set, and not empty, override the file.
void apply_environment(const config::Environment& environment, Settings& settings,
                       config::Origins& origins, SecretJudge& judge, config::Problems& problems,
                       std::vector<std::string>& warnings);

/// The text of `.env.example`.
[[nodiscard]] std::string environment_example();

}  // namespace gh::app

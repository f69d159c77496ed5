#include "app/staying_variables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/inherited_environment.hpp"
#include "app/vault_secrets.hpp"

namespace gh::app {
namespace {

/// Does a start of this house lay it below its environment?
bool is_own(const EnvOnDisk& file, const Overrides& overrides) {
    if (overrides.env_file) return file.is(*overrides.env_file);
    return overrides.config_file &&
           file.is(std::filesystem::absolute(*overrides.config_file).parent_path() / ".env");
}

void add_opening(const config::Origins& origins, vault::EnvReasons& reasons) {
    const std::string why = "it opens the vault or its database";
    reasons.emplace("ENCRYPTION_KEY", why);  // whichever house it is of
    for (const auto key : opening_keys())
        if (const auto name = origins.decider(key); !name.empty()) reasons.emplace(name, why);
}

/// Named by a key that says how to open the vault: there is no other place for it.
bool opens(const config::Origins& origins, std::string_view name) {
    const auto reference = fmt::format("${{env:{}}}", name);
    return std::ranges::any_of(opening_keys(), [&](std::string_view key) {
        const auto* written = origins.find(key);
        return written != nullptr && written->contains(reference);
    });
}

}  // namespace

vault::EnvReasons staying_variables(const ReadSettings& read, const Overrides& overrides,
                                    const ImportOptions& options, const EnvOnDisk& file) {
    vault::EnvReasons reasons;
    add_opening(read.origins, reasons);
    for (const auto& name : read.named_variables) {
        reasons.emplace(name, opens(read.origins, name)
                                  ? "it opens the vault or its database"
                                  : fmt::format("the configuration names it; write "
                                                "${{secret:{}{}}} there first",
                                                options.folder, name));
    }
    for (const auto& name : options.keep) reasons.emplace(name, "--keep");
    if (read.settings.vault.variables == options.folder || !is_own(file, overrides)) return reasons;
    for (const auto& variable : inherited_variables()) {
        for (const auto name : {variable.name, variable.alias}) {
            if (name.empty()) continue;
            reasons.emplace(name, opens_vault(variable)
                                      ? "it may open the vault or its database"
                                      : fmt::format("this house reads it here; set "
                                                    "vault.variables: {} first",
                                                    options.folder));
        }
    }
    return reasons;
}

}  // namespace gh::app

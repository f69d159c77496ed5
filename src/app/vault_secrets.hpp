#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/configured_backend.hpp"
#include "app/settings.hpp"
#include "config/environment.hpp"

namespace gh::app {

/// Keys of the configuration that open the vault: nothing of theirs can be in it.
[[nodiscard]] std::span<const std::string_view> opening_keys();

/// What a configuration takes from the vault that it names itself, or from where else it says that secrets rest. Opens it with the first question, and has every secret that
/// it hands out in the audit log.
class VaultSecrets final : public config::SecretResolver {
 public:
    /// @param overrides, surroundings  outlive it
    VaultSecrets(const Overrides& overrides, const Surroundings& surroundings);
    ~VaultSecrets() override;

    /// @param field  empty: `value`, or the only one
    [[nodiscard]] Result<std::string> resolve(std::string_view path,
                                              std::string_view field) override;
    /// Those of inherited_variables() that vault.variables may hold. None where there is no vault yet.
    /// @param settings  name the folder
    [[nodiscard]] Result<config::Environment> variables(const Settings& settings);
    /// What keeps it from answering just now, such as a database that is away; null: nothing.
    [[nodiscard]] const Error* away() const { return away_ ? &*away_ : nullptr; }
    /// Handed out so far.
    [[nodiscard]] std::size_t count() const { return count_; }

 private:
    [[nodiscard]] Result<vault::Backend*> open();
    [[nodiscard]] Result<ConfiguredBackend> opened() const;
    void note(const Error& error);
    [[nodiscard]] Result<std::string> read(vault::Backend& backend, const std::string& path,
                                           std::string_view field);

    const Overrides& overrides_;
    const Surroundings& surroundings_;
    ConfiguredBackend configured_;
    std::size_t count_ = 0;
    std::optional<Error> failed_;  ///< to open it, so that it is tried once
    std::optional<Error> away_;
};

/// For verbs that make no use of secrets of the configuration, and must run before those are there: something else in place of
/// each, never the same twice.
class UnusedSecrets final : public config::SecretResolver {
 public:
    [[nodiscard]] Result<std::string> resolve(std::string_view path,
                                              std::string_view field) override;
};

}  // namespace gh::app

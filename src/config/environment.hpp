#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::config {

/// A copy of environment variables: taken once, so that a start and its tests see one state.
class Environment {
 public:
    Environment() = default;
    explicit Environment(std::map<std::string, std::string, std::less<>> variables)
        : variables_(std::move(variables)) {}

    /// Of this process.
    [[nodiscard]] static Environment of_process();
    /// Variables of a `.env` laid below these: what is set here wins.
    [[nodiscard]] Environment over(const Environment& below) const;

    /// Unset and empty are told apart.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    [[nodiscard]] const auto& all() const { return variables_; }

 private:
    std::map<std::string, std::string, std::less<>> variables_;
};

/// Answers `${secret:path#field}`. Implemented by the room that keeps secrets.
class SecretResolver {
 public:
    virtual ~SecretResolver() = default;
    /// @param field  empty: the secret has only one
    [[nodiscard]] virtual Result<std::string> resolve(std::string_view path,
                                                      std::string_view field) = 0;
};

}  // namespace gh::config

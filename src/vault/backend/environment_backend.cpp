#include "vault/backend/environment_backend.hpp"

#include <utility>

#include "base/try.hpp"
#include "vault/config.hpp"
#include "vault/env_file.hpp"
#include "vault/secret_fields.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault {
namespace {

class EnvironmentBackend final : public Backend {
 public:
    explicit EnvironmentBackend(config::Environment environment)
        : environment_(std::move(environment)) {}

    [[nodiscard]] std::string name() const override { return "the environment"; }
    [[nodiscard]] std::string_view weakness() const override {
        return "every child process and whoever inspects the container reads the environment; "
               "move its secrets into the vault: gatehouse secrets import .env";
    }

    Task<Result<crypto::Secret>> get(std::string path) override {
        GH_CO_TRY_VOID(check_secret_path(path));
        const auto variable = variable_of(path);
        const auto value = environment_.find(variable);
        if (!value) {
            co_return fail(ErrorKind::not_found, "secret.unknown",
                           "the environment does not set " + variable);
        }
        co_return one_field(only_field, *value);
    }

    Task<Result<void>> set(std::string path, crypto::Secret /*fields*/) override {
        co_return read_only(path);
    }

    /// Those that are secrets by their names or values.
    Task<Result<std::vector<std::string>>> list(std::string folder) override {
        std::vector<std::string> paths;
        for (const auto& [name, value] : environment_.all())
            if (is_secret_variable(name, value)) paths.push_back(std::string(env_folder) + name);
        co_return names_below(paths, folder);
    }

    Task<Result<void>> remove(std::string path) override { co_return read_only(path); }

 private:
    static std::unexpected<Error> read_only(std::string_view path) {
        return fail(ErrorKind::permission_denied, "backend.read_only",
                    "the environment is read only: set or unset " + variable_of(path) +
                        " where this process gets its own");
    }

    config::Environment environment_;
};

}  // namespace

std::string variable_of(std::string_view path) {
    if (path.starts_with(env_folder)) path.remove_prefix(env_folder.size());
    std::string name;
    for (const char c : path) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        name += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return name;
}

std::unique_ptr<Backend> environment_backend(config::Environment environment) {
    return std::make_unique<EnvironmentBackend>(std::move(environment));
}

}  // namespace gh::vault

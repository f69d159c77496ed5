#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"

namespace gh::vault {

/// Where the secrets of the configuration and of the shell rest. The same calls for every place; which one it is, the
/// configuration says (`vault.backend`).
///
/// Paths are as check_secret_path() has them; a secret is a JSON object of fields, see secret_fields.hpp.
/// Errors besides those of the place: `not_found` "secret.unknown", "secret.deleted"; `invalid_argument` "secret.path";
/// `permission_denied` "backend.denied", "backend.read_only"; `unavailable` "backend.away"; `conflict` "backend.name",
/// "backend.deleted". Details say what to do.
class Backend {
 public:
    virtual ~Backend() = default;
    /// For people: "the Azure Key Vault https://team.vault.azure.net".
    [[nodiscard]] virtual std::string name() const = 0;
    /// Why it is no place for secrets in production; empty: it is one.
    [[nodiscard]] virtual std::string_view weakness() const { return {}; }

    [[nodiscard]] virtual Task<Result<crypto::Secret>> get(std::string path) = 0;
    /// What was there is replaced.
    [[nodiscard]] virtual Task<Result<void>> set(std::string path, crypto::Secret fields) = 0;
    /// Names directly below a folder, in order of their bytes; folders end with '/'.
    /// @param folder  nothing, or "team/"
    [[nodiscard]] virtual Task<Result<std::vector<std::string>>> list(std::string folder) = 0;
    [[nodiscard]] virtual Task<Result<void>> remove(std::string path) = 0;
};

/// One of those names for each of the paths below the folder.
[[nodiscard]] std::vector<std::string> names_below(const std::vector<std::string>& paths,
                                                   std::string_view folder);

/// What was seen of a secret that was made for the purpose.
struct BackendCheck {
    std::string_view what;  ///< "written", "read back", "listed", "deleted", "gone"
    Result<void> outcome;
};

/// Writes a secret of random text, reads it back, lists, deletes and looks for it again; ends with the first that fails.
[[nodiscard]] Task<Result<std::vector<BackendCheck>>> check_backend(Backend& backend);

}  // namespace gh::vault

#pragma once

#include <memory>

#include "base/error.hpp"
#include "identity/config.hpp"
#include "identity/token_issuer.hpp"
#include "identity/trust.hpp"

namespace gh::identity {

struct BuildOptions {
    /// Development only: lets placeholder and published secrets pass. Short keys are refused all the same.
    bool weak_secrets_allowed = false;
    /// Whose tokens are ours; null: we make none.
    const TokenIssuer* own = nullptr;
};

/// From what is configured to what credentials are judged by. Reads key files; call it at the start and on a reload,
/// not in a request.
///
/// @param hasher    of API keys
/// @param previous  the Trust before a reload, or null: sets fetched for an issuer that did not change are kept, so that
///                  a reload asks nobody to sign in anew
/// @return          `invalid_argument` "auth.invalid"; the detail names the issuer or key and what is wrong with it
[[nodiscard]] Result<std::shared_ptr<const Trust>> build_trust(
    const AuthConfig& config, std::shared_ptr<const ApiKeyHasher> hasher, const Trust* previous,
    BuildOptions options = {});

}  // namespace gh::identity

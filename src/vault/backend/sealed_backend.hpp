#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/database.hpp"
#include "vault/backend/backend.hpp"
#include "vault/secret.hpp"
#include "vault/secret_repository.hpp"

namespace gh::vault {

/// Who is told of what is done with secrets of the sealed store: the audit log.
struct SealedActs {
    std::function<storage::Also<SecretChange>(std::string action)> changed;
    std::function<Task<Result<void>>(std::string path, std::uint64_t version)> read;
};

/// Our own store: the newest version of each.
/// @param secrets  what it stands on outlives it
[[nodiscard]] std::unique_ptr<Backend> sealed_backend(SecretRepository secrets, SealedActs acts);

}  // namespace gh::vault

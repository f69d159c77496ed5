#pragma once

#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "vault/secret_repository.hpp"

namespace gh::vault {

/// What the routes of this room work with. Outlives them.
struct Room {
    SecretRepository& secrets;
    audit::Log& audit;
};

/// /v1/secret/*: what clients of KV stores speak (OpenBao's API, KV version 2), with any credential of ours in
/// X-Vault-Token. Every read of a value and every write is in the audit log, or it does not happen.
[[nodiscard]] std::vector<api::Route> kv_routes(Room& room);

}  // namespace gh::vault

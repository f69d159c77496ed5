#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "access/permission.hpp"
#include "api/route.hpp"
#include "audit/log.hpp"
#include "vault/policy_repository.hpp"
#include "vault/rotation/uses.hpp"
#include "vault/secret_repository.hpp"
#include "vault/tokens.hpp"
#include "vault/wrapped_answers.hpp"

namespace gh::vault {

/// What the routes of this room work with. Outlives them.
struct Room {
    SecretRepository& secrets;
    PolicyRepository& policies;
    WrappedAnswers& wrapped;
    Tokens& tokens;
    audit::Log& audit;
    /// What roles hold that an operator has made.
    std::function<std::shared_ptr<const access::CustomRoles>()> roles;
    rotation::Uses& uses;  ///< who reads what is rotated
};

/// /v1/secret/*: what clients of KV stores speak (OpenBao's API, KV version 2), with any credential of ours in
/// X-Vault-Token. Every read of a value and every write is in the audit log, or it does not happen.
[[nodiscard]] std::vector<api::Route> kv_routes(Room& room);
/// /v1/sys/policies/acl, and /v1/sys/policy as it was called before: who may do what to which path.
[[nodiscard]] std::vector<api::Route> policy_routes(Room& room);
/// /v1/sys/health, seal-status, leader, mounts and capabilities-self: what clients ask before anything else.
[[nodiscard]] std::vector<api::Route> self_routes(Room& room);
/// /v1/auth/token: credentials that last for a while, made, renewed and ended by whoever holds one.
[[nodiscard]] std::vector<api::Route> token_routes(Room& room);
/// /v1/sys/wrapping: answers that wait for whoever holds their token.
[[nodiscard]] std::vector<api::Route> wrap_routes(Room& room);

}  // namespace gh::vault

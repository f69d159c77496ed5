#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "base/task.hpp"
#include "net/work_pool.hpp"
#include "telemetry/log.hpp"
#include "vault/compat.hpp"
#include "vault/room.hpp"
#include "vault/transit/open_keys.hpp"
#include "vault/transit/repository.hpp"

namespace gh::vault::transit {

/// What the routes of transit work with. Outlives them.
struct TransitRoom {
    Room& vault;
    Repository& keys;
    OpenKeys& open;
    const net::WorkPool& pool;  ///< for what costs milliseconds
    const net::WorkPool&
        making;  ///< for new keys, which cost seconds: uses of others do not wait for them
    telemetry::Log& log;
};

/// /v1/transit/keys and what is below: who makes and changes keys. Every write is in the audit log, or it does not happen.
[[nodiscard]] std::vector<api::Route> key_routes(TransitRoom& room);
/// encrypt, decrypt, rewrap, datakey, sign, verify, hmac: who uses them. Every use that gives anything away is in the audit log.
[[nodiscard]] std::vector<api::Route> use_routes(TransitRoom& room);
/// export, which only keys know that were made for it.
[[nodiscard]] std::vector<api::Route> export_routes(TransitRoom& room);
/// random and hash, of transit and of sys/tools.
[[nodiscard]] std::vector<api::Route> tool_routes(TransitRoom& room);

/// Another version of each key that wants one by itself; how many. From any node: one of them is the first.
/// @return the first error, once all were tried; among them "transit.too_many"
[[nodiscard]] Task<Result<std::uint64_t>> rotate_due(TransitRoom& room, SystemTime now);
/// Another version of a key.
/// @param record  of who wants it; its object is said here
[[nodiscard]] Task<Result<KeyChange>> rotate(TransitRoom& room, KeyFacts facts, SystemTime now,
                                             audit::Record record);

/// Its record, with what of the key it tells.
[[nodiscard]] storage::Also<KeyChange> recorded(audit::Record record);
/// A key's new material; RSA's on the pool, which is `making`.
[[nodiscard]] Task<Result<Material>> generate(const net::WorkPool& pool, KeyType type,
                                              std::uint32_t key_bytes);

/// What it found wrong, as a client reads it; errors of others stay what they are.
[[nodiscard]] Result<api::Reply> told(Error error);

}  // namespace gh::vault::transit

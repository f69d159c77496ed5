#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "config/secret.hpp"
#include "config/type.hpp"
#include "storage/url.hpp"

namespace gh::storage {

/// Connections to the database. Defaults are those of the manual.
struct PoolConfig {
    std::uint32_t min = 5;
    std::uint32_t max = 20;
    milliseconds acquire_timeout{10'000};
    milliseconds statement_timeout{30'000};
    milliseconds idle_timeout{600'000};    ///< above `min`, who is not wanted for so long is closed
    milliseconds lifetime_max{1'800'000};  ///< then it makes place for a new one, once it is idle
    /// PostgreSQL: idle for longer, it is asked whether it is there before it is lent. No key of the file.
    milliseconds unused_max{15'000};
    /// PostgreSQL: to be connected, from the name's address on. No key of the file.
    milliseconds connect_timeout{10'000};
    friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

/// `storage` of gatehouse.yaml.
struct StorageConfig {
    std::optional<StorageUrl>
        url;                  ///< without a password; unset: gatehouse.db in the data directory
    config::Secret password;  ///< of PostgreSQL's user; empty: none is sent
    PoolConfig pool;
    milliseconds slow_query{1'000};
    friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

/// How `storage` is read, shown and described.
[[nodiscard]] config::Type<StorageConfig> storage_type();

}  // namespace gh::storage

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/key_store.hpp"
#include "identity/key_repository.hpp"
#include "identity/revocations.hpp"
#include "identity/role_repository.hpp"
#include "identity/user_repository.hpp"
#include "pki/certificate_repository.hpp"
#include "storage/database.hpp"
#include "storage/migration.hpp"
#include "storage/observer.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// 32 random bytes of the key store, made when they are not there yet.
[[nodiscard]] Result<crypto::Secret> kept_secret(crypto::KeyStore& keys, std::string_view name);

/// In the key store: what the HMAC keys of external ACME accounts are made of.
inline constexpr std::string_view acme_key = "acme-external";
/// In the key store: what the tokens of enrolments are made of.
inline constexpr std::string_view enrolment_key = "enrolment";

/// What is durable, opened: the database and the repositories over it. `serve` has one, and so has every verb that looks at
/// or changes the state; they may run side by side.
class State {
 public:
    enum class Schema : std::uint8_t { bring_up, as_it_is };

    /// Opens the database. The embedded engine is brought to the schema of this program; a server is only connected to,
    /// in the background: see check_schema().
    /// @param log     may be null
    /// @param schema  as_it_is: for who looks only, and looks at no API key
    /// @return        errors of the key store, of opening, of migration
    [[nodiscard]] static Result<std::unique_ptr<State>> open(const Settings& settings,
                                                             crypto::KeyStore& keys,
                                                             telemetry::Registry& registry,
                                                             telemetry::Log* log,
                                                             Schema schema = Schema::bring_up);

    /// Is it as this program wants it, and does nobody replace what is in it?
    /// @return `conflict` "migration.pending", "storage.replaced": the detail says what to do; the errors of storage::schema_state(), among
    ///         them those of a database that is away
    [[nodiscard]] Task<Result<void>> check_schema();

    /// Ends the connections in an orderly way. Nobody may ask the database or a repository any more; they may still be
    /// held by who stands still.
    void close() { database.reset(); }

    /// Of what open() has made ready.
    State(std::unique_ptr<storage::Observer> watching, std::unique_ptr<storage::Database> opened,
          crypto::Secret hash_key);

    const std::unique_ptr<storage::Observer> observer;  ///< the database's
    std::unique_ptr<storage::Database> database;        ///< until close()
    const std::shared_ptr<const identity::ApiKeyHasher> hasher;
    identity::UserRepository users;
    identity::KeyRepository keys;
    identity::RoleRepository roles;
    identity::RevocationRepository revocations;
    pki::CertificateRepository certificates;
};

}  // namespace gh::app

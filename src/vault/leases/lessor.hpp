#pragma once

#include <optional>
#include <string>

#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/url.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "vault/leases/repository.hpp"
#include "vault/secret_repository.hpp"

namespace gh::vault::leases {

/// The secret of the vault that a connection rests as.
[[nodiscard]] std::string secret_of(std::string_view connection);

struct MadeLease {
    Lease lease;
    crypto::Secret password;  ///< to be shown once
};

/// Makes users of PostgreSQL for those who ask, and ends them. A lease is in the database before the server hears of its
/// user and until that user is gone: what is cut short is ended by whichever node is there.
///
/// Errors besides those of Repository: `not_found` "lease.connection"; `permission_denied` "lease.role"; `invalid_argument`
/// "lease.server": what the server said, or the secret of the connection names another server than was set; `unavailable` of storage::run_once().
class Lessor {
 public:
    struct Parts {
        Repository& leases;
        SecretRepository& secrets;
        telemetry::Registry& registry;
        telemetry::Log& log;
    };
    explicit Lessor(Parts parts);

    /// @param record  of who asks; what is made is said here
    [[nodiscard]] Task<Result<MadeLease>> make(std::string role, std::string holder,
                                               audit::Record record);
    /// @param wished  from now on; nothing: as long as at first
    [[nodiscard]] Task<Result<Lease>> renew(Lease lease, std::optional<seconds> wished,
                                            audit::Record record);
    /// Over from now on. Its user goes at once, or as soon as the server is there.
    [[nodiscard]] Task<Result<void>> revoke(std::string id, audit::Record record);

    /// Ends what is over. What fails is logged, and tried again. @return errors of the house's own database
    [[nodiscard]] Task<Result<void>> end_due();
    [[nodiscard]] Task<Result<void>> observe();

 private:
    /// Of a connection, as it was meant when it was set.
    [[nodiscard]] Task<Result<storage::PostgresUrl>> server_of(std::string connection);
    [[nodiscard]] Task<Result<void>> end(Lease lease);
    [[nodiscard]] Task<Result<void>> end_user(const Lease& lease);

    Parts parts_;
    telemetry::Gauge& live_;
    telemetry::Gauge& failing_;
    telemetry::Counter& failed_;
};

}  // namespace gh::vault::leases

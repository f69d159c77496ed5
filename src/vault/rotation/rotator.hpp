#pragma once

#include <functional>
#include <string>

#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "net/work_pool.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "vault/rotation/repository.hpp"
#include "vault/rotation/roles.hpp"
#include "vault/secret_repository.hpp"

namespace gh::vault::rotation {

/// Does what is due. A new value is in the database, sealed, before a server hears of it, and a version once the server has
/// taken it: whoever goes on after a crash, here or on another node, does the same again. Readers see versions only.
class Rotator {
 public:
    /// A record of the audit log: who does what (`secret.rotate`) to which path.
    using Record = std::function<audit::Record(std::string action, std::string path)>;
    struct Parts {
        Repository& rotations;
        SecretRepository& secrets;
        const net::WorkPool& making;  ///< for keys, which cost seconds
        telemetry::Registry& registry;
        telemetry::Log& log;
        Record record;
    };
    explicit Rotator(Parts parts);

    /// What is due on any path. What fails is logged, and in the history.
    /// @return errors of the house's own database
    [[nodiscard]] Task<Result<void>> run_due();
    /// The next step of one path. @return false: it is another node's, or there is nothing to do yet
    [[nodiscard]] Task<Result<bool>> advance(std::string path);
    /// Brings the gauges up to date.
    [[nodiscard]] Task<Result<void>> observe();

 private:
    [[nodiscard]] Task<Result<void>> advance_due(std::string path);
    /// @return how long we may take with what a server is told
    [[nodiscard]] Task<Result<storage::OncePatience>> extend(Claimed claimed);
    [[nodiscard]] StillOurs still(const Claimed& claimed);
    [[nodiscard]] Task<Result<Rotation>> take_step(const Claimed& claimed);
    [[nodiscard]] Task<Result<void>> begin(const Claimed& claimed);
    [[nodiscard]] Task<Result<Rotation>> apply(const Claimed& claimed);
    [[nodiscard]] Task<Result<Rotation>> retire(const Claimed& claimed);
    [[nodiscard]] Task<Result<Rotation>> roll_back(const Claimed& claimed);
    [[nodiscard]] storage::Also<Rotation> recorded(const Claimed& claimed, std::string action,
                                                   audit::Severity severity);
    void tell(const Claimed& claimed, const Rotation& after);
    void tell_failure(const Claimed& claimed, const Error& error, const Rotation& after);

    Parts parts_;
    telemetry::Counter& done_;
    telemetry::Counter& failed_;
    telemetry::Gauge& rules_;
    telemetry::Gauge& due_;
    telemetry::Gauge& held_;
    telemetry::Gauge& failing_;
    telemetry::Gauge& last_success_;
};

}  // namespace gh::vault::rotation

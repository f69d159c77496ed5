#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "app/learn_cursor.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/internal_ca.hpp"
#include "pki/room.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// The room of the internal CA, furnished: what its routes and the request path need. Outlives the workers.
class PkiHouse {
 public:
    /// @param certificates, ca, registry, log  outlive it
    PkiHouse(pki::CertificateRepository& certificates, pki::InternalCa& ca,
             telemetry::Registry& registry, telemetry::Log& log);
    PkiHouse(const PkiHouse&) = delete;
    PkiHouse& operator=(const PkiHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> publications() { return pki::publication_routes(room_); }

    [[nodiscard]] pki::RevokedCertificates& revoked() { return revoked_; }

    /// A listener serves with this one: it comes into the inventory once the database is there.
    void take_note(const pki::IssuedCertificate& own);

    /// What was revoked since it was last asked for, everything at first.
    [[nodiscard]] Task<Result<void>> learn(SystemTime now);
    /// One of the clerk's rounds: learns, publishes, writes down, measures, warns. What is revoked is refused, and on the
    /// list, on every node within a second, if this is done twice a second.
    [[nodiscard]] Task<> keep();

 private:
    [[nodiscard]] Task<Result<void>> keep_once(SystemTime now);
    [[nodiscard]] Task<Result<void>> write_noted(SystemTime now);
    [[nodiscard]] Task<Result<void>> measure(SystemTime now);
    void warn(const pki::ExpiringCertificates& found, SystemTime now);
    void warn_of_authorities(SystemTime now);

    pki::CertificateRepository& certificates_;
    pki::InternalCa& ca_;
    telemetry::Log& log_;
    pki::RevokedCertificates revoked_;
    pki::CrlKeeper crl_;
    pki::Room room_;
    telemetry::Gauge& valid_;
    telemetry::Gauge& expiring_;
    telemetry::Gauge& revoked_count_;
    telemetry::Family<telemetry::Gauge>& expiry_;

    std::mutex noted_mutex_;
    std::vector<pki::IssuedCertificate> noted_;  // not written yet
    std::string written_;                        // serial of the last
    // The clerk's alone.
    LearnCursor cursor_{std::chrono::minutes(5)};  // there may be many
    SystemTime measured_;
    std::int64_t warned_of_ = 0;
    bool warned_of_issuer_ = false;
    bool warned_of_root_ = false;
    bool failing_ = false;
};

}  // namespace gh::app

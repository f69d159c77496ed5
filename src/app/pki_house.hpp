#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "app/learn_cursor.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/key_store.hpp"
#include "pki/acme/network_validator.hpp"
#include "pki/acme/server.hpp"
#include "pki/enrolment_room.hpp"
#include "pki/internal_ca.hpp"
#include "pki/room.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// The room of the internal CA, furnished: what its routes and the request path need. Outlives the workers.
class PkiHouse {
 public:
    /// @param database, certificates, ca, registry, log  outlive it
    /// @param enrolment_secret  of which the tokens of enrolments are made
    PkiHouse(storage::Database& database, pki::CertificateRepository& certificates,
             pki::InternalCa& ca, crypto::Secret enrolment_secret, telemetry::Registry& registry,
             telemetry::Log& log);
    /// Answers ACME clients from now on, where the configuration says so. Before routes().
    /// @param database, keys  outlive it
    /// @return errors of the key store, of pki::acme::NetworkValidator::make()
    [[nodiscard]] Result<void> open_acme(const Settings& settings, storage::Database& database,
                                         crypto::KeyStore& keys);
    ~PkiHouse();
    PkiHouse(const PkiHouse&) = delete;
    PkiHouse& operator=(const PkiHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes();

    [[nodiscard]] pki::RevokedCertificates& revoked() { return revoked_; }
    [[nodiscard]] pki::EnrolmentRoom& enrolment() { return enrolment_; }

    /// Can it sign, and is its list of revoked certificates good? @return `unavailable` "ca.ended", "ca.crl_ended"
    [[nodiscard]] Task<Result<void>> check(SystemTime now) const;

    /// A listener serves with this one: it comes into the inventory once the database is there.
    void take_note(const pki::IssuedCertificate& own);

    /// What was revoked since it was last asked for, everything at first.
    [[nodiscard]] Task<Result<void>> learn(SystemTime now);
    /// The same since a moment, on any thread.
    [[nodiscard]] Task<Result<void>> learn_since(SystemTime since);
    /// One of the clerk's rounds: learns, publishes, writes down, measures, warns. What is revoked is refused, and on the
    /// list, on every node within a second, if this is done twice a second.
    [[nodiscard]] Task<> keep();

 private:
    [[nodiscard]] Task<Result<void>> keep_once(SystemTime now);
    /// Goes on with challenges that were left, and removes what is over, in small pieces.
    [[nodiscard]] Task<Result<void>> keep_acme(SystemTime now);
    [[nodiscard]] Task<Result<void>> write_noted(SystemTime now);
    [[nodiscard]] Task<Result<void>> measure(SystemTime now);
    void warn(const pki::ExpiringCertificates& found, SystemTime now);
    void warn_of_authorities(SystemTime now);
    void warn_of_root_list(SystemTime now);
    void measure_authorities();

    pki::CertificateRepository& certificates_;
    pki::InternalCa& ca_;
    telemetry::Log& log_;
    telemetry::Registry& registry_;
    pki::RevokedCertificates revoked_;
    pki::CrlKeeper crl_;
    pki::Room room_;
    pki::EnrolmentRoom enrolment_;
    std::unique_ptr<pki::acme::NetworkValidator> validator_;
    std::unique_ptr<pki::acme::Server> acme_;  // nothing where it is not enabled
    telemetry::Gauge& valid_;
    telemetry::Gauge& expiring_;
    telemetry::Gauge& revoked_count_;
    telemetry::Family<telemetry::Gauge>& expiry_;

    std::mutex noted_mutex_;
    std::vector<pki::IssuedCertificate> noted_;  // not written yet
    std::string written_;                        // serial of the last
    // The clerk's alone.
    LearnCursor cursor_{std::chrono::minutes(5)};  // there may be many
    SystemTime measured_, acme_kept_, accounts_cleaned_;
    std::int64_t warned_of_ = 0;
    bool warned_of_issuer_ = false;
    bool warned_of_root_ = false;
    bool warned_of_list_ = false;
    bool failing_ = false;
};

}  // namespace gh::app

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/authority.hpp"
#include "pki/revoked.hpp"
#include "storage/database.hpp"

namespace gh::pki {

/// A certificate as it is kept.
struct StoredCertificate : CertificateFacts {
    std::string chain_pem;  ///< leaf first, without the root
    std::string issued_to;  ///< who asked for it
    std::int64_t revision = 1;
    SystemTime created_at;
    std::optional<SystemTime> revoked_at;
    std::optional<RevocationReason> reason;
};

/// Whether it was revoked, and no more.
struct CertificateStanding {
    std::string serial;
    std::optional<SystemTime> revoked_at;
    std::optional<RevocationReason> reason;
};

struct CertificatePage {
    struct After {
        SystemTime created_at;
        std::string serial;
    };
    /// What ends between the two without a successor, see ExpiringCertificates.
    struct Ending {
        SystemTime now, soon;
    };
    std::size_t limit = 50;
    std::optional<After> after;
    std::size_t offset = 0;
    std::optional<Ending> ending;  ///< unset: all
};

/// Of those that are neither over nor revoked.
struct ExpiringCertificates {
    std::int64_t valid = 0;
    std::int64_t expiring =
        0;  ///< that end soon, and have no successor of the same names and profile
    std::optional<SystemTime> next_not_after;
};

/// Every certificate that the house has signed, in the database.
///
/// Errors besides storage's: `not_found` "certificate.unknown"; `conflict` "certificate.changed" (another revision than was
/// expected).
class CertificateRepository {
 public:
    explicit CertificateRepository(storage::Database& database) : database_(database) {}

    /// Before it is handed out.
    [[nodiscard]] Task<Result<StoredCertificate>> add(IssuedCertificate issued,
                                                      std::string issued_to, SystemTime now,
                                                      storage::Also<StoredCertificate> also = {});
    /// The same for one that may be there already. @return whether it was not
    [[nodiscard]] Task<Result<bool>> add_once(IssuedCertificate issued, std::string issued_to,
                                              SystemTime now,
                                              storage::Also<StoredCertificate> also = {});
    [[nodiscard]] Task<Result<StoredCertificate>> find(std::string serial);
    /// The same without its chain.
    [[nodiscard]] Task<Result<StoredCertificate>> find_facts(std::string serial);
    /// Those of `serials` that there are, without what they say: one short question for OCSP.
    [[nodiscard]] Task<Result<std::vector<CertificateStanding>>> standings(
        std::vector<std::string> serials);
    /// In order of their making, without their chains.
    [[nodiscard]] Task<Result<std::vector<StoredCertificate>>> list(CertificatePage page);
    /// For good. Twice is no error, changes neither time nor reason, and `also` hears of it no more.
    [[nodiscard]] Task<Result<StoredCertificate>> revoke(
        std::string serial, RevocationReason reason, std::optional<std::int64_t> expected_revision,
        SystemTime now, storage::Also<StoredCertificate> also = {});

    static constexpr std::size_t revoked_page = 5'000;
    /// At most `revoked_page` of those revoked since `since` that come behind `after` (a serial), by time, then serial.
    [[nodiscard]] Task<Result<std::vector<RevokedCertificate>>> revoked(SystemTime since,
                                                                        std::string after);
    /// @param soon  what ends before it is expiring; certificates of agents, who renew daily, do not count
    [[nodiscard]] Task<Result<ExpiringCertificates>> expiring(SystemTime now, SystemTime soon);
    /// Removes those that ended before `before`; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime before);

 private:
    storage::Database& database_;
};

}  // namespace gh::pki

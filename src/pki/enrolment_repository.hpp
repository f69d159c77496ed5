#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/authority.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/revoked.hpp"
#include "storage/database.hpp"

namespace gh::pki {

/// Whom a one-time token lets have a certificate, and renew it.
struct Enrolment {
    /// Where its token is good: at /pki/enrol, or where agents come.
    enum class Door : std::uint8_t { pki, agents };

    std::string id;
    LeafRequest wanted;  ///< what its certificates say
    std::string created_by;
    SystemTime created_at;
    SystemTime expires_at;  ///< of the token
    std::optional<SystemTime> used_at;
    std::optional<SystemTime> ended_at;  ///< nobody gets, and nobody has, a certificate by it
    std::string key_id;                  ///< of the key that it was used for, see key_id_of()
    std::string serial;                  ///< of the certificate that the token was exchanged for
    Door door = Door::pki;
};

/// Whether the token may be exchanged with the key of this id: for the first time, or again where `used_at` is set.
/// @return `permission_denied` as the repository's
[[nodiscard]] Result<void> judge_use(const Enrolment& enrolment, std::string_view key_id,
                                     SystemTime now);

/// What certificates of an enrolment are issued to: "enrolment:ID"; and back, nothing for others.
[[nodiscard]] std::string holder_of(const Enrolment& enrolment);
[[nodiscard]] std::optional<std::string> enrolment_of(std::string_view holder);

/// Errors besides storage's: `not_found` "enrolment.unknown"; `permission_denied` "enrolment.ended", "enrolment.expired",
/// "enrolment.used" (for another key), "enrolment.superseded" (the certificate that is shown, or was given, has ended);
/// `exhausted` "enrolment.many".
class EnrolmentRepository {
 public:
    explicit EnrolmentRepository(storage::Database& database) : database_(database) {}

    [[nodiscard]] Task<Result<Enrolment>> add(LeafRequest wanted, std::string created_by,
                                              SystemTime now, SystemTime expires_at,
                                              storage::Also<Enrolment> also = {});
    /// The same within a transaction of the caller's.
    /// @param id  a UUID
    [[nodiscard]] static Task<Result<Enrolment>> add(storage::Session& session, std::string id,
                                                     LeafRequest wanted, std::string created_by,
                                                     SystemTime now, SystemTime expires_at,
                                                     Enrolment::Door door);
    [[nodiscard]] Task<Result<Enrolment>> find(std::string id);
    /// At most `limit` of those behind `after` (an id), in the order of their making, without the first `offset`.
    [[nodiscard]] Task<Result<std::vector<Enrolment>>> list(std::string after, std::size_t limit,
                                                            std::size_t offset = 0);

    /// The token is exchanged for `issued`, once: asked again with the same key, whose holder may never have seen the answer,
    /// it is the first certificate that comes back, and `also` hears nothing.
    [[nodiscard]] Task<Result<StoredCertificate>> use(std::string id, std::string key_id,
                                                      IssuedCertificate issued, SystemTime now,
                                                      storage::Also<StoredCertificate> also = {});
    static constexpr std::int64_t certificates_max = 100;  ///< of one enrolment, that are good
    /// One more certificate of an enrolment that was used.
    /// @param shown  serial of one that must be good still when it is written
    [[nodiscard]] Task<Result<StoredCertificate>> renew(std::string id, std::string shown,
                                                        IssuedCertificate issued, SystemTime now,
                                                        storage::Also<StoredCertificate> also = {});

    struct Ended {
        Enrolment enrolment;
        std::vector<RevokedCertificate> certificates;  ///< that ended with it
    };
    /// For good, with every certificate that came of it. Twice is no error, and `also` hears of it once.
    [[nodiscard]] Task<Result<Ended>> end(std::string id, SystemTime now,
                                          storage::Also<Enrolment> also = {});

    /// The same within a transaction of the caller's; of its certificates nodes learn as they learn of others'.
    [[nodiscard]] static Task<Result<Ended>> end(storage::Session& session, std::string id,
                                                 SystemTime now);

    /// Removes those whose token was over by then and that have no certificate in the inventory; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime before);

 private:
    storage::Database& database_;
};

}  // namespace gh::pki

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "access/rate_limiter.hpp"
#include "api/route.hpp"
#include "audit/record.hpp"
#include "crypto/hmac.hpp"
#include "pki/denied_acts.hpp"
#include "pki/enrolment_repository.hpp"
#include "pki/room.hpp"

namespace gh::pki {

inline constexpr std::chrono::hours token_lifetime{1};  ///< where nobody says another
inline constexpr std::chrono::days token_lifetime_max{30};

/// What the routes of enrolments and of the inventory work with. Outlives them.
struct EnrolmentRoom {
    static constexpr std::uint32_t asked_per_hour = 60;  ///< of one enrolment, on this node

    /// @param token_secret  what tokens are made of
    EnrolmentRoom(Room& pki, storage::Database& database, crypto::Secret token_secret,
                  telemetry::Log& told)
        : room(pki),
          enrolments(database),
          token_key(crypto::HmacHash::sha256, std::move(token_secret)),
          denied(database, told),
          log(told) {}

    Room& room;
    EnrolmentRepository enrolments;
    crypto::HmacKey token_key;
    DeniedActs denied;
    access::RateLimiter limiter{{.memory_max = std::size_t{4} << 20}};
    access::Limit asked{1, asked_per_hour, std::chrono::hours(1)};
    std::atomic<std::size_t> lookups =
        0;  ///< of tokens and certificates, that wait for the database
    telemetry::Log& log;
};

/// What the audit log says of an enrolment that was written.
void tell_enrolment(audit::Record& record, const Enrolment& enrolment);

/// /pki/enrol and /pki/renew, and /api/v1/enrolments.
[[nodiscard]] std::vector<api::Route> enrolment_routes(EnrolmentRoom& room);
/// /api/v1/certificates.
[[nodiscard]] std::vector<api::Route> certificate_routes(EnrolmentRoom& room);

}  // namespace gh::pki

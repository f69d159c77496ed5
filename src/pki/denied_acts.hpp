#pragma once

#include "access/rate_limiter.hpp"
#include "api/call.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "telemetry/log.hpp"

namespace gh::pki {

/// Acts that were refused, for the audit log: twenty an hour of one network, so that nobody fills it. From any thread.
class DeniedActs {
 public:
    /// @param database, log  outlive it
    DeniedActs(storage::Database& database, telemetry::Log& log);

    [[nodiscard]] Task<> record(const api::Call& call, audit::Record record, Error why);

 private:
    storage::Database& database_;
    telemetry::Log& log_;
    access::RateLimiter limiter_;
    access::Limit limit_;
};

}  // namespace gh::pki

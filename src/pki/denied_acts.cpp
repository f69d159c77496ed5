#include "pki/denied_acts.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "audit/log.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::pki {
namespace {

constexpr std::size_t limiter_bytes = std::size_t{4} << 20;
constexpr std::uint32_t denied_per_hour = 20;  // of one network

Task<Result<void>> append(storage::Session& session, audit::Record record) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    co_return co_await audit::Log::append(session, std::move(record));
}

}  // namespace

DeniedActs::DeniedActs(storage::Database& database, telemetry::Log& log)
    : database_(database),
      log_(log),
      limiter_({.memory_max = limiter_bytes}),
      limit_(1, denied_per_hour, std::chrono::hours(1)) {}

Task<> DeniedActs::record(const api::Call& call, audit::Record record, Error why) {
    const std::array charges{access::Charge{&limit_, limiter_.client(call.client_network)}};
    std::array<access::LimitDecision, 1> decisions{};
    if (!limiter_.admit(charges, net::Loop::current()->now(), decisions)) co_return;
    record.outcome = audit::Outcome::denied;
    record.severity = audit::Severity::low;
    record.details.push_back({"reason", describe(why)});
    auto work = [record = std::move(record)](storage::Session& session) {
        return append(session, record);
    };
    const auto written = co_await database_.write(std::move(work));
    if (!written) log_.warning("pki", "a refusal could not be recorded").error(written.error());
}

}  // namespace gh::pki

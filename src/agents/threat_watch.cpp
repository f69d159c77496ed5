#include "agents/threat_watch.hpp"

#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"

namespace gh::agents {
namespace {

using Kind = access::Incident::Kind;

struct Meaning {
    std::string_view type;
    Severity severity;
};

Meaning meaning_of(Kind kind) {
    switch (kind) {
        case Kind::guess: return {"credential.stuffing", Severity::high};
        case Kind::probe: return {"path.scan", Severity::medium};
        case Kind::smuggling: return {"request.smuggling", Severity::high};
        case Kind::block: break;
    }
    return {"limit.flood", Severity::medium};
}

audit::Record block_record(const Sighting& sighting) {
    auto record = audit::act_of_house("rate.limit", "route", sighting.route);
    record.outcome = audit::Outcome::denied;
    record.severity = Severity::low;
    if (auto client = codec::IpAddress::parse(sighting.client_ip)) record.client = *client;
    record.details = {{"requests", static_cast<std::int64_t>(sighting.count)}};
    if (!sighting.principal.empty()) record.details.push_back({"principal", sighting.principal});
    return record;
}

audit::Record threat_record(const Threat& threat, const Sighting& sighting) {
    auto record = audit::act_of_house("threat.detect", "threat", threat.id);
    record.severity = threat.severity;
    if (auto client = codec::IpAddress::parse(sighting.client_ip)) record.client = *client;
    record.details = {{"type", threat.type}, {"network", threat.fingerprint}};
    return record;
}

/// @return the threats that are new
Task<Result<std::vector<Threat>>> write(storage::Session& session, std::vector<Sighting> sightings,
                                        SystemTime now, seconds window) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    std::vector<Threat> found;
    for (const auto& sighting : sightings) {
        if (sighting.kind == Kind::block) {
            auto record = block_record(sighting);
            GH_CO_TRY_VOID(co_await audit::Log::append(session, std::move(record)));
        }
        if (!sighting.is_threat) continue;
        auto report = report_of(sighting);
        GH_CO_TRY(auto put,
                  co_await ThreatRepository::put(session, std::move(report), now, window));
        if (!put.is_new) continue;
        auto record = threat_record(put.threat, sighting);
        GH_CO_TRY_VOID(co_await audit::Log::append(session, std::move(record)));
        found.push_back(std::move(put.threat));
    }
    co_return found;
}

}  // namespace

Report report_of(const Sighting& sighting) {
    const auto meaning = meaning_of(sighting.kind);
    Report report{.agent_id = {},
                  .type = std::string(meaning.type),
                  .severity = meaning.severity,
                  .fingerprint = sighting.client_ip,
                  .details = {}};
    codec::json::Writer out(report.details);
    out.begin_object().name("client_ip").string(sighting.client_ip);
    out.name("requests_in_a_minute").integer(static_cast<std::int64_t>(sighting.in_window));
    if (!sighting.principal.empty()) out.name("principal").string(sighting.principal);
    if (!sighting.route.empty()) out.name("route").string(sighting.route);
    if (!sighting.code.empty()) out.name("code").string(sighting.code);
    out.end_object();
    return report;
}

Task<Result<void>> ThreatWatch::run(SystemTime now, SteadyTime steady) {
    if (untold_.empty()) untold_ = lookout_.take(steady);
    if (untold_.empty()) co_return Result<void>{};
    auto work = [sightings = untold_, now, window = threat_window_](storage::Session& session) {
        return write(session, sightings, now, window);
    };
    GH_CO_TRY(const auto found, co_await database_.write(std::move(work)));
    untold_.clear();
    for (const auto& threat : found) {
        log_.warning("agents", "the gateway has seen what looks like an attack")
            .field("threat", threat.id)
            .field("type", threat.type)
            .field("client_ip", threat.fingerprint);
    }
    co_return Result<void>{};
}

}  // namespace gh::agents

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/room.hpp"
#include "agents/route_words.hpp"
#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/precondition.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::agents {
namespace {

using access::Access;
using access::Permission;
using api::Object;

const api::Type<Threat>& threat_type() {
    using T = Threat;
    static const auto empty = api::text({.length_min = 0, .length_max = fingerprint_bytes_max});
    static const auto notes =
        api::text({.length_min = 0, .length_max = threat_notes_characters_max, .lines = true});
    static const auto type =
        Object<T>("Threat", "What an agent or the gateway has seen.")
            .required("id", &T::id, api::text(), "A UUID.")
            .required("agent_id", &T::agent_id, api::nullable(api::text()),
                      "Who has seen it; null: the gateway.")
            .required("type", &T::type, word_type(), "Such as port.scan.")
            .required("severity", &T::severity, severity_type(), "The highest that was reported.")
            .required("status", &T::status, threat_status_type(), "What became of it.")
            .required("fingerprint", &T::fingerprint, empty, "Reports of the same have the same.")
            .required("details", &T::details, details_type(), "Of the first report.")
            .required("notes", &T::notes, notes, "Of those who look after it.")
            .required("reports", &T::reports, count_type(), "How often it was reported.")
            .required("detected_at", &T::detected_at, api::time(), "First.")
            .required("last_seen_at", &T::last_seen_at, api::time(), "Last.")
            .required("version", &T::version, count_type(), "The ETag.")
            .required("updated_at", &T::updated_at, api::time(), "When last changed.")
            .type();
    return type;
}

const api::Type<api::Items<Threat>>& threat_page_type() {
    static const auto type = api::page_of("ThreatPage", threat_type());
    return type;
}

struct SaidThreat {
    std::optional<std::string> agent_id;
    std::string type;
    Severity severity = Severity::info;
    std::string fingerprint;
    std::string details = "{}";
};

const api::Type<SaidThreat>& said_threat_type() {
    using S = SaidThreat;
    static const auto type =
        Object<S>("NewThreat", "What an agent reports.")
            .optional("agent_id", &S::agent_id, api::maybe(api::text()),
                      "The agent itself, and nobody else.")
            .required("type", &S::type, word_type(), "Such as port.scan.")
            .required("severity", &S::severity, severity_type(), "How bad it is.")
            .optional("fingerprint", &S::fingerprint,
                      api::text({.length_max = fingerprint_bytes_max}),
                      "Reports of the same type with the same are one threat.")
            .optional("details", &S::details, details_type(), "At most 8 KiB.")
            .type();
    return type;
}

struct ChangedThreat {
    std::optional<ThreatStatus> status;
    std::optional<std::string> notes;
};

const api::Type<ChangedThreat>& changed_threat_type() {
    using C = ChangedThreat;
    static const auto notes = api::maybe(
        api::text({.length_min = 0, .length_max = threat_notes_characters_max, .lines = true}));
    static const auto type = Object<C>("ChangedThreat", "What is to be different; the rest stays.")
                                 .optional("status", &C::status, api::maybe(threat_status_type()),
                                           "What is closed is only opened again.")
                                 .optional("notes", &C::notes, notes, "Instead of those so far.")
                                 .type();
    return type;
}

struct ThreatQuery : api::Page {
    std::optional<std::string> agent;
    std::optional<ThreatStatus> status;
    Severity min_severity = Severity::info;
};

constexpr std::array<std::string_view, 2> orders{"-detected_at", "detected_at"};

const Object<ThreatQuery>& threat_query() {
    static const auto table = [] {
        Object<ThreatQuery> query("ThreatQuery", "Which threats.");
        api::add_page(query, "threats", 3);
        api::add_sort(query, {orders.begin(), orders.end()});
        query.optional("agent", &ThreatQuery::agent, api::maybe(api::text()),
                       "Only those of the agent with this id.");
        query.optional("status", &ThreatQuery::status, api::maybe(threat_status_type()),
                       "Only these.");
        query.optional("min_severity", &ThreatQuery::min_severity, severity_type(),
                       "Only those that are at least so bad.");
        return query;
    }();
    return table;
}

void tell_threat(audit::Record& record, const Threat& threat) {
    record.object_id = threat.id;
    if (threat.agent_id) record.details.push_back({"agent", *threat.agent_id});
    record.details.push_back({"type", threat.type});
    record.details.push_back({"severity", std::string(audit::name_of(threat.severity))});
    record.details.push_back({"status", std::string(name_of(threat.status))});
}

api::Reply one(std::uint16_t status, const Threat& threat) {
    return with_version(api::reply(status, threat_type(), threat), threat.version);
}

std::optional<api::Reply> refuse_often(Room& room, const api::Call& call) {
    const std::array charges{access::Charge{&room.reports, room.limiter.client(call.principal)}};
    std::array<access::LimitDecision, 1> decisions{};
    if (room.limiter.admit(charges, net::Loop::current()->now(), decisions)) return {};
    auto refusal = api::refusal(call, 429, "threat.often", "It reported often; come back later.");
    refusal.fields.emplace_back("Retry-After", std::to_string(decisions[0].retry_after_seconds));
    return refusal;
}

/// A repeat counts up, and the audit log has heard of it.
Task<Result<void>> record_new(storage::Session& session, audit::Record record, Reported reported) {
    if (!reported.is_new) co_return Result<void>{};
    tell_threat(record, reported.threat);
    record.severity = reported.threat.severity;
    co_return co_await audit::Log::append(session, std::move(record));
}

Task<Result<api::Reply>> report(Room& room, api::Call call, SaidThreat said) {
    const std::string id(call.principal.subject);
    if (!is_itself(call, said.agent_id.value_or(id))) co_return not_itself(call);
    if (auto refused = refuse_often(room, call)) co_return *std::move(refused);
    Report seen{.agent_id = id,
                .type = std::move(said.type),
                .severity = said.severity,
                .fingerprint = std::move(said.fingerprint),
                .details = std::move(said.details)};
    auto record = audit::act_of(call, "threat.report", "threat");
    storage::Also<Reported> also{
        .before = audit::Log::lock,
        .after = [record = std::move(record)](storage::Session& session, const Reported& reported) {
            return record_new(session, record, reported);
        }};
    const auto now = net::Loop::current()->system_now();
    const auto done = co_await room.threats.report(std::move(seen), now, room.config.threat_window,
                                                   std::move(also));
    if (!done) co_return refused_by_rules(call, done.error());
    if (!done->is_new) co_return one(200, done->threat);
    auto reply = one(201, done->threat);
    reply.fields.emplace_back("Location", "/api/v1/threats/" + done->threat.id);
    co_return reply;
}

Task<Result<api::Reply>> list(Room& room, api::Call /*call*/, ThreatQuery query) {
    ThreatPage page{.oldest_first = query.order == 1,
                    .limit = query.limit + std::size_t{1},
                    .offset = static_cast<std::size_t>(query.offset),
                    .after = {},
                    .agent_id = query.agent,
                    .status = query.status,
                    .min_severity = query.min_severity};
    if (query.after) {
        GH_CO_TRY(const auto time, api::time_of_key((*query.after)[1]));
        page.after = {time, (*query.after)[2]};
    }
    GH_CO_TRY(auto found, co_await room.threats.list(std::move(page)));
    api::Items<Threat> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        items.next_cursor = api::encode_cursor(
            "threats", {std::string(orders[query.order]),
                        api::key_of_time(found.back().detected_at), found.back().id});
    }
    items.items = std::move(found);
    co_return api::reply(200, threat_page_type(), items);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    GH_CO_TRY(const auto threat, co_await room.threats.find(std::string(call.param("threat"))));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(threat.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    co_return one(200, threat);
}

storage::Also<Threat> recorded(const api::Call& call, std::string action) {
    return audit::also<Threat>(audit::act_of(call, std::move(action), "threat"), tell_threat);
}

Task<Result<api::Reply>> change(Room& room, api::Call call, ChangedThreat wanted) {
    GH_CO_TRY(const auto before, co_await room.threats.find(std::string(call.param("threat"))));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    ThreatChange change{
        .status = wanted.status, .notes = std::move(wanted.notes), .expected_version = {}};
    if (call.head.fields.find("If-Match") != nullptr) change.expected_version = before.version;
    auto after = co_await room.threats.change(before.id, std::move(change),
                                              net::Loop::current()->system_now(),
                                              recorded(call, "threat.change"));
    if (!after) co_return refused_by_rules(call, std::move(after).error());
    co_return one(200, *after);
}

Task<Result<api::Reply>> remove(Room& room, api::Call call) {
    std::string id(call.param("threat"));
    GH_CO_TRY_VOID(co_await room.threats.remove(std::move(id), recorded(call, "threat.delete")));
    co_return api::no_content();
}

}  // namespace

std::vector<api::Route> threat_routes(Room& room) {
    const auto answer = api::answers(200, "The threat.", threat_type());
    return {
        {.method = "GET",
         .path = "/api/v1/threats",
         .access = Access::permission(Permission::threats_read),
         .handle = api::with(room, list, api::query(threat_query())),
         .summary = "Threats, the newest first.",
         .answers = {api::answers(200, "A page of them.", threat_page_type())}},
        {.method = "POST",
         .path = "/api/v1/threats",
         .access = Access::agent(),
         .handle = api::with(room, report, api::json_body(said_threat_type())),
         .summary = "An agent reports what it has seen.",
         .answers = {api::answers(201, "A new one.", threat_type()),
                     api::answers(200, "One more report of one that is known.", threat_type())},
         .body_bytes_max = 32 * 1024},
        {.method = "GET",
         .path = "/api/v1/threats/{threat}",
         .access = Access::permission(Permission::threats_read),
         .handle = api::with(room, show),
         .summary = "One threat.",
         .answers = {answer}},
        {.method = "PATCH",
         .path = "/api/v1/threats/{threat}",
         .access = Access::permission(Permission::threats_write),
         .handle = api::with(room, change, api::json_body(changed_threat_type())),
         .summary = "Moves it to another status, with notes.",
         .answers = {answer},
         .body_bytes_max = 32 * 1024},
        {.method = "DELETE",
         .path = "/api/v1/threats/{threat}",
         .access = Access::permission(Permission::threats_write),
         .handle = api::with(room, remove),
         .summary = "Forgets it; the audit log does not.",
         .answers = {{204, "It is gone.", "", nullptr}}},
    };
}

}  // namespace gh::agents

#include "agents/import/importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "agents/agent_rows.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/uuid.hpp"
#include "config/unit.hpp"
#include "crypto/digest.hpp"
#include "storage/joined.hpp"

namespace gh::agents {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::size_t batch_max = 500;
constexpr std::string_view importer = "import";

constexpr Statement select_named{
    .name = "agents.named",
    .sql = "SELECT id FROM agents WHERE hostname = $1 AND status <> 'retired'"};
constexpr Statement insert_agent{
    .name = "agents.import",
    .sql =
        "INSERT INTO agents (id, hostname, ip_address, labels, capabilities, agent_version, "
        "status, enrolment, last_heartbeat_at, created_by, created_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"};
constexpr Statement insert_label{
    .name = "agent_labels.import",
    .sql =
        "INSERT INTO agent_labels (name, value, agent_id) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING"};
constexpr Statement insert_token{
    .name = "agent_tokens.import",
    .sql =
        "INSERT INTO agent_tokens (id, agent_id, family, token_hash, created_by, created_at, "
        "expires_at, revoked_at, last_used_at) VALUES ($1, $2, $1, $3, $4, $5, $6, $7, $8) "
        "ON CONFLICT DO NOTHING"};
constexpr Statement insert_threat{
    .name = "threats.import",
    .sql =
        "INSERT INTO threats (id, agent_id, threat_type, severity, status, fingerprint, details, "
        "notes, detected_at, last_seen_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) ON CONFLICT DO NOTHING"};
constexpr Statement select_act{.name = "audit.imported",
                               .sql = "SELECT 1 FROM audit_records WHERE id = $1"};

/// The id it had, where that is a UUID; else one that is always the same for the same (RFC 9562 §5.8).
std::string id_of(Kind kind, const std::string& own, std::string_view facts = {}) {
    if (codec::is_uuid(own)) return own;
    const auto hex =
        crypto::sha256_hex(fmt::format("gatehouse.import\n{}\n{}\n{}", name_of(kind), own, facts));
    const char variant = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
    return fmt::format("{}-{}-8{}-{}{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3),
                       variant, hex.substr(17, 3), hex.substr(20, 12));
}

using Ids = std::unordered_map<std::string, std::string>;  // as the dump names agents; ours

struct Batch {
    std::size_t written = 0;
    std::vector<std::string> ids;
};

Task<Result<std::string>> put_agent(Session& session, DumpedAgent agent, SystemTime now,
                                    std::size_t& written) {
    GH_CO_TRY(const auto named, co_await session.query_one(select_named, agent.hostname));
    if (named) co_return (*named).text(0);
    const auto id = id_of(Kind::agents, agent.id, agent.hostname);
    if (id != agent.id && !agent.id.empty() && agent.id.size() <= label_value_bytes_max)
        agent.labels.emplace("imported-id", agent.id);
    GH_CO_TRY(const auto rows,
              co_await session.execute(
                  insert_agent, id, agent.hostname, agent.ip_address, text_of_labels(agent.labels),
                  text_of_words(agent.capabilities), agent.agent_version, view(uuid_v7(now)),
                  agent.last_heartbeat_at, importer, agent.created_at.value_or(now), now));
    written += rows;
    for (const auto& [name, value] : agent.labels)
        GH_CO_TRY_VOID(co_await session.execute(insert_label, name, value, id));
    co_return id;
}

Task<Result<Batch>> put_agents(Session& session, std::vector<DumpedAgent> agents, SystemTime now) {
    Batch batch;
    for (auto& agent : agents) {
        GH_CO_TRY(auto id, co_await put_agent(session, std::move(agent), now, batch.written));
        batch.ids.push_back(std::move(id));
    }
    co_return batch;
}

Task<Result<Batch>> put_tokens(Session& session, std::vector<DumpedToken> tokens, Ids ids,
                               SystemTime now) {
    Batch batch;
    for (const auto& token : tokens) {
        const auto hash = crypto::sha256(token.token_hash);
        const storage::Blob kept{std::string(hash.begin(), hash.end())};
        GH_CO_TRY(const auto rows,
                  co_await session.execute(
                      insert_token, id_of(Kind::tokens, {}, token.token_hash), ids.at(token.agent),
                      kept, importer, token.created_at.value_or(now),
                      token.expires_at.value_or(now), now, token.last_used_at));
        batch.written += rows;
    }
    co_return batch;
}

Task<Result<Batch>> put_threats(Session& session, std::vector<DumpedThreat> threats, Ids ids,
                                SystemTime now) {
    Batch batch;
    for (const auto& threat : threats) {
        const auto facts =
            fmt::format("{}\n{}\n{}\n{}", threat.agent, threat.type,
                        threat.detected_at.time_since_epoch().count(), threat.details);
        const auto id = id_of(Kind::threats, threat.id, threat.id.empty() ? facts : "");
        GH_CO_TRY(const auto rows,
                  co_await session.execute(insert_threat, id, ids.at(threat.agent), threat.type,
                                           static_cast<std::int64_t>(threat.severity),
                                           name_of(threat.status), id, threat.details, threat.notes,
                                           threat.detected_at, now));
        batch.written += rows;
    }
    co_return batch;
}

audit::Record record_of(const DumpedAct& act, const Ids& ids) {
    const auto at = config::time_text(act.at);
    auto record = audit::act_of_house("import." + act.event_type, "agent");
    record.id = id_of(Kind::audit_logs, act.id,
                      act.id.empty() ? fmt::format("{}\n{}\n{}\n{}\n{}", act.agent, act.event_type,
                                                   act.actor, at, act.details)
                                     : "");
    record.severity = act.severity;
    const auto agent = ids.find(act.agent);
    record.object_id = agent == ids.end() ? act.agent : agent->second;
    record.details = {{"at", at}};
    for (const auto& [name, text] :
         {std::pair("actor", &act.actor), std::pair("action", &act.action),
          std::pair("result", &act.result), std::pair("details", &act.details)}) {
        if (!text->empty() && *text != "{}") record.details.push_back({name, *text});
    }
    return record;
}

Task<Result<Batch>> put_acts(Session& session, std::vector<DumpedAct> acts, Ids ids) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    Batch batch;
    for (const auto& act : acts) {
        auto record = record_of(act, ids);
        GH_CO_TRY(const auto known, co_await session.query_one(select_act, record.id));
        if (known) continue;
        GH_CO_TRY_VOID(co_await audit::Log::append(session, std::move(record)));
        ++batch.written;
    }
    co_return batch;
}

/// Writes all of one kind, batch by batch.
/// @param put  writes one batch within a transaction
template <class T, class Put, class Each>
Task<Result<void>> write_kind(storage::Database& database, Kind kind, std::vector<T> all, Put put,
                              Imported& into, const Progress& progress, Each each) {
    for (std::size_t at = 0; at < all.size();) {
        const auto count = std::min(batch_max, all.size() - at);
        std::vector<T> some(all.begin() + static_cast<std::ptrdiff_t>(at),
                            all.begin() + static_cast<std::ptrdiff_t>(at + count));
        auto work = [put, some](Session& session) { return put(session, some); };
        GH_CO_TRY(const auto batch, co_await database.write(std::move(work)));
        into.of(kind).written += batch.written;
        into.of(kind).there += count - batch.written;
        each(some, batch.ids);
        at += count;
        progress(kind, at, all.size());
    }
    co_return Result<void>{};
}

}  // namespace

Task<Result<Imported>> import_dump(storage::Database& database, Dump dump, SystemTime now,
                                   Progress progress) {
    Imported done;
    done.skipped = std::move(dump.skipped);
    Ids ids;
    const auto nothing = [](const auto&, const auto&) {};
    const auto learn = [&ids](const std::vector<DumpedAgent>& some,
                              const std::vector<std::string>& ours) {
        for (std::size_t i = 0; i < some.size(); ++i) {
            ids[some[i].id] = ours[i];
            ids[some[i].hostname] = ours[i];
        }
    };
    const auto agents = [now](Session& session, const std::vector<DumpedAgent>& some) {
        return put_agents(session, some, now);
    };
    GH_CO_TRY_VOID(co_await write_kind(database, Kind::agents, std::move(dump.agents), agents, done,
                                       progress, learn));
    const auto tokens = [now, &ids](Session& session, const std::vector<DumpedToken>& some) {
        return put_tokens(session, some, ids, now);
    };
    GH_CO_TRY_VOID(co_await write_kind(database, Kind::tokens, std::move(dump.tokens), tokens, done,
                                       progress, nothing));
    const auto threats = [now, &ids](Session& session, const std::vector<DumpedThreat>& some) {
        return put_threats(session, some, ids, now);
    };
    GH_CO_TRY_VOID(co_await write_kind(database, Kind::threats, std::move(dump.threats), threats,
                                       done, progress, nothing));
    const auto acts = [&ids](Session& session, const std::vector<DumpedAct>& some) {
        return put_acts(session, some, ids);
    };
    GH_CO_TRY_VOID(co_await write_kind(database, Kind::audit_logs, std::move(dump.audit_logs), acts,
                                       done, progress, nothing));
    co_return done;
}

}  // namespace gh::agents

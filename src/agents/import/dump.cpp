#include "agents/import/dump.hpp"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <unordered_set>
#include <utility>

#include "agents/import/timestamp.hpp"
#include "base/try.hpp"
#include "codec/ip.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::agents {
namespace {

using codec::json::Value;
using Names = std::initializer_list<std::string_view>;

constexpr std::size_t id_bytes_max = 256;
constexpr std::size_t depth_max = 32;

/// One entry of a list, as it is read: remembers the first thing that is wrong with it.
class Entry {
 public:
    Entry(const Value& value, std::string key) : value_(value), key_(std::move(key)) {}

    /// The first of these members that is there and not null.
    [[nodiscard]] const Value* find(Names names) const {
        for (const auto name : names) {
            const auto* found = value_.find(name);
            if (found != nullptr && !found->is_null()) return found;
        }
        return nullptr;
    }
    /// Of a text or a whole number; empty where there is none.
    [[nodiscard]] std::string text(Names names) {
        const auto* found = find(names);
        if (found == nullptr) return {};
        if (const auto number = found->integer()) return std::to_string(*number);
        const auto* text = found->string();
        if (text == nullptr) wrong(std::string(*names.begin()) + " is no text");
        return text != nullptr ? *text : std::string();
    }
    [[nodiscard]] std::string wanted(Names names) {
        auto found = text(names);
        if (found.empty()) wrong("has no " + std::string(*names.begin()));
        if (found.size() > id_bytes_max) wrong(std::string(*names.begin()) + " is too long");
        return found;
    }
    /// Its own, or the name it has in the dump.
    [[nodiscard]] std::string id(Names names) {
        auto own = text(names);
        if (own.empty()) own = key_;
        if (own.size() > id_bytes_max) wrong("its id is too long");
        return own;
    }
    [[nodiscard]] std::optional<SystemTime> moment(Names names) {
        const auto* found = find(names);
        if (found == nullptr) return {};
        auto moment = parse_timestamp(*found);
        if (!moment) wrong(std::string(*names.begin()) + " is no moment that can be read");
        return moment;
    }
    /// A JSON object, or a text that holds one.
    [[nodiscard]] std::string object(Names names, std::size_t bytes_max) {
        const auto* found = find(names);
        if (found == nullptr) return "{}";
        std::optional<Value> within;
        if (const auto* text = found->string()) {
            auto parsed = codec::json::parse(*text, {.bytes_max = bytes_max});
            if (parsed) within = *std::move(parsed);
            found = within ? &*within : nullptr;
        }
        std::string json;
        if (found != nullptr && found->object() != nullptr) codec::json::Writer(json).value(*found);
        if (json.empty() || json.size() > bytes_max)
            wrong(std::string(*names.begin()) + " is no JSON object of " +
                  std::to_string(bytes_max) + " bytes at most");
        return json;
    }
    [[nodiscard]] Severity severity() {
        const auto said = text({"severity", "level"});
        for (const auto each : {Severity::info, Severity::low, Severity::medium, Severity::high,
                                Severity::critical}) {
            if (said == audit::name_of(each)) return each;
        }
        if (said == "warning") return Severity::medium;
        if (said == "error") return Severity::high;
        wrong(said.empty() ? "has no severity" : "severity is none of ours");
        return Severity::info;
    }
    void wrong(std::string why) {
        if (why_.empty()) why_ = std::move(why);
    }
    [[nodiscard]] const std::string& why() const { return why_; }

 private:
    const Value& value_;
    std::string key_;
    std::string why_;
};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

DumpedAgent agent_of(Entry& entry) {
    DumpedAgent agent;
    agent.id = entry.id({"id", "agent_id"});
    agent.hostname = lower(entry.wanted({"hostname", "host", "name"}));
    if (!agent.hostname.empty() && !valid_hostname(agent.hostname))
        entry.wrong("hostname is no host name");
    agent.ip_address = entry.text({"ip_address", "ip", "address"});
    if (!agent.ip_address.empty() && !codec::IpAddress::parse(agent.ip_address))
        entry.wrong("ip_address is none");
    agent.agent_version =
        entry.text({"agent_version", "version"}).substr(0, agent_version_bytes_max);
    agent.created_at = entry.moment({"created_at", "registered_at", "created"});
    agent.last_heartbeat_at = entry.moment({"last_heartbeat", "last_heartbeat_at", "last_seen"});
    if (const auto* list = entry.find({"capabilities"}); list != nullptr && list->array()) {
        for (const auto& each : *list->array()) {
            const auto* word = each.string();
            if (word == nullptr || !valid_word(*word) || word->size() > capability_bytes_max ||
                agent.capabilities.size() == capabilities_max) {
                entry.wrong("capabilities are no list of words");
                break;
            }
            agent.capabilities.push_back(*word);
        }
    }
    return agent;
}

DumpedToken token_of(Entry& entry) {
    DumpedToken token;
    token.agent = entry.wanted({"agent_id", "agent"});
    token.token_hash = entry.wanted({"token_hash", "hash"});
    token.created_at = entry.moment({"created_at", "issued_at", "created"});
    token.expires_at = entry.moment({"expires_at", "expires"});
    token.last_used_at = entry.moment({"last_used", "last_used_at"});
    return token;
}

ThreatStatus status_of_threat(Entry& entry) {
    const auto said = lower(entry.text({"status"}));
    if (said.empty() || said == "new" || said == "detected" || said == "active")
        return ThreatStatus::open;
    if (said == "investigating") return ThreatStatus::acknowledged;
    if (said == "mitigated" || said == "closed") return ThreatStatus::resolved;
    if (said == "ignored") return ThreatStatus::false_positive;
    if (const auto status = threat_status_of(said)) return *status;
    entry.wrong("status is none of ours");
    return ThreatStatus::open;
}

DumpedThreat threat_of(Entry& entry) {
    DumpedThreat threat;
    threat.id = entry.id({"id", "threat_id"});
    threat.agent = entry.wanted({"agent_id", "agent"});
    threat.type = lower(entry.wanted({"threat_type", "type"}));
    std::ranges::replace(threat.type, ' ', '_');
    if (!threat.type.empty() &&
        (!valid_word(threat.type) || threat.type.size() > threat_type_bytes_max))
        entry.wrong("threat_type is no word");
    threat.severity = entry.severity();
    threat.status = status_of_threat(entry);
    threat.notes = entry.text({"notes", "description"}).substr(0, threat_notes_characters_max);
    threat.details = entry.object({"details", "metadata"}, threat_details_bytes_max);
    const auto moment = entry.moment({"detected_at", "timestamp", "created_at"});
    if (!moment) entry.wrong("has no detected_at");
    threat.detected_at = moment.value_or(SystemTime());
    return threat;
}

DumpedAct act_of(Entry& entry) {
    DumpedAct act;
    act.id = entry.id({"id", "log_id"});
    act.agent = entry.text({"agent_id", "agent"});
    act.event_type = entry.wanted({"event_type", "event", "type"});
    act.actor = entry.text({"actor", "user"});
    act.action = entry.text({"action"});
    act.result = entry.text({"result", "outcome"});
    act.severity = entry.find({"severity", "level"}) ? entry.severity() : Severity::info;
    act.details = entry.object({"details", "metadata"}, threat_details_bytes_max);
    const auto moment = entry.moment({"timestamp", "created_at", "time"});
    if (!moment) entry.wrong("has no timestamp");
    act.at = moment.value_or(SystemTime());
    return act;
}

/// The entries of one kind, with their names or places.
std::vector<std::pair<std::string, const Value*>> entries_of(const Value& dump, Kind kind) {
    std::vector<std::pair<std::string, const Value*>> entries;
    const auto* found = dump.find(name_of(kind));
    if (found == nullptr) return entries;
    if (const auto* list = found->array()) {
        for (const auto& each : *list) entries.emplace_back("", &each);
    } else if (const auto* members = found->object()) {
        for (const auto& [name, each] : *members) entries.emplace_back(name, &each);
    }
    return entries;
}

/// Reads one kind.
/// @param marks  what of an entry is there once only; may refuse it
template <class T>
void read_kind(const Value& dump, Kind kind, Dump& into, std::vector<T>& out, T (*read)(Entry&),
               const std::function<std::vector<std::string>(const T&, Entry&)>& marks) {
    std::unordered_set<std::string> seen;
    std::size_t place = 0;
    for (const auto& [name, value] : entries_of(dump, kind)) {
        auto where = std::string(name_of(kind)) +
                     (name.empty() ? "[" + std::to_string(place) + "]" : "." + name);
        ++place;
        Entry entry(*value, name);
        if (value->object() == nullptr) entry.wrong("is no object");
        auto made = read(entry);
        auto all = marks(made, entry);
        if (std::ranges::any_of(all, [&](const auto& mark) { return seen.contains(mark); }))
            entry.wrong("is there twice");
        if (!entry.why().empty()) {
            into.skipped.push_back({kind, std::move(where), entry.why()});
            continue;
        }
        for (auto& mark : all) seen.insert(std::move(mark));
        out.push_back(std::move(made));
    }
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::agents: return "agents";
        case Kind::tokens: return "tokens";
        case Kind::threats: return "threats";
        case Kind::audit_logs: break;
    }
    return "audit_logs";
}

Result<Dump> parse_dump(std::string_view text) {
    GH_TRY(const auto value,
           codec::json::parse(text, {.bytes_max = Dump::bytes_max, .depth_max = depth_max}));
    const bool known =
        std::ranges::any_of(kinds, [&](Kind kind) { return value.find(name_of(kind)) != nullptr; });
    if (value.object() == nullptr || !known)
        return fail(ErrorKind::invalid_argument, "dump.shape",
                    "wanted: an object with agents, tokens, threats or audit_logs");
    Dump dump;
    std::unordered_set<std::string> agents;
    read_kind<DumpedAgent>(value, Kind::agents, dump, dump.agents, agent_of,
                           [](const DumpedAgent& agent, Entry&) {
                               return std::vector{"id " + agent.id, "name " + agent.hostname};
                           });
    for (const auto& agent : dump.agents) {
        agents.insert(agent.id);
        agents.insert(agent.hostname);
    }
    const auto orphan = [&](const std::string& agent, Entry& entry) {
        if (!agents.contains(agent)) entry.wrong("belongs to no agent of the dump");
    };
    read_kind<DumpedToken>(value, Kind::tokens, dump, dump.tokens, token_of,
                           [&](const DumpedToken& token, Entry& entry) {
                               orphan(token.agent, entry);
                               return std::vector{token.token_hash};
                           });
    read_kind<DumpedThreat>(value, Kind::threats, dump, dump.threats, threat_of,
                            [&](const DumpedThreat& threat, Entry& entry) {
                                orphan(threat.agent, entry);
                                return threat.id.empty() ? std::vector<std::string>{}
                                                         : std::vector{threat.id};
                            });
    read_kind<DumpedAct>(
        value, Kind::audit_logs, dump, dump.audit_logs, act_of, [](const DumpedAct& act, Entry&) {
            return act.id.empty() ? std::vector<std::string>{} : std::vector{act.id};
        });
    return dump;
}

}  // namespace gh::agents

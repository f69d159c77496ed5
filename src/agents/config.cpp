#include "agents/config.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::agents {
namespace {

/// As the SPIFFE-ID standard §2.1 has it.
Result<std::string> trust_domain_of(const std::string& text) {
    const bool good = !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
    if (good) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no trust domain: a-z, 0-9, '.', '-' and '_'");
}

}  // namespace

namespace {

config::Type<ThreatThresholds> thresholds_type() {
    using T = ThreatThresholds;
    config::Object<T> table;
    const auto count = config::integer<std::uint64_t>(0, 1'000'000);
    table.key("guesses", &T::guesses, count, "Credentials that are none.");
    table.key("probes", &T::probes, count, "Paths at which there is nothing.");
    table.key("smuggling", &T::smuggling, count, "Requests whose end is ambiguous.");
    table.key("blocks", &T::blocks, count, "Requests beyond a limit.");
    return table.type();
}

}  // namespace

config::Type<AgentsConfig> agents_type() {
    using std::chrono::days;
    using std::chrono::hours;
    using std::chrono::milliseconds;
    using std::chrono::minutes;
    using std::chrono::seconds;
    const auto same = [](const std::string& text) { return text; };
    config::Object<AgentsConfig> table;
    table.key("heartbeat_interval", &AgentsConfig::heartbeat_interval,
              config::duration(milliseconds(100), hours(1)), "How often agents are told to beat.");
    table.key("heartbeat_flush", &AgentsConfig::heartbeat_flush,
              config::duration(milliseconds(100), seconds(2)),
              "Within this a heartbeat is in the database.");
    table.key("offline_after", &AgentsConfig::offline_after,
              config::duration(milliseconds(500), hours(24)),
              "Who is silent for so long is offline.");
    table.key("access_token_ttl", &AgentsConfig::access_token_ttl,
              config::whole_seconds(minutes(1), access_token_ttl_max),
              "Of an agent's access tokens.");
    table.key("token_ttl", &AgentsConfig::token_ttl, config::whole_seconds(minutes(1), days(30)),
              "Of its refresh tokens, each of them.");
    table.key("enrolment_ttl", &AgentsConfig::enrolment_ttl,
              config::whole_seconds(minutes(1), days(30)), "Of one-time tokens.");
    table.key("threat_window", &AgentsConfig::threat_window,
              config::whole_seconds(seconds(1), days(30)),
              "A report of what was last seen within this counts that threat up.");
    table.key("threat_after", &AgentsConfig::threat_after, thresholds_type(),
              "So many from one network within a minute are a threat that the gateway reports; 0: "
              "never.");
    table.key("calls_per_hour", &AgentsConfig::calls_per_hour,
              config::integer<std::uint64_t>(0, 1'000'000'000),
              "Requests of one agent within an hour, over all nodes; 0: any number.");
    table.key("trust_domain", &AgentsConfig::trust_domain,
              config::parsed_text<std::string>(&trust_domain_of, same),
              "Agents' certificates say spiffe://DOMAIN/agent/ID.");
    table.key("agent_list", &AgentsConfig::agent_list, config::boolean(),
              "true: GET /api/agent/list is answered here, and by no backend.");
    table.check([](const config::Node& node, config::Reader& reader, const AgentsConfig& agents) {
        if (agents.offline_after > agents.heartbeat_interval + agents.heartbeat_flush) return true;
        reader.refuse(node,
                      "has an offline_after within which no heartbeat needs to come: longer than "
                      "heartbeat_interval and heartbeat_flush together is wanted");
        return false;
    });
    return table.type();
}

}  // namespace gh::agents

#include "app/agents_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "agents/room.hpp"
#include "app/agent_credentials.hpp"
#include "app/ca_state.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using agents::Agent;
using agents::AgentRepository;
using agents::Status;

constexpr std::size_t page_size = 200;

SystemTime now() { return std::chrono::system_clock::now(); }

std::unexpected<Error> misused(std::string detail) {
    return fail(ErrorKind::invalid_argument, "usage", "command line: " + std::move(detail));
}

/// What the repository refuses, in words of the command line.
Error in_words(Error error, const AgentsOptions& options) {
    const auto quoted = config::quote(options.name);
    if (error.reason == "agent.unknown")
        error.detail = fmt::format("there is no agent {}; gatehouse agents list shows all", quoted);
    if (error.reason == "agent.hostname_taken")
        error.detail = fmt::format("there is an agent {} already", quoted);
    if (error.reason == "agent.retired") error.detail = fmt::format("{} has retired", quoted);
    if (error.reason == "agent.status")
        error.detail = fmt::format("{} cannot, from the status it has", quoted);
    return error;
}

std::string json_of(const std::vector<Agent>& all) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& agent : all) {
        out.begin_object().name("id").string(agent.id).name("hostname").string(agent.hostname);
        out.name("status").string(name_of(agent.status));
        out.name("ip_address").string(agent.ip_address);
        out.name("agent_version").string(agent.agent_version);
        out.name("labels").begin_object();
        for (const auto& [name, value] : agent.labels) out.name(name).string(value);
        out.end_object().name("capabilities").begin_array();
        for (const auto& each : agent.capabilities) out.string(each);
        out.end_array();
        if (agent.last_heartbeat_at)
            out.name("last_heartbeat_at").string(config::time_text(*agent.last_heartbeat_at));
        out.name("created_by").string(agent.created_by);
        out.name("created_at").string(config::time_text(agent.created_at));
        out.end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string table_of(const std::vector<Agent>& all) {
    std::string text;
    for (const auto& agent : all) {
        fmt::format_to(std::back_inserter(text), "{}  {:<32} {:<12} {:<24} {}\n", agent.id,
                       agent.hostname, name_of(agent.status),
                       agent.last_heartbeat_at ? config::time_text(*agent.last_heartbeat_at)
                                               : "never heard of",
                       fmt::join(agent.capabilities, ","));
    }
    return text;
}

Task<Result<std::vector<Agent>>> all_agents(AgentRepository& repository, agents::AgentPage page) {
    std::vector<Agent> all;
    page.limit = page_size;
    for (;;) {
        GH_CO_TRY(auto some, co_await repository.list(page));
        std::ranges::move(some, std::back_inserter(all));
        if (some.size() < page_size) co_return all;
        page.after_hostname = all.back().hostname;
        page.after_id = all.back().id;
    }
}

/// By its id, or by its name.
Task<Result<Agent>> find(AgentRepository& repository, std::string name) {
    auto found = co_await repository.find(name);
    if (found || found.error().kind != ErrorKind::not_found) co_return found;
    co_return co_await repository.find_by_hostname(std::move(name));
}

std::pair<std::string, std::string> split(const std::string& label) {
    const auto equals = label.find('=');
    return {label.substr(0, equals), equals == label.npos ? "" : label.substr(equals + 1)};
}

Result<agents::Labels> labels_of(const AgentsOptions& options) {
    agents::Labels labels;
    for (const auto& label : options.labels) {
        auto [name, value] = split(label);
        if (!agents::valid_word(name) || value.empty() ||
            name.size() > agents::label_name_bytes_max ||
            value.size() > agents::label_value_bytes_max)
            return misused(fmt::format("--label: {} is not NAME=VALUE", config::quote(label)));
        labels.emplace(std::move(name), std::move(value));
    }
    if (labels.size() > agents::labels_max) return misused("--label: too many of them");
    return labels;
}

Result<agents::AgentPage> page_of(const AgentsOptions& options) {
    agents::AgentPage page;
    if (!options.status.empty()) {
        page.status = agents::status_of(options.status);
        if (!page.status) return misused("--status: is none; see gatehouse agents list --help");
    }
    GH_TRY(const auto labels, labels_of(options));
    if (labels.size() > 1) return misused("--label: one is looked for");
    if (!labels.empty()) page.label = *labels.begin();
    return page;
}

Result<Agent> wanted_of(const AgentsOptions& options) {
    if (!agents::valid_hostname(options.name))
        return misused(
            fmt::format("{} is no host name in lower case", config::quote(options.name)));
    Agent agent;
    agent.hostname = options.name;
    GH_TRY(agent.labels, labels_of(options));
    for (const auto& each : options.capabilities) {
        if (!agents::valid_word(each) || each.size() > agents::capability_bytes_max)
            return misused(
                fmt::format("--capability: {} is none: a-z, 0-9 and _-./", config::quote(each)));
    }
    if (options.capabilities.size() > agents::capabilities_max)
        return misused("--capability: too many of them");
    agent.capabilities = options.capabilities;
    return agent;
}

Result<seconds> token_lifetime(const AgentsOptions& options, const Settings& settings) {
    if (options.expires.empty()) return settings.agents.enrolment_ttl;
    const auto lifetime = config::parse_duration(options.expires);
    if (!lifetime || *lifetime < seconds(1) || *lifetime > pki::token_lifetime_max) {
        return misused(fmt::format("--expires: {} is no duration such as 15m or 2d, 30d at most",
                                   config::quote(options.expires)));
    }
    return std::chrono::floor<seconds>(*lifetime);
}

/// What a verb that changes agents works with.
struct Desk {
    CaState state;
    std::unique_ptr<crypto::HmacKey> token_key;
    std::unique_ptr<AgentCredentials> credentials;
    std::unique_ptr<AgentRepository> agents;
};

Result<Desk> open_desk(const Overrides& overrides, const Surroundings& surroundings) {
    Desk desk;
    GH_TRY(desk.state, open_ca(overrides, surroundings));
    GH_TRY(auto secret, kept_secret(*desk.state.verb->keys, enrolment_key));
    desk.token_key = std::make_unique<crypto::HmacKey>(crypto::HmacHash::sha256, std::move(secret));
    auto* ca = desk.state.ca.get();
    desk.credentials = std::make_unique<AgentCredentials>(
        AgentCredentials::Parts{.token_key = *desk.token_key,
                                .authority = [ca] { return ca->issuer(); },
                                .trust_domain = desk.state.verb->settings.agents.trust_domain});
    desk.agents = std::make_unique<AgentRepository>(*desk.state.verb->state->database);
    return desk;
}

agents::Credentials::Awaited awaited_of(const std::string& agent_id, seconds lifetime,
                                        const audit::Record& record) {
    const auto at = now();
    return {.id = std::string(view(uuid_v7(at))),
            .agent_id = agent_id,
            .created_by = record.actor,
            .now = at,
            .expires_at = at + lifetime};
}

/// The token of an agent that is new, or of one that is there.
Result<std::string> make_token(const Overrides& overrides, const Surroundings& surroundings,
                               const AgentsOptions& options, bool is_new) {
    GH_TRY(auto wanted, wanted_of(options));
    GH_TRY(auto desk, open_desk(overrides, surroundings));
    GH_TRY(const auto lifetime, token_lifetime(options, desk.state.verb->settings));
    auto record = audit::act_of_shell(is_new ? "agent.create" : "agent.announce", "agent");
    if (is_new) {
        wanted.id = view(uuid_v7(now()));
    } else {
        GH_TRY(wanted, net::run_to_end(find(*desk.agents, options.name)));
    }
    auto awaited = awaited_of(wanted.id, lifetime, record);
    GH_TRY_VOID(desk.credentials->check(wanted.id, awaited.now));
    const auto before = std::exchange(wanted.enrolment, awaited.id);
    auto also = audit::also<Agent>(std::move(record), agents::tell_agent);
    auto with = agents::with_enrolment(*desk.credentials, awaited, before, std::move(also));
    if (is_new) {
        wanted.created_by = awaited.created_by;
        wanted.created_at = awaited.now;
        GH_TRY_VOID(net::run_to_end(desk.agents->add(std::move(wanted), std::move(with))));
    } else {
        GH_TRY_VOID(net::run_to_end(
            desk.agents->announce(wanted.id, before, awaited.id, awaited.now, std::move(with))));
    }
    return desk.credentials->enrolment_token(awaited.id) + "\n";
}

CommandResult tell_token(const Overrides& overrides, const Surroundings& surroundings,
                         const AgentsOptions& options, bool is_new) {
    const auto made = make_token(overrides, surroundings, options, is_new);
    if (!made) return failed(in_words(made.error(), options));
    return {.exit_code = 0,
            .out = *made,
            .err =
                "shown once; good for one key: POST it with a request to "
                "/api/v1/agents/enrol\n"};
}

Result<Agent> move(const Overrides& overrides, const Surroundings& surroundings,
                   const AgentsOptions& options, Status to, std::string action) {
    GH_TRY(auto desk, open_desk(overrides, surroundings));
    GH_TRY(const auto agent, net::run_to_end(find(*desk.agents, options.name)));
    agents::AgentChange change;
    change.status = to;
    auto also =
        audit::also<Agent>(audit::act_of_shell(std::move(action), "agent"), agents::tell_agent);
    const auto at = now();
    auto with = agents::with_ends(*desk.credentials, at, std::move(also));
    return net::run_to_end(desk.agents->change(agent.id, std::move(change), at, std::move(with)));
}

CommandResult tell_moved(const Result<Agent>& moved, const AgentsOptions& options,
                         std::string_view what) {
    if (!moved) return failed(in_words(moved.error(), options));
    return {.exit_code = 0, .out = {}, .err = fmt::format("{} {}\n", moved->hostname, what)};
}

CommandResult shown(const Result<std::vector<Agent>>& found, const AgentsOptions& options) {
    if (!found) return failed(in_words(found.error(), options));
    return {.exit_code = 0, .out = options.json ? json_of(*found) : table_of(*found), .err = {}};
}

}  // namespace

CommandResult agents_list(const Overrides& overrides, const Surroundings& surroundings,
                          const AgentsOptions& options) {
    auto page = page_of(options);
    if (!page) return failed(page.error());
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    AgentRepository repository(*(*verb)->state->database);
    return shown(net::run_to_end(all_agents(repository, *std::move(page))), options);
}

CommandResult agents_show(const Overrides& overrides, const Surroundings& surroundings,
                          const AgentsOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    AgentRepository repository(*(*verb)->state->database);
    auto agent = net::run_to_end(find(repository, options.name));
    if (!agent) return failed(in_words(agent.error(), options));
    return shown(std::vector{*std::move(agent)}, options);
}

CommandResult agents_add(const Overrides& overrides, const Surroundings& surroundings,
                         const AgentsOptions& options) {
    return tell_token(overrides, surroundings, options, true);
}

CommandResult agents_enrol_token(const Overrides& overrides, const Surroundings& surroundings,
                                 const AgentsOptions& options) {
    return tell_token(overrides, surroundings, options, false);
}

CommandResult agents_quarantine(const Overrides& overrides, const Surroundings& surroundings,
                                const AgentsOptions& options) {
    return tell_moved(
        move(overrides, surroundings, options, Status::quarantined, "agent.quarantine"), options,
        "is kept out: its tokens and certificates have ended");
}

CommandResult agents_release(const Overrides& overrides, const Surroundings& surroundings,
                             const AgentsOptions& options) {
    return tell_moved(move(overrides, surroundings, options, Status::offline, "agent.release"),
                      options, "may come again: gatehouse agents enrol-token lets it in");
}

CommandResult agents_retire(const Overrides& overrides, const Surroundings& surroundings,
                            const AgentsOptions& options) {
    return tell_moved(move(overrides, surroundings, options, Status::retired, "agent.retire"),
                      options, "has retired; its name is free");
}

}  // namespace gh::app

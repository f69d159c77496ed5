#include "app/kill_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "agents/agent_repository.hpp"
#include "app/agent_credentials.hpp"
#include "app/kill_house.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using access::Target;

constexpr std::size_t listed_max = 50;
constexpr std::size_t reason_bytes_max = 500;

/// What a verb that ends somebody works with.
struct Desk {
    std::unique_ptr<VerbState> verb;
    std::unique_ptr<crypto::HmacKey> token_key;
    std::unique_ptr<AgentCredentials> credentials;
    std::unique_ptr<KillPlanes> planes;
    std::unique_ptr<KillSwitch> breaker;
};

Result<Desk> open_desk(const Overrides& overrides, const Surroundings& surroundings) {
    Desk desk;
    GH_TRY(desk.verb, open_verb_state(overrides, surroundings));
    // No token is made here: a key of the moment does.
    desk.token_key =
        std::make_unique<crypto::HmacKey>(crypto::HmacHash::sha256, crypto::Secret::random(32));
    const auto& domain = desk.verb->settings.agents.trust_domain;
    desk.credentials = std::make_unique<AgentCredentials>(
        AgentCredentials::Parts{.token_key = *desk.token_key,
                                .authority = [] { return std::shared_ptr<const pki::Authority>(); },
                                .trust_domain = domain});
    desk.planes = std::make_unique<KillPlanes>(*desk.credentials, nullptr, domain);
    desk.breaker = std::make_unique<KillSwitch>(*desk.verb->state->database, desk.planes->all());
    return desk;
}

void write_item(codec::json::Writer& out, const KillItem& item) {
    out.begin_object().name("plane").string(item.plane).name("kind").string(item.kind);
    out.name("ended").integer(item.ended).name("left").integer(item.left).end_object();
}

void write_node(codec::json::Writer& out, const KillSighting& node) {
    out.begin_object().name("node").string(node.node);
    out.name("open_before").integer(node.open_before).name("open_after").integer(node.open_after);
    out.name("refused").boolean(node.refused).name("seen_at");
    if (node.at) out.string(config::time_text(*node.at));
    if (!node.at) out.null();
    out.name("silent_since");
    if (node.silent_since) out.string(config::time_text(*node.silent_since));
    if (!node.silent_since) out.null();
    out.end_object();
}

void write_json(codec::json::Writer& out, const Kill& kill, bool dry_run) {
    out.begin_object();
    if (!dry_run) out.name("id").string(kill.id);
    out.name("principal").string(access::text_of(kill.target)).name("reason").string(kill.reason);
    out.name("made_by").string(kill.made_by);
    out.name("made_at").string(config::time_text(kill.made_at));
    out.name("dry_run").boolean(dry_run).name("complete").boolean(kill.complete);
    out.name("duration_ms");
    if (kill.took) out.integer(kill.took->count());
    if (!kill.took) out.null();
    out.name("held").begin_array();
    for (const auto& item : kill.held) write_item(out, item);
    out.end_array().name("nodes").begin_array();
    for (const auto& node : kill.nodes) write_node(out, node);
    out.end_array().end_object();
}

std::string said_of(const KillSighting& node) {
    if (!node.at && node.silent_since)
        return "has not answered; last heard of at " + config::time_text(*node.silent_since);
    if (!node.at) return "has not answered";
    return fmt::format("{} open before, {} after; its credentials are {}", node.open_before,
                       node.open_after, node.refused ? "refused" : "NOT REFUSED");
}

std::string text_of(const Kill& kill, bool dry_run) {
    std::string text = fmt::format("{}  {}\nby {} at {}: {}\n", dry_run ? "dry run" : kill.id,
                                   access::text_of(kill.target), kill.made_by,
                                   config::time_text(kill.made_at), kill.reason);
    auto out = std::back_inserter(text);
    for (const auto& item : kill.held) {
        const auto name = fmt::format("{} {}", item.plane, item.kind);
        if (dry_run) fmt::format_to(out, "  {:<28} {:>6} would end\n", name, item.left);
        if (!dry_run)
            fmt::format_to(out, "  {:<28} {:>6} ended {:>6} left\n", name, item.ended, item.left);
    }
    if (dry_run) return text;
    for (const auto& node : kill.nodes) fmt::format_to(out, "  {}: {}\n", node.node, said_of(node));
    if (kill.nodes.empty()) fmt::format_to(out, "  no node is running\n");
    fmt::format_to(out, "{}", kill.complete ? "complete" : "NOT COMPLETE");
    if (kill.took) fmt::format_to(out, ", after {} ms", kill.took->count());
    return text + "\n";
}

CommandResult told(const KillOptions& options, const Kill& kill, bool dry_run) {
    std::string text;
    if (options.json) {
        codec::json::Writer out(text);
        write_json(out, kill, dry_run);
        text += "\n";
    } else {
        text = text_of(kill, dry_run);
    }
    return {.exit_code = dry_run || kill.complete ? 0 : 1, .out = std::move(text), .err = {}};
}

Error in_words(Error error, const KillOptions& options) {
    const auto quoted = config::quote(options.name);
    if (error.reason == "kill.unknown" || error.reason == "agent.unknown")
        error.detail = fmt::format("there is no {}", quoted);
    if (error.reason == "kill.unknown_receipt")
        error.detail = fmt::format("there is no receipt {}; gatehouse kill list shows all", quoted);
    if (error.reason == "user.last_admin")
        error.detail = fmt::format("{} is the last one who can administer", quoted);
    return error;
}

/// @return the agent of a name or an id
Result<Target> agent_of(Desk& desk, const std::string& name) {
    agents::AgentRepository agents(*desk.verb->state->database);
    auto found = net::run_to_end(agents.find(name));
    if (!found && found.error().kind == ErrorKind::not_found)
        found = net::run_to_end(agents.find_by_hostname(name));
    if (!found) return std::unexpected(std::move(found).error());
    return Target{.type = access::PrincipalType::agent, .name = found->id};
}

Task<Result<Kill>> run(KillSwitch& breaker, KillSwitch::Order order) {
    const auto began = net::Loop::current()->now();
    auto record = audit::act_of_shell("principal.kill", "principal");
    order.made_by = "user:" + record.actor;
    GH_CO_TRY(auto ended, co_await breaker.end(std::move(order), std::move(record)));
    auto observed = co_await breaker.observe(ended, began);
    // It is done, whether or not anybody can look at it.
    if (!observed) co_return ended;
    co_return *std::move(observed);
}

CommandResult end(Desk& desk, const KillOptions& options, Target target) {
    KillSwitch::Order order{.id = std::string(view(uuid_v7(std::chrono::system_clock::now()))),
                            .target = std::move(target),
                            .reason = options.reason,
                            .made_by = "user:" + audit::act_of_shell("", "").actor};
    const auto done = options.dry_run ? net::run_to_end(desk.breaker->look(std::move(order)))
                                      : net::run_to_end(run(*desk.breaker, std::move(order)));
    if (!done) return failed(in_words(done.error(), options));
    return told(options, *done, options.dry_run);
}

Result<Target> target_of(Desk& desk, const KillOptions& options, bool is_agent) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
    if (options.reason.empty() || options.reason.size() > reason_bytes_max ||
        std::ranges::any_of(options.reason, is_control))
        return fail(ErrorKind::invalid_argument, "usage",
                    "command line: --reason: 1 to 500 octets, without control characters");
    if (is_agent) return agent_of(desk, options.name);
    auto target = access::target_of(options.name);
    if (target) return target;
    return fail(ErrorKind::invalid_argument, "usage",
                fmt::format("command line: {} is none of user:NAME, service:NAME, api_key:ID, "
                            "agent:ID",
                            config::quote(options.name)));
}

CommandResult kill(const Overrides& overrides, const Surroundings& surroundings,
                   const KillOptions& options, bool is_agent) {
    auto desk = open_desk(overrides, surroundings);
    if (!desk) return failed(desk.error());
    auto target = target_of(*desk, options, is_agent);
    if (!target) return failed(in_words(target.error(), options));
    return end(*desk, options, *std::move(target));
}

}  // namespace

CommandResult kill_agent(const Overrides& overrides, const Surroundings& surroundings,
                         const KillOptions& options) {
    return kill(overrides, surroundings, options, true);
}

CommandResult kill_principal(const Overrides& overrides, const Surroundings& surroundings,
                             const KillOptions& options) {
    return kill(overrides, surroundings, options, false);
}

CommandResult kill_list(const Overrides& overrides, const Surroundings& surroundings,
                        const KillOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    KillRecords records(*(*verb)->state->database);
    const auto found = net::run_to_end(records.list({.limit = listed_max}));
    if (!found) return failed(found.error());
    std::string table, json;
    codec::json::Writer out(json);
    out.begin_array();
    for (const auto& kill : *found) {
        write_json(out, kill, false);
        fmt::format_to(std::back_inserter(table), "{}  {:<24} {:<12} {:<44} {}\n", kill.id,
                       config::time_text(kill.made_at), kill.complete ? "complete" : "incomplete",
                       access::text_of(kill.target), kill.reason);
    }
    out.end_array();
    return {.exit_code = 0, .out = options.json ? json + "\n" : table, .err = {}};
}

CommandResult kill_show(const Overrides& overrides, const Surroundings& surroundings,
                        const KillOptions& options) {
    auto desk = open_desk(overrides, surroundings);
    if (!desk) return failed(desk.error());
    const auto found = net::run_to_end(desk->breaker->find(options.name));
    if (!found) return failed(in_words(found.error(), options));
    auto shown = told(options, *found, false);
    shown.exit_code = 0;
    return shown;
}

}  // namespace gh::app

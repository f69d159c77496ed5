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
#include "base/id.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::agents {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct NewAgent {
    std::string hostname;
    std::optional<std::string> ip_address, agent_version;
    Labels labels;
    std::vector<std::string> capabilities;
    std::optional<std::int64_t> expires_in_seconds;
};

api::Type<std::optional<std::int64_t>> lifetime_type() {
    return api::maybe(api::integer_64(1, seconds(std::chrono::days(30)).count()));
}

const api::Type<NewAgent>& new_agent_type() {
    using N = NewAgent;
    static const auto type =
        Object<N>("NewAgent", "An agent that is to come.")
            .required("hostname", &N::hostname, hostname_type(), "Unique among those that live.")
            .optional("ip_address", &N::ip_address, api::maybe(ip_address_type()),
                      "Where it is expected from.")
            .optional("agent_version", &N::agent_version, api::maybe(agent_version_type()),
                      "Of its program.")
            .optional("labels", &N::labels, labels_type(), "To find it by.")
            .optional("capabilities", &N::capabilities, capabilities_type(), "What it can do.")
            .optional("expires_in_seconds", &N::expires_in_seconds, lifetime_type(),
                      "Until its one-time token must be used.")
            .check([](api::Reader& reader, const N& agent) { check_labels(reader, agent.labels); })
            .type();
    return type;
}

struct ChangedAgent {
    std::optional<std::string> ip_address, agent_version;
    std::optional<Labels> labels;
    std::optional<std::vector<std::string>> capabilities;
    std::optional<Status> status;
};

const api::Type<ChangedAgent>& changed_agent_type() {
    using C = ChangedAgent;
    static const auto type =
        Object<C>("ChangedAgent", "What is to be different; the rest stays.")
            .optional("ip_address", &C::ip_address, api::maybe(ip_address_type()), "Where it is.")
            .optional("agent_version", &C::agent_version, api::maybe(agent_version_type()),
                      "Of its program.")
            .optional("labels", &C::labels, api::maybe(labels_type()), "All of them.")
            .optional("capabilities", &C::capabilities, api::maybe(capabilities_type()),
                      "All of them.")
            .optional("status", &C::status, api::maybe(status_type()),
                      "quarantined and retired end its tokens and its certificates.")
            .check([](api::Reader& reader, const C& change) {
                if (change.labels) check_labels(reader, *change.labels);
            })
            .type();
    return type;
}

struct AgentQuery : api::Page {
    std::optional<Status> status;
    std::optional<std::string> label;
};

constexpr std::array<std::string_view, 4> orders{"hostname", "-hostname", "created_at",
                                                 "-created_at"};

const Object<AgentQuery>& agent_query() {
    static const auto table = [] {
        Object<AgentQuery> query("AgentQuery", "Which agents.");
        api::add_page(query, "agents", 3);
        api::add_sort(query, {orders.begin(), orders.end()});
        query.optional("status", &AgentQuery::status, api::maybe(status_type()),
                       "Only these; all but retired ones, where left out.");
        query.optional(
            "label", &AgentQuery::label,
            api::maybe(api::text(
                {.length_max = label_name_bytes_max + label_value_bytes_max + 1,
                 .form = {.holds =
                              [](std::string_view text) { return text.find('=') != text.npos; },
                          .said = "NAME=VALUE",
                          .pattern = "^[^=]+=.*$",
                          .format = {}}})),
            "Only those with this label: NAME=VALUE.");
        return query;
    }();
    return table;
}

const api::Type<api::Items<ShownAgent>>& agent_page_type() {
    static const auto type = api::page_of("AgentPage", agent_type());
    return type;
}

api::Reply one(std::uint16_t status, const Agent& agent) {
    return with_version(api::reply(status, agent_type(), shown(agent)), agent.version);
}

Result<AgentPage> page_of(const AgentQuery& query) {
    AgentPage page;
    page.order = static_cast<AgentPage::Order>(query.order);
    page.limit = query.limit + std::size_t{1};
    page.offset = static_cast<std::size_t>(query.offset);
    page.status = query.status;
    if (query.label) {
        const auto equals = query.label->find('=');
        page.label = {query.label->substr(0, equals), query.label->substr(equals + 1)};
    }
    if (!query.after) return page;
    page.after_id = (*query.after)[2];
    if (query.order < 2) {
        page.after_hostname = (*query.after)[1];
    } else {
        GH_TRY(page.after_time, api::time_of_key((*query.after)[1]));
    }
    return page;
}

Task<Result<api::Reply>> list(Room& room, api::Call /*call*/, AgentQuery query) {
    GH_CO_TRY(auto page, page_of(query));
    GH_CO_TRY(auto found, co_await room.agents.list(std::move(page)));
    api::Items<ShownAgent> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        const auto& last = found.back();
        items.next_cursor = api::encode_cursor(
            "agents",
            {std::string(orders[query.order]),
             query.order < 2 ? last.hostname : api::key_of_time(last.created_at), last.id});
    }
    for (const auto& agent : found) items.items.push_back(shown(agent));
    co_return api::reply(200, agent_page_type(), items);
}

Credentials::Awaited awaited_of(const Room& room, const api::Call& call, std::string agent_id,
                                std::optional<std::int64_t> expires_in) {
    const auto now = net::Loop::current()->system_now();
    return {.id = std::string(view(uuid_v7(now))),
            .agent_id = std::move(agent_id),
            .created_by = who(call),
            .now = now,
            .expires_at = now + (expires_in ? seconds(*expires_in) : room.config.enrolment_ttl)};
}

api::Reply with_token(Room& room, std::uint16_t status, const Agent& agent, SystemTime expires_at) {
    auto body = shown(agent);
    body.enrolment_token = room.credentials.enrolment_token(agent.enrolment);
    body.enrolment_expires_at = expires_at;
    auto reply = status == 201 ? api::created("/api/v1/agents/" + agent.id, agent_type(), body)
                               : api::reply(status, agent_type(), body);
    return with_version(std::move(reply), agent.version);
}

Task<Result<api::Reply>> add(Room& room, api::Call call, NewAgent wanted) {
    const auto now = net::Loop::current()->system_now();
    Agent agent;
    agent.id = view(uuid_v7(now));
    auto awaited = awaited_of(room, call, agent.id, wanted.expires_in_seconds);
    GH_CO_TRY_VOID(room.credentials.check(agent.id, now));
    agent.hostname = std::move(wanted.hostname);
    agent.ip_address = std::move(wanted.ip_address).value_or("");
    agent.labels = std::move(wanted.labels);
    agent.capabilities = std::move(wanted.capabilities);
    agent.agent_version = std::move(wanted.agent_version).value_or("");
    agent.enrolment = awaited.id;
    agent.created_by = awaited.created_by;
    agent.created_at = now;
    const auto expires_at = awaited.expires_at;
    auto also = audit::also<Agent>(audit::act_of(call, "agent.create", "agent"), tell_agent);
    auto with = with_enrolment(room.credentials, std::move(awaited), {}, std::move(also));
    auto kept = co_await room.agents.add(std::move(agent), std::move(with));
    if (!kept) co_return refused_by_rules(call, std::move(kept).error());
    co_return with_token(room, 201, *kept, expires_at);
}

Task<Result<api::Reply>> announce(Room& room, api::Call call) {
    GH_CO_TRY(const auto before, co_await room.agents.find(std::string(call.param("agent"))));
    auto awaited = awaited_of(room, call, before.id, std::nullopt);
    GH_CO_TRY_VOID(room.credentials.check(before.id, awaited.now));
    const auto now = awaited.now;
    const auto expires_at = awaited.expires_at;
    auto enrolment = awaited.id;
    auto also = audit::also<Agent>(audit::act_of(call, "agent.announce", "agent"), tell_agent);
    auto with =
        with_enrolment(room.credentials, std::move(awaited), before.enrolment, std::move(also));
    auto kept = co_await room.agents.announce(before.id, before.enrolment, std::move(enrolment),
                                              now, std::move(with));
    if (!kept) co_return refused_by_rules(call, std::move(kept).error());
    co_return with_token(room, 200, *kept, expires_at);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    // Its status moves without its version: nothing is answered 304.
    GH_CO_TRY(const auto agent, co_await room.agents.find(std::string(call.param("agent"))));
    co_return one(200, agent);
}

Task<Result<api::Reply>> show_by_hostname(Room& room, api::Call call) {
    GH_CO_TRY(const auto agent,
              co_await room.agents.find_by_hostname(std::string(call.param("hostname"))));
    co_return one(200, agent);
}

Task<Result<api::Reply>> change_to(Room& room, api::Call call, AgentChange change,
                                   std::string action) {
    GH_CO_TRY(const auto before, co_await room.agents.find(std::string(call.param("agent"))));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    if (call.head.fields.find("If-Match") != nullptr) change.expected_version = before.version;
    const auto now = net::Loop::current()->system_now();
    auto also = audit::also<Agent>(audit::act_of(call, std::move(action), "agent"), tell_agent);
    auto with = with_ends(room.credentials, now, std::move(also));
    auto after = co_await room.agents.change(before.id, std::move(change), now, std::move(with));
    if (!after) co_return refused_by_rules(call, std::move(after).error());
    if (after->status != before.status) room.heartbeats.forget(after->id);
    if (is_shut_out(after->status)) room.credentials.agent_ended(after->id, now);
    co_return one(200, *after);
}

Task<Result<api::Reply>> change(Room& room, api::Call call, ChangedAgent wanted) {
    std::string action = "agent.change";
    if (wanted.status == Status::quarantined) action = "agent.quarantine";
    if (wanted.status == Status::retired) action = "agent.retire";
    AgentChange change{.ip_address = std::move(wanted.ip_address),
                       .agent_version = std::move(wanted.agent_version),
                       .labels = std::move(wanted.labels),
                       .capabilities = std::move(wanted.capabilities),
                       .status = wanted.status,
                       .expected_version = {}};
    return change_to(room, call, std::move(change), std::move(action));
}

Task<Result<api::Reply>> retire(Room& room, api::Call call) {
    AgentChange change;
    change.status = Status::retired;
    return change_to(room, call, std::move(change), "agent.retire");
}

std::vector<api::Route> routes_of_one(Room& room) {
    const auto answer = api::answers(200, "The agent.", agent_type());
    return {{.method = "GET",
             .path = "/api/v1/agents/{agent}",
             .access = Access::permission(Permission::agents_read),
             .handle = api::with(room, show),
             .summary = "One agent, a retired one too.",
             .answers = {answer}},
            {.method = "PATCH",
             .path = "/api/v1/agents/{agent}",
             .access = Access::permission(Permission::agents_write),
             .handle = api::with(room, change, api::json_body(changed_agent_type())),
             .summary = "Changes what is said of it, or moves it to another status.",
             .answers = {answer},
             .body_bytes_max = 64 * 1024},
            {.method = "DELETE",
             .path = "/api/v1/agents/{agent}",
             .access = Access::permission(Permission::agents_write),
             .handle = api::with(room, retire),
             .summary = "Retires it: its tokens and certificates end, its name is free.",
             .answers = {answer}},
            {.method = "GET",
             .path = "/api/v1/agents/by-hostname/{hostname}",
             .access = Access::permission(Permission::agents_read),
             .handle = api::with(room, show_by_hostname),
             .summary = "The agent that has the name.",
             .answers = {answer}},
            {.method = "POST",
             .path = "/api/v1/agents/{agent}/enrolment",
             .access = Access::permission(Permission::agents_write),
             .handle = api::with(room, announce),
             .summary = "Another one-time token; the one before and its certificates end.",
             .answers = {answer}}};
}

}  // namespace

std::vector<api::Route> agent_routes(Room& room) {
    auto routes = routes_of_one(room);
    routes.push_back({.method = "GET",
                      .path = "/api/v1/agents",
                      .access = Access::permission(Permission::agents_read),
                      .handle = api::with(room, list, api::query(agent_query())),
                      .summary = "Agents, page by page.",
                      .answers = {api::answers(200, "A page of them.", agent_page_type())}});
    routes.push_back({.method = "POST",
                      .path = "/api/v1/agents",
                      .access = Access::permission(Permission::agents_write),
                      .handle = api::with(room, add, api::json_body(new_agent_type())),
                      .summary = "Announces an agent; it comes with a one-time token.",
                      .answers = {api::answers(201, "With the token.", agent_type())},
                      .body_bytes_max = 64 * 1024});
    return routes;
}

}  // namespace gh::agents

#include <chrono>
#include <utility>

#include "access/permission.hpp"
#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "vault/doors.hpp"
#include "vault/rotation/roles.hpp"
#include "vault/rotation/room.hpp"
#include "vault/rotation/shown.hpp"

namespace gh::vault::rotation {
namespace {

using access::Access;
using access::Permission;
using api::Object;

using Answered = Task<Result<api::Reply>>;

constexpr std::size_t body_bytes_max = std::size_t{32} * 1024;

SystemTime now() { return std::chrono::system_clock::now(); }

std::string data_path(const std::string& path) { return "secret/data/" + path; }

std::string path_in(const api::Call& call) { return std::string(call.param("path")); }

storage::Also<Rotation> recorded(const api::Call& call, std::string action) {
    return recorded_rule(audit::act_of(call, std::move(action), "secret"));
}

/// What may be done with the secret of a path: what a policy denies in the API of KV stores is denied here.
Task<Result<Capabilities>> rights_at(RotationRoom& room, const api::Call& call, std::string path) {
    GH_CO_TRY(const auto standing, co_await standing_of(room.vault, call.principal));
    co_return standing.at(data_path(path), false);
}

api::Reply denied(const api::Call& call, const std::string& path) {
    return api::refusal(call, 403, "access.policy", "Not allowed for the secret " + path + ".");
}

/// Nothing: allowed.
Task<Result<std::optional<api::Reply>>> refused_to(RotationRoom& room, const api::Call& call,
                                                   Capability wanted) {
    const auto path = path_in(call);
    GH_CO_TRY(const auto may, co_await rights_at(room, call, path));
    if (!may.has(wanted)) co_return denied(call, path);
    co_return std::nullopt;
}

Result<api::Reply> answer(const api::Call& call, std::uint16_t status, Result<Rotation> done) {
    if (!done) return told(call, std::move(done).error());
    return api::reply(status, rotation_type(), shown(*done));
}

// --- rules ---

const Object<api::Page>& rotation_query() {
    static const auto table = api::page_query("rotations", 1);
    return table;
}

const api::Type<api::Items<ShownRotation>>& rotation_page_type() {
    static const auto type = api::page_of("RotationPage", rotation_type());
    return type;
}

Answered list_rotations(RotationRoom& room, api::Call call, api::Page page) {
    if (page.offset > 0)
        co_return api::refusal(call, 422, "query.offset", "This list goes on by its cursor alone.");
    RotationPage wanted;
    wanted.limit = page.limit + std::size_t{1};
    if (page.after) wanted.after = page.after->front();
    GH_CO_TRY(auto found, co_await room.rotations.list(std::move(wanted)));
    api::Items<ShownRotation> items;
    if (found.size() > page.limit) {
        found.resize(page.limit);
        items.next_cursor = api::encode_cursor("rotations", {found.back().path});
    }
    GH_CO_TRY(const auto standing, co_await standing_of(room.vault, call.principal));
    for (const auto& each : found) {
        const auto may = standing.at(data_path(each.path), false);
        if (may.has(Capability::read)) items.items.push_back(shown(each));
    }
    co_return api::reply(200, rotation_page_type(), items);
}

Answered show_rotation(RotationRoom& room, api::Call call) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::read));
    if (refused) co_return *std::move(refused);
    co_return answer(call, 200, co_await room.rotations.find(path_in(call)));
}

/// Who names a connection has its password sent somewhere: whoever may not both read and write it does not.
Task<Result<std::optional<api::Reply>>> refused_connection(RotationRoom& room,
                                                           const api::Call& call, Generator by) {
    if (by.kind != Kind::postgresql) co_return std::nullopt;
    GH_CO_TRY(const auto name, parse_connection(by.connection));
    GH_CO_TRY(const auto may, co_await rights_at(room, call, name.path));
    if (!may.has(Capability::read) || !may.has(Capability::update))
        co_return denied(call, name.path);
    co_return std::nullopt;
}

Answered put_rotation(RotationRoom& room, api::Call call, Rule rule) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::update));
    if (refused) co_return *std::move(refused);
    GH_CO_TRY(refused, co_await refused_connection(room, call, rule.generator));
    if (refused) co_return *std::move(refused);
    auto server =
        co_await server_for(room.vault.secrets, path_in(call), rule.generator, NamedBy::api, now());
    if (!server) co_return told(call, std::move(server).error());
    auto also = recorded(call, "secret.rotation_set");
    auto made = co_await room.rotations.set(path_in(call), std::move(rule), now(), std::move(also),
                                            *std::move(server));
    if (made) room.vault.uses.watch_too(made->path);
    co_return answer(call, 200, std::move(made));
}

struct RemoveQuery {
    bool force = false;
};

const Object<RemoveQuery>& remove_query() {
    static const auto table = [] {
        Object<RemoveQuery> query("RemoveRotationQuery", "How.");
        query.optional("force", &RemoveQuery::force, api::boolean(),
                       "Also while one is under way: then nobody ends the version before, and a "
                       "password that the one role of a server may have is a deleted version.");
        return query;
    }();
    return table;
}

Answered remove_rotation(RotationRoom& room, api::Call call, RemoveQuery query) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::update));
    if (refused) co_return *std::move(refused);
    auto also = recorded(call, "secret.rotation_delete");
    auto gone = co_await room.rotations.remove(path_in(call), query.force, now(), std::move(also));
    if (!gone) co_return told(call, std::move(gone).error());
    co_return api::no_content();
}

// --- what was tried, and what somebody wants now ---

enum class Wish : std::uint8_t { rotate, proceed, roll_back };
struct WantedRun {
    Wish kind = Wish::rotate;
};

const api::Type<WantedRun>& wanted_run_type() {
    static const auto type =
        Object<WantedRun>("NewRotationRun", "What is to be done now.")
            .required("kind", &WantedRun::kind,
                      api::choice<Wish>({{"rotate", Wish::rotate},
                                         {"proceed", Wish::proceed},
                                         {"roll_back", Wish::roll_back}}),
                      "rotate: now, not when it is due; proceed: the version before ends now; "
                      "roll_back: it becomes current again.")
            .type();
    return type;
}

Answered add_run(RotationRoom& room, api::Call call, WantedRun wanted) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::update));
    if (refused) co_return *std::move(refused);
    auto also = recorded(call, wanted.kind == Wish::rotate    ? "secret.rotation_ask"
                               : wanted.kind == Wish::proceed ? "secret.rotation_proceed"
                                                              : "secret.rotation_roll_back_ask");
    if (wanted.kind == Wish::rotate) {
        auto asked = co_await room.rotations.ask_for(path_in(call), now(), std::move(also));
        co_return answer(call, 202, std::move(asked));
    }
    const auto verdict = wanted.kind == Wish::proceed ? Verdict::proceed : Verdict::roll_back;
    auto judged = co_await room.rotations.judge(path_in(call), verdict, now(), std::move(also));
    co_return answer(call, 202, std::move(judged));
}

const Object<api::Page>& run_query() {
    static const auto table = api::page_query("rotation-runs", 1);
    return table;
}

const api::Type<api::Items<Run>>& run_page_type() {
    static const auto type = api::page_of("RotationRunPage", run_type());
    return type;
}

Answered list_runs(RotationRoom& room, api::Call call, api::Page page) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::read));
    if (refused) co_return *std::move(refused);
    if (page.offset > 0)
        co_return api::refusal(call, 422, "query.offset", "This list goes on by its cursor alone.");
    auto before = page.after ? page.after->front() : std::string();
    auto found =
        co_await room.rotations.runs(path_in(call), std::move(before), page.limit + std::size_t{1});
    if (!found) co_return told(call, std::move(found).error());
    api::Items<Run> items;
    items.items = *std::move(found);
    if (items.items.size() > page.limit) {
        items.items.resize(page.limit);
        items.next_cursor = api::encode_cursor("rotation-runs", {items.items.back().id});
    }
    co_return api::reply(200, run_page_type(), items);
}

// --- who reads ---

const api::Type<api::Items<ShownConsumer>>& consumer_page_type() {
    static const auto type = api::page_of("SecretConsumerPage", consumer_type());
    return type;
}

Answered list_consumers(RotationRoom& room, api::Call call) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::read));
    if (refused) co_return *std::move(refused);
    const auto rotation = co_await room.rotations.find(path_in(call));
    if (!rotation) co_return told(call, rotation.error());
    GH_CO_TRY(const auto seen, co_await room.rotations.consumers(path_in(call)));
    api::Items<ShownConsumer> items;
    items.items = shown(*rotation, seen, now());
    co_return api::reply(200, consumer_page_type(), items);
}

struct ConsumerQuery {
    std::string consumer;
};

const Object<ConsumerQuery>& consumer_query() {
    static const auto table = [] {
        Object<ConsumerQuery> query("ConsumerQuery", "Which one.");
        query.required("consumer", &ConsumerQuery::consumer,
                       api::text({.length_max = consumer_bytes_max}), "As api_key:billing.");
        return query;
    }();
    return table;
}

Answered forget_consumer(RotationRoom& room, api::Call call, ConsumerQuery query) {
    GH_CO_TRY(auto refused, co_await refused_to(room, call, Capability::update));
    if (refused) co_return *std::move(refused);
    auto record =
        audit::act_of(call, "secret.consumer_forget", "secret", std::string(call.param("path")));
    record.details.push_back({"consumer", query.consumer});
    auto also = audit::also<bool>(std::move(record));
    auto gone = co_await room.rotations.forget_consumer(path_in(call), std::move(query.consumer),
                                                        std::move(also));
    if (!gone) co_return told(call, std::move(gone).error());
    co_return api::no_content();
}

}  // namespace

std::vector<api::Route> rule_routes(RotationRoom& room) {
    const std::string one = "/api/v1/secrets/rotations/{path...}";
    const auto rotation = api::answers(200, "The rotation.", rotation_type());
    return {
        {.method = "GET",
         .path = "/api/v1/secrets/rotations",
         .access = Access::permission(Permission::secrets_read),
         .handle = api::with(room, list_rotations, api::query(rotation_query())),
         .summary = "Secrets that are replaced by themselves, by their paths.",
         .answers = {api::answers(200, "A page of them.", rotation_page_type())}},
        {.method = "GET",
         .path = one,
         .access = Access::permission(Permission::secrets_read),
         .handle = api::with(room, show_rotation),
         .summary = "One of them, and how far it is.",
         .answers = {rotation}},
        {.method = "PUT",
         .path = one,
         .access = Access::permission(Permission::secrets_write),
         .handle = api::with(room, put_rotation, api::json_body(rule_type())),
         .summary = "Makes or changes a rule. A secret without a version is due at once.",
         .answers = {rotation},
         .body_bytes_max = body_bytes_max},
        {.method = "DELETE",
         .path = one,
         .access = Access::permission(Permission::secrets_write),
         .handle = api::with(room, remove_rotation, api::query(remove_query())),
         .summary = "Ends a rule; the secret stays as it is.",
         .answers = {{.status = 204, .doc = "It is gone.", .media_type = {}, .describe = {}}}},
    };
}

std::vector<api::Route> history_routes(RotationRoom& room) {
    const std::string runs = "/api/v1/secrets/rotation-runs/{path...}";
    const std::string consumers = "/api/v1/secrets/consumers/{path...}";
    return {
        {.method = "GET",
         .path = runs,
         .access = Access::permission(Permission::secrets_read),
         .handle = api::with(room, list_runs, api::query(run_query())),
         .summary = "What was tried, the newest first; the last hundred of each path.",
         .answers = {api::answers(200, "A page of it.", run_page_type())}},
        {.method = "POST",
         .path = runs,
         .access = Access::permission(Permission::secrets_write),
         .handle = api::with(room, add_run, api::json_body(wanted_run_type())),
         .summary = "Asks for a rotation now, or ends an overlap or a hold.",
         .answers = {api::answers(202, "It is about to happen.", rotation_type())},
         .body_bytes_max = 1024},
        {.method = "GET",
         .path = consumers,
         .access = Access::permission(Permission::secrets_read),
         .handle = api::with(room, list_consumers),
         .summary = "Who reads it, and which version each has read last.",
         .answers = {api::answers(200, "All of them.", consumer_page_type())}},
        {.method = "DELETE",
         .path = consumers,
         .access = Access::permission(Permission::secrets_write),
         .handle = api::with(room, forget_consumer, api::query(consumer_query())),
         .summary = "Forgets a reader that is no more, so that it holds nothing.",
         .answers = {{.status = 204, .doc = "It is forgotten.", .media_type = {}, .describe = {}}}},
    };
}

}  // namespace gh::vault::rotation

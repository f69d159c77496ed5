#include <chrono>
#include <string>
#include <utility>

#include "access/policy_scope.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "vault/compat.hpp"
#include "vault/doors.hpp"
#include "vault/kv_body.hpp"

namespace gh::vault {
namespace {

using access::Access;
using codec::json::Writer;

SystemTime now() { return std::chrono::system_clock::now(); }

Answered show_health(api::Call /*call*/) {
    const auto moment = std::chrono::floor<seconds>(now().time_since_epoch());
    std::string text;
    Writer out(text);
    out.begin_object().name("initialized").boolean(true).name("sealed").boolean(false);
    out.name("standby").boolean(false).name("server_time_utc").integer(moment.count()).end_object();
    co_return json(text + "\n");
}

/// Who answers at all was opened at its start: what is sealed does not start.
Answered show_seal(api::Call /*call*/) {
    std::string text;
    Writer out(text);
    out.begin_object().name("type").string("gatehouse").name("initialized").boolean(true);
    out.name("sealed").boolean(false).name("t").integer(1).name("n").integer(1);
    out.name("progress").integer(0).name("nonce").string("").name("migration").boolean(false);
    out.name("recovery_seal").boolean(false).end_object();
    co_return json(text + "\n");
}

Answered show_init(api::Call /*call*/) { co_return json("{\"initialized\":true}\n"); }

/// Nodes are alike: none leads.
Answered show_leader(api::Call /*call*/) {
    std::string text;
    Writer out(text);
    out.begin_object().name("ha_enabled").boolean(false).name("is_self").boolean(false);
    out.name("leader_address").string("").name("leader_cluster_address").string("").end_object();
    co_return json(text + "\n");
}

/// The one mount there is, an object that is left open.
void begin_mount(Writer& out) {
    out.begin_object().name("type").string("kv").name("description").string("secrets");
    out.name("accessor").string("kv_secret").name("local").boolean(false).name("seal_wrap");
    out.boolean(true).name("options").begin_object().name("version").string("2").end_object();
    out.name("config").begin_object().name("default_lease_ttl").integer(0);
    out.name("max_lease_ttl").integer(0).name("force_no_cache").boolean(true).end_object();
}

Answered list_mounts(Room& /*room*/, Entry entry, std::string_view /*body*/) {
    std::string data;
    Writer out(data);
    out.begin_object().name("secret/");
    begin_mount(out);
    out.end_object().end_object();
    co_return json(kv::enveloped(data, entry.call.request_id, true));
}

/// Which mount a path is in, which their command line asks before it reads or writes. It is no secret where secrets are.
Answered show_mount(api::Call call) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    const auto path = call.param("path");
    if (path != "secret" && !path.starts_with("secret/")) {
        co_return refused(403, "kv.mount",
                          "preflight capability check returned 403, please ensure client's "
                          "policies grant access to path \"" +
                              std::string(path) + "/\"");
    }
    std::string data;
    Writer out(data);
    begin_mount(out);
    out.name("path").string("secret/").end_object();
    co_return json(kv::enveloped(data, call.request_id));
}

Answered show_token(api::Call call) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    const auto& who = call.principal;
    std::string data;
    Writer out(data);
    out.begin_object().name("accessor").string(who.token_id).name("display_name");
    out.string(who.subject).name("policies").begin_array();
    for (const auto& role : who.roles) out.string(role);
    for (const auto& policy : access::policies_of(who)) out.string(policy);
    out.end_array().name("ttl");
    out.integer(who.expires ? std::chrono::ceil<seconds>(*who.expires - now()).count() : 0);
    out.name("renewable").boolean(false).name("type").string("service").end_object();
    co_return json(kv::enveloped(data, call.request_id));
}

void write_capabilities(Writer& out, Capabilities may) {
    using enum Capability;
    out.begin_array();
    bool any = false;
    if (!may.has(deny)) {
        for (const auto each : {create, remove, list, patch, read, sudo, update}) {
            if (!may.has(each)) continue;
            out.string(name_of(each));
            any = true;
        }
    }
    if (!any) out.string(name_of(deny));
    out.end_array();
}

Answered show_capabilities(Room& room, api::Call call, std::string_view body) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    const auto paths = kv::parse_paths(body);
    if (!paths) co_return refused(400, paths.error().reason, paths.error().detail);
    GH_CO_TRY(const auto standing, co_await standing_of(room, call.principal));
    std::string data;
    Writer out(data);
    out.begin_object();
    const auto told = [&](const std::string& name, std::string_view path) {
        if (path.starts_with('/')) path.remove_prefix(1);
        out.name(name);
        write_capabilities(out, standing.at(path, true));
    };
    for (const auto& path : *paths) told(path, path);
    if (paths->size() == 1 && paths->front() != "capabilities")
        told("capabilities", paths->front());
    out.end_object();
    co_return json(kv::enveloped(data, call.request_id, true));
}

}  // namespace

std::vector<api::Route> self_routes(Room& room) {
    Table table(room);
    table.add_open("GET", "/v1/sys/health", Access::anyone(), show_health,
                   "That it is there and open.");
    table.add_open("GET", "/v1/sys/seal-status", Access::anyone(), show_seal, "That it is open.");
    table.add_open("GET", "/v1/sys/init", Access::anyone(), show_init, "That it has its keys.");
    table.add_open("GET", "/v1/sys/leader", Access::anyone(), show_leader, "That none leads.");
    table.add("GET", "/v1/sys/mounts", {.want = Want::read, .place = "sys/mounts"}, list_mounts,
              "The one mount there is.");
    table.add_open("GET", "/v1/sys/internal/ui/mounts/{path...}", Access::authenticated(),
                   show_mount, "Which mount a path is in.");
    table.add_open("GET", "/v1/auth/token/lookup-self", Access::authenticated(), show_token,
                   "Who asks.");
    table.add_open(
        "POST", "/v1/sys/capabilities-self", Access::authenticated(),
        api::with(room, show_capabilities, api::raw_body({std::string(api::any_media_type)})),
        "What who asks may do to some paths.");
    auto rows = std::move(table).take();
    rows.back().body_bytes_max = small_body_bytes_max;
    return rows;
}

}  // namespace gh::vault

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "vault/compat.hpp"
#include "vault/doors.hpp"
#include "vault/kv_body.hpp"

namespace gh::vault {
namespace {

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

struct Mount {
    std::string_view name, type, description;
};
constexpr Mount mounts[] = {{"secret", "kv", "secrets"},
                            {"transit", "transit", "keys that do not leave"},
                            {"database", "database", "credentials that end by themselves"}};

/// An object that is left open.
void begin_mount(Writer& out, const Mount& mount) {
    out.begin_object().name("type").string(mount.type);
    out.name("description").string(mount.description);
    out.name("accessor").string(std::string(mount.type) + "_" + std::string(mount.name));
    out.name("local").boolean(false).name("seal_wrap").boolean(true).name("options");
    out.begin_object();
    if (mount.type == "kv") out.name("version").string("2");
    out.end_object();
    out.name("config").begin_object().name("default_lease_ttl").integer(0);
    out.name("max_lease_ttl").integer(0).name("force_no_cache").boolean(true).end_object();
}

Answered list_mounts(Room& /*room*/, Entry entry, std::string_view /*body*/) {
    std::string data;
    Writer out(data);
    out.begin_object();
    for (const auto& mount : mounts) {
        out.name(std::string(mount.name) + "/");
        begin_mount(out, mount);
        out.end_object();
    }
    out.end_object();
    co_return json(kv::enveloped(data, entry.call.request_id, true));
}

/// Which mount a path is in, which their command line asks before it reads or writes. It is no secret where secrets are.
Answered show_mount(Room& /*room*/, Entry entry, std::string_view /*body*/) {
    const auto path = path_of(entry);
    const auto* const mount =
        std::ranges::find(mounts, std::string_view(path).substr(0, path.find('/')), &Mount::name);
    if (mount == std::end(mounts)) {
        co_return refused(403, "kv.mount",
                          "preflight capability check returned 403, please ensure client's "
                          "policies grant access to path \"" +
                              path + "/\"");
    }
    std::string data;
    Writer out(data);
    begin_mount(out, *mount);
    out.name("path").string(std::string(mount->name) + "/").end_object();
    co_return json(kv::enveloped(data, entry.call.request_id));
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

Answered show_capabilities(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto paths, kv::parse_paths(body));
    GH_CO_TRY(const auto standing, co_await standing_of(room, entry.call.principal));
    std::string data;
    Writer out(data);
    out.begin_object();
    const auto told = [&](const std::string& name, std::string_view path) {
        if (path.starts_with('/')) path.remove_prefix(1);
        out.name(name);
        write_capabilities(out, standing.at(path, true));
    };
    for (const auto& path : paths) told(path, path);
    if (paths.size() == 1 && paths.front() != "capabilities") told("capabilities", paths.front());
    out.end_object();
    co_return json(kv::enveloped(data, entry.call.request_id, true));
}

}  // namespace

std::vector<api::Route> self_routes(Room& room) {
    Table table(room);
    table.add_public("GET", "/v1/sys/health", show_health, "That it is there and open.");
    table.add_public("GET", "/v1/sys/seal-status", show_seal, "That it is open.");
    table.add_public("GET", "/v1/sys/init", show_init, "That it has its keys.");
    table.add_public("GET", "/v1/sys/leader", show_leader, "That none leads.");
    table.add("GET", "/v1/sys/mounts", {.want = Want::read, .place = "sys/mounts"}, list_mounts,
              "The mounts there are.");
    table.add("GET", "/v1/sys/internal/ui/mounts/{path...}", {.is_open = true}, show_mount,
              "Which mount a path is in.");
    table.add("POST", "/v1/sys/capabilities-self", {.is_open = true}, show_capabilities,
              "What who asks may do to some paths.", small_body_bytes_max);
    return std::move(table).take();
}

}  // namespace gh::vault

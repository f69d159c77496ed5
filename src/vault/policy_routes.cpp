#include <chrono>
#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "vault/compat.hpp"
#include "vault/kv_body.hpp"

namespace gh::vault {
namespace {

using codec::json::Writer;

/// Their clients write names as they like; there is one spelling.
std::string name_of(const Entry& entry) { return config::lower(path_of(entry)); }

storage::Also<PolicyChange> recorded(const Entry& entry, std::string action) {
    return audit::also<PolicyChange>(
        audit::act_of(entry.call, std::move(action), "policy"),
        [](audit::Record& told, const PolicyChange& change) { told.object_id = change.name; });
}

/// The paths of older days say some things by other names, and beside the envelope.
struct Face {
    std::string_view place;
    bool is_old = false;
};

Answered list_policies(Room& room, Entry entry, Face face) {
    GH_CO_TRY(const auto names, co_await room.policies.list());
    std::string data;
    Writer out(data);
    out.begin_object();
    for (const auto* list : {"keys", "policies"}) {
        if (std::string_view(list) == "policies" && !face.is_old) continue;
        out.name(list).begin_array();
        for (const auto& name : names) out.string(name);
        out.end_array();
    }
    out.end_object();
    co_return json(kv::enveloped(data, entry.call.request_id, face.is_old));
}

Answered show_policy(Room& room, Entry entry, Face face) {
    const auto name = name_of(entry);
    GH_CO_TRY(const auto document, co_await room.policies.find(name));
    if (!document) co_return refused(404, "policy.unknown", {});
    std::string data;
    Writer out(data);
    out.begin_object().name("name").string(name);
    out.name(face.is_old ? "rules" : "policy").string(*document).end_object();
    co_return json(kv::enveloped(data, entry.call.request_id, face.is_old));
}

Answered put_policy(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto document, kv::parse_policy_text(body));
    auto also = recorded(entry, "policy.put");
    GH_CO_TRY_VOID(co_await room.policies.put(name_of(entry), std::move(document),
                                              std::chrono::system_clock::now(), std::move(also)));
    co_return api::no_content();
}

Answered remove_policy(Room& room, Entry entry, std::string_view /*body*/) {
    auto also = recorded(entry, "policy.delete");
    GH_CO_TRY_VOID(co_await room.policies.remove(name_of(entry), std::move(also)));
    co_return api::no_content();
}

constexpr std::size_t policy_body_bytes_max = 6 * policy_bytes_max;  // escapes are longer

void add_face(Table& table, const Face& face) {
    const auto root = "/v1/" + std::string(face.place);
    const auto with_face = [face](auto show) {
        return [face, show](Room& room, Entry entry, std::string_view /*body*/) {
            return show(room, std::move(entry), face);
        };
    };
    for (const auto* method : {"GET", "LIST"}) {
        for (const auto* end : {"", "/"})
            table.add(method, root + end, {.want = Want::list, .place = face.place},
                      with_face(list_policies), "The names of all policies.");
    }
    const auto one = root + "/{name}";
    table.add("GET", one, {.want = Want::read, .place = face.place, .folds = true},
              with_face(show_policy), "A policy, as it was written.");
    table.add_write(one,
                    {.want = Want::write, .place = face.place, .is_silent = true, .folds = true},
                    put_policy, "Makes a policy, or changes it.", policy_body_bytes_max);
    table.add("DELETE", one,
              {.want = Want::remove, .place = face.place, .is_silent = true, .folds = true},
              remove_policy, "Removes a policy; keys that carry it may no more what it allowed.");
}

}  // namespace

std::vector<api::Route> policy_routes(Room& room) {
    Table table(room);
    add_face(table, {.place = "sys/policies/acl"});
    add_face(table, {.place = "sys/policy", .is_old = true});
    return std::move(table).take();
}

}  // namespace gh::vault

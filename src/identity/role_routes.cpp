#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "identity/room.hpp"
#include "identity/route_words.hpp"
#include "net/loop.hpp"

namespace gh::identity {
namespace {

using access::Access;
using access::Permission;
using api::Object;

const api::Type<std::string>& permission_type() {
    static const auto type = api::text(
        {.length_max = 64,
         .form = {
             .holds = [](std::string_view text) { return access::permission_of(text).has_value(); },
             .said = "a permission of ours, such as users:read",
             .pattern = {},
             .format = {}}});
    return type;
}

const api::Type<std::vector<std::string>>& permissions_type() {
    static const auto type = api::list_of(permission_type(), {.items_max = 64, .distinct = true});
    return type;
}

struct ShownRole {
    std::string name;
    bool built_in = false;
    std::vector<std::string> permissions;
};

const api::Type<ShownRole>& role_type() {
    static const auto type =
        Object<ShownRole>("Role", "What who has it may do.")
            .required("name", &ShownRole::name, role_name_type(), "Of users, keys and tokens.")
            .required("built_in", &ShownRole::built_in, api::boolean(), "It cannot be changed.")
            .required("permissions", &ShownRole::permissions, permissions_type(), "What it holds.")
            .type();
    return type;
}

struct WantedRole {
    std::vector<std::string> permissions;
};

const api::Type<WantedRole>& wanted_role_type() {
    static const auto type = Object<WantedRole>("NewRole", "What a role shall hold.")
                                 .required("permissions", &WantedRole::permissions,
                                           permissions_type(), "Instead of those so far.")
                                 .type();
    return type;
}

const api::Type<api::Items<ShownRole>>& roles_type() {
    static const auto type = api::page_of("RolePage", role_type());
    return type;
}

std::vector<std::string> names_of(access::PermissionSet held) {
    std::vector<std::string> names;
    for (const auto& row : access::permission_table()) {
        if (held.has(row.permission)) names.emplace_back(row.name);
    }
    return names;
}

ShownRole shown(CustomRole role) {
    return {.name = std::move(role.name),
            .built_in = false,
            .permissions = std::move(role.permissions)};
}

Task<Result<api::Reply>> list_roles(Room& room, api::Call) {
    GH_CO_TRY(auto custom, co_await room.roles.list());
    api::Items<ShownRole> items;
    for (const std::string_view name : {"guest", "user", "manager", "admin"}) {
        items.items.push_back(
            {std::string(name), true, names_of(access::permissions_of(access::role_of(name)))});
    }
    for (auto& role : custom) items.items.push_back(shown(std::move(role)));
    co_return api::reply(200, roles_type(), items);
}

storage::Also<CustomRole> recorded(const api::Call& call, std::string action) {
    return audit::also<CustomRole>(
        audit::act_of(call, std::move(action), "role", std::string(call.param("role"))),
        [](audit::Record& record, const CustomRole& role) {
            std::string held;
            for (const auto& each : role.permissions) held += (held.empty() ? "" : ",") + each;
            record.details.push_back({"permissions", std::move(held)});
        });
}

/// This node obeys at once, others when they look next.
Task<Result<void>> publish(Room& room) {
    GH_CO_TRY(const auto roles, co_await room.roles.list());
    room.role_source.publish(custom_roles_of(roles));
    co_return Result<void>{};
}

Task<Result<api::Reply>> put_role(Room& room, api::Call call, WantedRole wanted) {
    access::PermissionSet asked;
    for (const auto& each : wanted.permissions) asked.add(*access::permission_of(each));
    if (!access::permissions_of(call.principal, *room.role_source.current()).includes(asked))
        co_return api::refusal(call, 403, "role.above_own",
                               "This wants rights that are not yours.");
    auto role =
        co_await room.roles.put(std::string(call.param("role")), std::move(wanted.permissions),
                                net::Loop::current()->system_now(), recorded(call, "role.put"));
    if (!role && role.error().reason == "role.name")
        co_return api::refusal(call, 422, "role.name", "Cannot be the name of a role of yours.");
    if (!role) co_return std::unexpected(std::move(role).error());
    GH_CO_TRY_VOID(co_await publish(room));
    co_return api::reply(200, role_type(), shown(*std::move(role)));
}

Task<Result<api::Reply>> remove_role(Room& room, api::Call call) {
    const auto gone =
        co_await room.roles.remove(std::string(call.param("role")), recorded(call, "role.remove"));
    if (!gone && gone.error().reason == "role.in_use")
        co_return api::refusal(call, 409, "role.in_use", "Users have it: take it from them first.");
    if (!gone) co_return std::unexpected(gone.error());
    GH_CO_TRY_VOID(co_await publish(room));
    co_return api::no_content();
}

}  // namespace

std::vector<api::Route> role_routes(Room& room) {
    return {
        {.method = "GET",
         .path = "/api/v1/roles",
         .access = Access::permission(Permission::users_read),
         .handle = api::with(room, list_roles),
         .summary = "All roles and what they hold.",
         .answers = {api::answers(200, "All of them.", roles_type())}},
        {.method = "PUT",
         .path = "/api/v1/roles/{role}",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, put_role, api::json_body(wanted_role_type())),
         .summary = "Makes a role, or changes what it holds.",
         .answers = {api::answers(200, "The role.", role_type())},
         .body_bytes_max = 16 * 1024},
        {.method = "DELETE",
         .path = "/api/v1/roles/{role}",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, remove_role),
         .summary = "Removes a role that nobody has.",
         .answers = {{204, "It is gone.", "", nullptr}}},
    };
}

}  // namespace gh::identity

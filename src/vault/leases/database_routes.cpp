#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "storage/postgres/once.hpp"
#include "vault/acts.hpp"
#include "vault/leases/answer.hpp"
#include "vault/rotation/roles.hpp"
#include "vault/rotation/uses.hpp"

namespace gh::vault::leases {
namespace {

using codec::json::Writer;

constexpr std::string_view folder = "database/";
constexpr std::size_t names_max = 1'000;

SystemTime now() { return std::chrono::system_clock::now(); }

void write_texts(Writer& out, const std::vector<std::string>& texts) {
    out.begin_array();
    for (const auto& text : texts) out.string(text);
    out.end_array();
}

Answered answer_names(const Entry& entry, const std::vector<std::string>& names) {
    if (names.empty()) co_return refused(404, "lease.none", {});
    co_return json(kv::text_of(names, entry.call.request_id));
}

// --- connections ---

api::Reply refused_in_use(const std::string& name) {
    return refused(
        400, "lease.in_use",
        "there are leases of " + name + " whose users are ended through it: revoke them first");
}

Answered put_connection(LeaseRoom& room, Entry entry, std::string_view body) {
    const auto name = name_in(entry);
    GH_CO_TRY_VOID(check_name(name));
    GH_CO_TRY(const auto wanted, parse_connection(body));
    GH_CO_TRY(const auto url, storage::parse_storage_url(wanted.url));
    auto server = std::get<storage::PostgresUrl>(url);
    const auto foreign = rotation::check_foreign(server);
    if (!foreign) co_return refused(400, "lease.connection", foreign.error().detail);
    if (wanted.password.size() == 0) {
        co_return refused(
            400, "lease.connection",
            "a password is wanted: a server that asks for none lets in this house for "
            "who asks it");
    }
    if (wanted.verify) {
        server.password = config::Secret(std::string(crypto::text_of(wanted.password.bytes())));
        const auto let_in = co_await storage::log_in_once(std::move(server));
        if (!let_in) {
            co_return refused(400, "lease.connection",
                              "error verifying connection: " + let_in.error().detail);
        }
    }
    auto also =
        Repository::meant(name, storage::text_of(url),
                          recorded_with(audit::act_of(entry.call, "database.configure", "secret")));
    const auto put = co_await room.vault.secrets.put(secret_of(name), fields_of(wanted),
                                                     std::nullopt, now(), std::move(also));
    if (!put && put.error().reason == "lease.in_use") co_return refused_in_use(name);
    if (!put) co_return std::unexpected(put.error());
    co_return api::no_content();
}

Answered show_connection(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto meant, co_await room.leases.meant_server(name_in(entry)));
    if (meant.empty()) co_return refused(404, "lease.connection", {});
    const auto secret = co_await room.vault.secrets.get(secret_of(name_in(entry)), 0);
    if (!secret && secret.error().reason != "secret.unknown")
        co_return std::unexpected(secret.error());
    if (!secret || !secret->value) co_return refused(404, "lease.connection", {});
    GH_CO_TRY(const auto known, connection_of(crypto::text_of(secret->value->bytes())));
    std::string data;
    Writer out(data);
    out.begin_object().name("plugin_name").string("postgresql-database-plugin");
    out.name("allowed_roles");
    write_texts(out, known.allowed_roles);
    out.name("connection_details").begin_object().name("connection_url").string(meant);
    out.end_object().name("root_credentials_rotate_statements").begin_array().end_array();
    out.end_object();
    co_return enveloped(entry, data);
}

Answered remove_connection(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    const auto name = name_in(entry);
    GH_CO_TRY(const auto meant, co_await room.leases.meant_server(name));
    if (meant.empty()) co_return api::no_content();  // whatever lies there is no connection
    auto also = Repository::meant(
        name, {}, recorded_with(audit::act_of(entry.call, "database.remove", "secret")));
    const auto gone = co_await room.vault.secrets.forget(secret_of(name), now(), std::move(also));
    if (!gone && gone.error().reason == "lease.in_use") co_return refused_in_use(name);
    if (!gone && gone.error().reason != "secret.unknown") co_return std::unexpected(gone.error());
    co_return api::no_content();
}

Answered list_connections(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    SecretPage page;
    page.folder = folder;
    page.limit = names_max;
    GH_CO_TRY(const auto names, co_await room.vault.secrets.list(std::move(page)));
    co_return co_await answer_names(entry, names);
}

// --- roles ---

storage::Also<Role> recorded(const Entry& entry, std::string action) {
    return audit::also<Role>(audit::act_of(entry.call, std::move(action), "lease_role"),
                             [](audit::Record& told, const Role& role) {
                                 told.object_id = role.name;
                                 if (!role.connection.empty())
                                     told.details.push_back({"connection", role.connection});
                             });
}

Answered put_role(LeaseRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto role, parse_role(name_in(entry), body));
    auto also = recorded(entry, "database.role_put");
    GH_CO_TRY_VOID(co_await room.leases.put_role(std::move(role), now(), std::move(also)));
    co_return api::no_content();
}

Answered show_role(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto role, co_await room.leases.find_role(name_in(entry)));
    std::string data;
    Writer out(data);
    out.begin_object().name("db_name").string(role.connection).name("creation_statements");
    write_texts(out, role.creation);
    out.name("revocation_statements");
    write_texts(out, role.revocation);
    out.name("rollback_statements").begin_array().end_array();
    out.name("renew_statements").begin_array().end_array();
    out.name("credential_type").string("password");
    out.name("default_ttl").integer(role.default_ttl.count());
    out.name("max_ttl").integer(role.max_ttl.count()).end_object();
    co_return enveloped(entry, data);
}

Answered remove_role(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    auto also = recorded(entry, "database.role_remove");
    GH_CO_TRY_VOID(co_await room.leases.remove_role(name_in(entry), std::move(also)));
    co_return api::no_content();
}

Answered list_roles(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto names, co_await room.leases.role_names());
    co_return co_await answer_names(entry, names);
}

// --- credentials ---

Answered make_credential(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    auto record = audit::act_of(entry.call, "lease.make", "lease");
    auto holder = rotation::consumer_of(entry.call.principal);
    GH_CO_TRY(const auto made,
              co_await room.lessor.make(name_in(entry), std::move(holder), std::move(record)));
    std::string data;
    data.reserve(256);  // what grew elsewhere would not be wiped
    Writer out(data);
    out.begin_object().name("username").string(made.lease.username).name("password");
    out.string(crypto::text_of(made.password.bytes())).end_object();
    auto reply = leased(entry, made.lease, data);
    crypto::wipe(data.data(), data.size());
    co_return reply;
}

}  // namespace

std::vector<api::Route> database_routes(LeaseRoom& room) {
    Table table(room.vault);
    const auto add_place = [&](const std::string& noun, std::string_view place, Handler list,
                               Handler show, Handler put, Handler remove) {
        const auto root = "/v1/database/" + noun;
        for (const auto* method : {"GET", "LIST"}) {
            for (const auto* end : {"", "/"})
                table.add(method, root + end, {.want = Want::list, .place = place},
                          with(room, list), "Their names.");
        }
        const auto one = root + "/{name}";
        table.add("GET", one, {.want = Want::read, .place = place}, with(room, show),
                  "One of them; never a password.");
        table.add_write(one, {.want = Want::update, .place = place, .is_silent = true},
                        with(room, put), "Makes or changes one.", small_body_bytes_max);
        table.add("DELETE", one, {.want = Want::remove, .place = place, .is_silent = true},
                  with(room, remove), "Removes one.");
    };
    add_place("config", "database/config", list_connections, show_connection, put_connection,
              remove_connection);
    add_place("roles", "database/roles", list_roles, show_role, put_role, remove_role);
    table.add("GET", "/v1/database/creds/{name}", {.want = Want::read, .place = "database/creds"},
              with(room, make_credential), "A user with a password, for a while.");
    return std::move(table).take();
}

}  // namespace gh::vault::leases

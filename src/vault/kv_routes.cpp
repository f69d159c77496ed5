#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "access/access.hpp"
#include "access/permission.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "http/message.hpp"
#include "vault/acts.hpp"
#include "vault/kv_body.hpp"
#include "vault/kv_json.hpp"
#include "vault/room.hpp"

namespace gh::vault {
namespace {

using access::Access;
using access::Permission;
using Answered = Task<Result<api::Reply>>;

constexpr std::size_t names_max = 10'000;
constexpr std::size_t small_body_bytes_max = 64 * 1024;

SystemTime now() { return std::chrono::system_clock::now(); }

api::Reply json(std::string body, std::uint16_t status = 200) {
    api::Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

api::Reply refused(std::uint16_t status, std::string_view code, std::string_view error) {
    auto reply = json(kv::text_of_errors(error), status);
    reply.code = code;
    return reply;
}

/// Every refusal of these routes, those of the gateway's doors among them.
api::Reply in_their_words(const api::Problem& problem) {
    if (problem.status == 404) return refused(404, problem.code, {});
    if (problem.status == 401 || problem.status == 403)
        return refused(403, problem.code, "permission denied");
    return refused(problem.status, problem.code,
                   problem.detail.empty() ? http::reason_phrase(problem.status) : problem.detail);
}

constexpr api::Dialect dialect{.token_field = "X-Vault-Token", .refuse = in_their_words};

/// What the repository and the parsers refuse, as a client reads it.
Result<api::Reply> told(Error error) {
    if (error.reason == "secret.unknown") return refused(404, error.reason, {});
    if (error.reason == "secret.cas") {
        return refused(400, error.reason,
                       "check-and-set parameter did not match the current version");
    }
    if (error.reason == "secret.cas_required")
        return refused(400, error.reason, "check-and-set parameter required for this call");
    if (error.kind == ErrorKind::invalid_argument &&
        (error.reason.starts_with("kv.") || error.reason.starts_with("secret.")))
        return refused(400, error.reason, error.detail);
    // A key that is lost is no secret that is not there: who wrote anew would lose the old one.
    if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::corrupt;
    return std::unexpected(std::move(error));
}

/// Where a configuration lets everybody in, secrets are still nobody's.
bool is_nobody(const api::Call& call) {
    return call.principal.type == access::PrincipalType::anonymous;
}

/// A wrapped answer is wanted, or that of another house in this one: what we have would go where it is not meant to.
bool wants_more(const api::Call& call) {
    const auto says = [&](std::string_view name) {
        const auto* field = call.head.fields.find(name);
        return field != nullptr && !field->value.empty();
    };
    return says("X-Vault-Wrap-TTL") || says("X-Vault-Namespace");
}

/// The doors of this API itself.
std::optional<api::Reply> turned_away(const api::Call& call) {
    if (is_nobody(call)) return refused(403, "access.anonymous", "permission denied");
    if (!wants_more(call)) return {};
    return refused(400, "kv.unsupported", "response wrapping and namespaces are not supported");
}

/// @param answer  which has not begun
Answered guarded(api::Call call, Answered answer) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    auto reply = co_await std::move(answer);
    if (reply) co_return reply;
    co_return told(std::move(reply).error());
}

std::string path_of(const api::Call& call) { return std::string(call.param("path")); }

storage::Also<SecretChange> recorded(const api::Call& call, std::string action) {
    return recorded_with(audit::act_of(call, std::move(action), "secret"));
}

// --- values ---

Answered read_secret(Room& room, api::Call call) {
    GH_CO_TRY(const auto version, kv::parse_version_query(call.query));
    auto record = audit::act_of(call, "secret.get", "secret", path_of(call));
    GH_CO_TRY(const auto secret, co_await room.secrets.get(path_of(call), version));
    record.details = {{"version", static_cast<std::int64_t>(secret.version.version)}};
    if (secret.value) GH_CO_TRY_VOID(co_await room.audit.append(std::move(record)));
    co_return json(kv::text_of(secret, call.request_id), secret.value ? 200 : 404);
}

Answered write_secret(Room& room, api::Call call, std::string_view body) {
    GH_CO_TRY(auto write, kv::parse_write(body));
    auto also = recorded(call, "secret.put");
    GH_CO_TRY(const auto put, co_await room.secrets.put(path_of(call), std::move(write.data),
                                                        write.cas, now(), std::move(also)));
    co_return json(kv::text_of(put, call.request_id));
}

/// What is null in the data goes, what is not named stays (RFC 7396).
Answered patch_secret(Room& room, api::Call call, std::string_view body) {
    GH_CO_TRY(auto write, kv::parse_write(body));
    auto also = recorded(call, "secret.patch");
    const auto patch = std::make_shared<const crypto::Secret>(std::move(write.data));
    auto make = [patch](const crypto::Secret& old) -> Result<crypto::Secret> {
        return kv::merged(crypto::text_of(old.bytes()), crypto::text_of(patch->bytes()));
    };
    GH_CO_TRY(const auto put, co_await room.secrets.revise(path_of(call), std::move(make),
                                                           write.cas, now(), std::move(also)));
    co_return json(kv::text_of(put, call.request_id));
}

using Fate = Task<Result<SecretChange>> (SecretRepository::*)(std::string,
                                                              std::vector<std::uint64_t>,
                                                              SystemTime,
                                                              storage::Also<SecretChange>);

/// What is not there needs no change, as their clients expect.
Answered change_versions(Room& room, api::Call call, Fate fate, std::string action,
                         std::vector<std::uint64_t> versions) {
    auto also = recorded(call, std::move(action));
    const auto done =
        co_await (room.secrets.*fate)(path_of(call), std::move(versions), now(), std::move(also));
    if (!done && done.error().reason != "secret.unknown") co_return std::unexpected(done.error());
    co_return api::no_content();
}

Answered delete_newest(Room& room, api::Call call) {
    return change_versions(room, call, &SecretRepository::remove, "secret.delete", {});
}

template <Fate fate>
Answered change_named(Room& room, api::Call call, std::string action, std::string_view body) {
    GH_CO_TRY(auto versions, kv::parse_versions(body));
    co_return co_await change_versions(room, call, fate, std::move(action), std::move(versions));
}

// --- what is known of them ---

Answered list_names(Room& room, api::Call call) {
    SecretPage page;
    page.folder = path_of(call);
    if (!page.folder.empty() && !page.folder.ends_with('/')) page.folder += '/';
    page.limit = names_max + 1;
    GH_CO_TRY(const auto names, co_await room.secrets.list(std::move(page)));
    if (names.size() > names_max) {
        co_return refused(400, "secret.many_names",
                          "more than 10000 names: list the folders below, one by one");
    }
    if (names.empty()) co_return refused(404, "secret.unknown", {});
    co_return json(kv::text_of(names, call.request_id));
}

Answered show_facts(Room& room, api::Call call) {
    if (kv::asks_for_list(call.query) || path_of(call).empty())
        co_return co_await list_names(room, call);
    GH_CO_TRY(const auto facts, co_await room.secrets.facts(path_of(call)));
    co_return json(kv::text_of(facts, call.request_id));
}

template <bool merges>
Answered configure(Room& room, api::Call call, std::string_view body) {
    GH_CO_TRY(auto wanted, kv::parse_settings(body, merges));
    auto also = recorded(call, "secret.configure");
    GH_CO_TRY_VOID(
        co_await room.secrets.configure(path_of(call), std::move(wanted), now(), std::move(also)));
    co_return api::no_content();
}

Answered forget(Room& room, api::Call call) {
    auto also = recorded(call, "secret.forget");
    const auto gone = co_await room.secrets.forget(path_of(call), now(), std::move(also));
    if (!gone && gone.error().reason != "secret.unknown") co_return std::unexpected(gone.error());
    co_return api::no_content();
}

// --- what clients ask before anything else ---

Answered show_health(api::Call /*call*/) {
    const auto moment = std::chrono::floor<seconds>(now().time_since_epoch());
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("initialized").boolean(true).name("sealed").boolean(false);
    out.name("standby").boolean(false).name("server_time_utc").integer(moment.count()).end_object();
    co_return json(text + "\n");
}

Answered show_token(api::Call call) {
    if (is_nobody(call)) co_return refused(403, "access.anonymous", "permission denied");
    const auto& who = call.principal;
    std::string data;
    codec::json::Writer out(data);
    out.begin_object().name("accessor").string(who.token_id).name("display_name");
    out.string(who.subject).name("policies").begin_array();
    for (const auto& role : who.roles) out.string(role);
    out.end_array().name("ttl");
    out.integer(who.expires ? std::chrono::ceil<seconds>(*who.expires - now()).count() : 0);
    out.name("renewable").boolean(false).name("type").string("service").end_object();
    co_return json(kv::enveloped(data, call.request_id));
}

// --- the table ---

using Read = Answered (*)(Room&, api::Call);
using Take = std::function<Answered(Room&, api::Call, std::string_view)>;

api::Handle answering(Room& room, Read read) {
    return api::with(room,
                     [read](Room& at, api::Call call) { return guarded(call, read(at, call)); });
}

api::Handle taking(Room& room, Take take) {
    return api::with(
        room,
        [take = std::move(take)](Room& at, api::Call call, std::string_view body) {
            return guarded(call, take(at, call, body));
        },
        api::raw_body({std::string(api::any_media_type)}));  // their own clients name none
}

class Table {
 public:
    void add(std::string method, std::string path, Access access, api::Handle handle,
             std::string summary, bool answers) {
        api::Route route;
        route.method = std::move(method);
        route.path = std::move(path);
        route.access = std::move(access);
        route.handle = std::move(handle);
        route.summary = std::move(summary);
        route.answers = {answers ? api::Answer{200, "It.", "application/json", nullptr}
                                 : api::Answer{204, "Done.", "", nullptr}};
        route.body_bytes_max = secret_bytes_max + small_body_bytes_max;
        route.dialect = &dialect;
        rows_.push_back(std::move(route));
    }
    /// Both methods that their clients write with.
    void add_write(const std::string& path, const api::Handle& handle, const std::string& summary,
                   bool answers) {
        for (const auto* method : {"POST", "PUT"})
            add(method, path, Access::permission(Permission::secrets_write), handle, summary,
                answers);
    }
    [[nodiscard]] std::vector<api::Route> take() && { return std::move(rows_); }

 private:
    std::vector<api::Route> rows_;
};

void add_values(Table& table, Room& room) {
    const std::string data = "/v1/secret/data/{path...}";
    const auto may_write = Access::permission(Permission::secrets_write);
    table.add("GET", data, Access::permission(Permission::secrets_read),
              answering(room, read_secret), "A secret, or a version of it.", true);
    table.add_write(data, taking(room, write_secret), "Writes another version.", true);
    table.add("PATCH", data, may_write, taking(room, patch_secret),
              "Another version: the newest, with this merged into it.", true);
    table.add("DELETE", data, may_write, answering(room, delete_newest),
              "Deletes the newest version; it can be taken back.", false);
    const auto named = [&](const std::string& verb, const std::string& summary, auto change) {
        table.add_write(
            "/v1/secret/" + verb + "/{path...}",
            taking(room, [change, action = "secret." + verb](
                             Room& at, api::Call call,
                             std::string_view body) { return change(at, call, action, body); }),
            summary, false);
    };
    named("delete", "Deletes versions; they can be taken back.",
          change_named<&SecretRepository::remove>);
    named("undelete", "Takes versions back.", change_named<&SecretRepository::restore>);
    named("destroy", "Removes the values of versions for good.",
          change_named<&SecretRepository::destroy>);
}

void add_facts(Table& table, Room& room) {
    const std::string metadata = "/v1/secret/metadata";
    const auto may_read = Access::permission(Permission::secrets_read);
    for (const auto& path : {metadata, metadata + "/", metadata + "/{path...}"}) {
        table.add("GET", path, may_read, answering(room, show_facts),
                  "What is known of a secret; with list=true the names below a folder.", true);
        table.add("LIST", path, may_read, answering(room, list_names), "Names below a folder.",
                  true);
    }
    table.add_write(metadata + "/{path...}", taking(room, configure<false>),
                    "How a secret is kept, and what is said of it.", false);
    const auto may_write = Access::permission(Permission::secrets_write);
    table.add("PATCH", metadata + "/{path...}", may_write, taking(room, configure<true>),
              "Changes that, and leaves what is not named.", false);
    table.add("DELETE", metadata + "/{path...}", may_write, answering(room, forget),
              "Removes a secret and all that is known of it.", false);
}

}  // namespace

std::vector<api::Route> kv_routes(Room& room) {
    Table table;
    add_values(table, room);
    add_facts(table, room);
    table.add("GET", "/v1/auth/token/lookup-self", Access::authenticated(), show_token, "Who asks.",
              true);
    table.add("GET", "/v1/sys/health", Access::anyone(), show_health, "That it is there and open.",
              true);
    return std::move(table).take();
}

}  // namespace gh::vault

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "vault/acts.hpp"
#include "vault/compat.hpp"
#include "vault/kv_body.hpp"
#include "vault/kv_json.hpp"

namespace gh::vault {
namespace {

constexpr std::size_t names_max = 10'000;

SystemTime now() { return std::chrono::system_clock::now(); }

storage::Also<SecretChange> recorded(const api::Call& call, std::string action) {
    return recorded_with(audit::act_of(call, std::move(action), "secret"));
}

// --- values ---

Answered read_secret(Room& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto version, kv::parse_version_query(entry.call.query));
    auto record = audit::act_of(entry.call, "secret.get", "secret", path_of(entry));
    GH_CO_TRY(const auto secret, co_await room.secrets.get(path_of(entry), version));
    record.details = {{"version", static_cast<std::int64_t>(secret.version.version)}};
    if (secret.value) {
        GH_CO_TRY_VOID(co_await room.audit.append(std::move(record)));
        room.uses.note(path_of(entry), entry.call.principal, secret.version.version, now());
    }
    co_return json(kv::text_of(secret, entry.call.request_id), secret.value ? 200 : 404);
}

/// Who may create only, or update only, is let in by whether the path is known.
/// @return whether it must be new still when it is written; nothing: refused
Task<Result<std::optional<bool>>> judge_write(Room& room, const Entry& entry) {
    const bool creates = entry.may.has(Capability::create);
    const bool updates = entry.may.has(Capability::update);
    if (creates && updates) co_return std::optional(false);
    const auto facts = co_await room.secrets.facts(path_of(entry));
    if (!facts && facts.error().reason != "secret.unknown")
        co_return std::unexpected(facts.error());
    if (facts.has_value() != updates) co_return std::optional<bool>();
    co_return std::optional(creates);
}

Answered write_secret(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto is_new, co_await judge_write(room, entry));
    if (!is_new) co_return permission_denied("access.policy");
    GH_CO_TRY(auto write, kv::parse_write(body));
    if (*is_new && write.cas.value_or(0) != 0)
        co_return fail(ErrorKind::conflict, "secret.cas", "there is no version yet");
    if (*is_new) write.cas = 0;
    auto also = recorded(entry.call, "secret.put");
    GH_CO_TRY(const auto put, co_await room.secrets.put(path_of(entry), std::move(write.data),
                                                        write.cas, now(), std::move(also)));
    co_return json(kv::text_of(put, entry.call.request_id));
}

/// What is null in the data goes, what is not named stays (RFC 7396).
Answered patch_secret(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto write, kv::parse_write(body));
    auto also = recorded(entry.call, "secret.patch");
    const auto patch = std::make_shared<const crypto::Secret>(std::move(write.data));
    auto make = [patch](const crypto::Secret& old) -> Result<crypto::Secret> {
        return kv::merged(crypto::text_of(old.bytes()), crypto::text_of(patch->bytes()));
    };
    GH_CO_TRY(const auto put, co_await room.secrets.revise(path_of(entry), std::move(make),
                                                           write.cas, now(), std::move(also)));
    co_return json(kv::text_of(put, entry.call.request_id));
}

using Fate = Task<Result<SecretChange>> (SecretRepository::*)(std::string,
                                                              std::vector<std::uint64_t>,
                                                              SystemTime,
                                                              storage::Also<SecretChange>);

/// What is not there needs no change, as their clients expect.
Answered change_versions(Room& room, Entry entry, Fate fate, std::string action,
                         std::vector<std::uint64_t> versions) {
    auto also = recorded(entry.call, std::move(action));
    const auto done =
        co_await (room.secrets.*fate)(path_of(entry), std::move(versions), now(), std::move(also));
    if (!done && done.error().reason != "secret.unknown") co_return std::unexpected(done.error());
    co_return api::no_content();
}

Answered delete_newest(Room& room, Entry entry, std::string_view /*body*/) {
    return change_versions(room, std::move(entry), &SecretRepository::remove, "secret.delete", {});
}

Answered change_named(Room& room, Entry entry, Fate fate, std::string action,
                      std::string_view body) {
    GH_CO_TRY(auto versions, kv::parse_versions(body));
    co_return co_await change_versions(room, std::move(entry), fate, std::move(action),
                                       std::move(versions));
}

// --- what is known of them ---

Answered list_names(Room& room, Entry entry, std::string_view /*body*/) {
    SecretPage page;
    page.folder = path_of(entry);
    if (!page.folder.empty() && !page.folder.ends_with('/')) page.folder += '/';
    page.limit = names_max + 1;
    GH_CO_TRY(const auto names, co_await room.secrets.list(std::move(page)));
    if (names.size() > names_max) {
        co_return refused(400, "secret.many_names",
                          "more than 10000 names: list the folders below, one by one");
    }
    if (names.empty()) co_return refused(404, "secret.unknown", {});
    co_return json(kv::text_of(names, entry.call.request_id));
}

Answered show_facts(Room& room, Entry entry, std::string_view /*body*/) {
    if (entry.want == Want::list) co_return co_await list_names(room, std::move(entry), {});
    GH_CO_TRY(const auto facts, co_await room.secrets.facts(path_of(entry)));
    co_return json(kv::text_of(facts, entry.call.request_id));
}

template <bool merges>
Answered configure(Room& room, Entry entry, std::string_view body) {
    std::optional<bool> is_new(false);
    if constexpr (!merges) {
        GH_CO_TRY(is_new, co_await judge_write(room, entry));
    }
    if (!is_new) co_return permission_denied("access.policy");
    GH_CO_TRY(auto wanted, kv::parse_settings(body, merges));
    wanted.must_be_new = *is_new;
    auto also = recorded(entry.call, "secret.configure");
    GH_CO_TRY_VOID(
        co_await room.secrets.configure(path_of(entry), std::move(wanted), now(), std::move(also)));
    co_return api::no_content();
}

Answered forget(Room& room, Entry entry, std::string_view /*body*/) {
    auto also = recorded(entry.call, "secret.forget");
    const auto gone = co_await room.secrets.forget(path_of(entry), now(), std::move(also));
    if (!gone && gone.error().reason != "secret.unknown") co_return std::unexpected(gone.error());
    co_return api::no_content();
}

// --- the table ---

constexpr std::size_t value_bytes_max = secret_bytes_max + small_body_bytes_max;

void add_values(Table& table) {
    const std::string data = "/v1/secret/data/{path...}";
    constexpr std::string_view place = "secret/data";
    table.add("GET", data, {.want = Want::read, .place = place}, read_secret,
              "A secret, or a version of it.");
    table.add_write(data, {.want = Want::write, .place = place}, write_secret,
                    "Writes another version.", value_bytes_max);
    table.add("PATCH", data, {.want = Want::patch, .place = place}, patch_secret,
              "Another version: the newest, with this merged into it.", value_bytes_max);
    table.add("DELETE", data, {.want = Want::remove, .place = place, .is_silent = true},
              delete_newest, "Deletes the newest version; it can be taken back.");
}

void add_fates(Table& table) {
    const auto named = [&](std::string_view place, Fate fate, const std::string& summary) {
        const auto verb = std::string(place.substr(place.find('/') + 1));
        table.add_write(
            "/v1/secret/" + verb + "/{path...}",
            {.want = Want::update, .place = place, .is_silent = true},
            [fate, action = "secret." + verb](Room& room, const Entry& entry,
                                              std::string_view body) {
                return change_named(room, entry, fate, action, body);
            },
            summary, small_body_bytes_max);
    };
    named("secret/delete", &SecretRepository::remove, "Deletes versions; they can be taken back.");
    named("secret/undelete", &SecretRepository::restore, "Takes versions back.");
    named("secret/destroy", &SecretRepository::destroy, "Removes the values of versions for good.");
}

void add_facts(Table& table) {
    const std::string metadata = "/v1/secret/metadata";
    constexpr std::string_view place = "secret/metadata";
    for (const auto& path : {metadata, metadata + "/", metadata + "/{path...}"}) {
        const auto want = path.ends_with('}') ? Want::read : Want::list;
        table.add("GET", path, {.want = want, .place = place, .asks_query = true}, show_facts,
                  "What is known of a secret; with list=true the names below a folder.");
        table.add("LIST", path, {.want = Want::list, .place = place}, list_names,
                  "Names below a folder.");
    }
    const auto path = metadata + "/{path...}";
    table.add_write(path, {.want = Want::write, .place = place, .is_silent = true},
                    configure<false>, "How a secret is kept, and what is said of it.",
                    small_body_bytes_max);
    table.add("PATCH", path, {.want = Want::patch, .place = place, .is_silent = true},
              configure<true>, "Changes that, and leaves what is not named.", small_body_bytes_max);
    table.add("DELETE", path, {.want = Want::remove, .place = place, .is_silent = true}, forget,
              "Removes a secret and all that is known of it.");
}

}  // namespace

std::vector<api::Route> kv_routes(Room& room) {
    Table table(room);
    add_values(table);
    add_fates(table);
    add_facts(table);
    return std::move(table).take();
}

}  // namespace gh::vault

#include <chrono>
#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/form.hpp"
#include "codec/json_writer.hpp"
#include "vault/transit/answer.hpp"
#include "vault/transit/body.hpp"
#include "vault/transit/key_answer.hpp"

namespace gh::vault::transit {
namespace {

SystemTime now() { return std::chrono::system_clock::now(); }

audit::Record act(const Entry& entry, std::string action) {
    return audit::act_of(entry.call, std::move(action), "transit key", name_in(entry));
}

/// For the public halves of a derived key.
Result<std::string> context_in(const Entry& entry) {
    const auto form = codec::parse_form(entry.call.query);
    const auto* coded = form ? form->find("context") : nullptr;
    if (coded == nullptr) return std::string();
    auto context = codec::decode_base64(*coded);
    if (context) return context;
    return fail(ErrorKind::invalid_argument, "transit.body", "failed to base64-decode context");
}

/// Where a key has to be there already, it is the request that is wrong.
Error as_told(Error error, std::string text) {
    if (error.reason != "transit.unknown") return error;
    return {ErrorKind::invalid_argument, "transit.unknown_key", std::move(text)};
}

void tell_of_damage(TransitRoom& room, const OpenedKey& key) {
    if (!pair_of(key.facts.key.type)) return;  // nothing was opened
    for (const auto& each : key.versions) {
        if (each.material) continue;
        room.log
            .warning("vault", "a version of a transit key does not open: restore it from a backup")
            .field("key", key.facts.key.name)
            .field("version", each.version);
    }
}

Answered show_key(TransitRoom& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto context, context_in(entry));
    GH_CO_TRY(const auto key, co_await room.keys.show(name_in(entry)));
    tell_of_damage(room, key);
    co_return enveloped(entry, text_of(key, context));
}

/// What was done is not answered with an error because of what is not told then.
Answered show_change(TransitRoom& room, Entry entry, KeyChange change) {
    OpenedKey key{.facts = std::move(change.facts), .versions = {}};
    auto shown = co_await room.keys.show(key.facts.key.name);
    if (shown && shown->facts.id == key.facts.id) {
        tell_of_damage(room, *shown);
        key.versions = std::move(shown->versions);
    }
    co_return enveloped(entry, text_of(key, {}));
}

Answered list_keys(TransitRoom& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto names, co_await room.keys.list());
    if (names.empty()) co_return refused(404, "transit.unknown", {});
    co_return json(kv::text_of(names, entry.call.request_id));
}

/// One that is there stays what it is.
Answered create_key(TransitRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto key, parse_new_key(name_in(entry), body));
    GH_CO_TRY_VOID(check_key_name(key.name));
    const auto there = co_await room.keys.find(key.name);
    if (there) co_return co_await show_key(room, std::move(entry), {});
    if (there.error().reason != "transit.unknown") co_return std::unexpected(there.error());
    GH_CO_TRY(auto material, co_await generate(room.making, key.type, key.key_bytes));
    auto also = recorded(act(entry, "transit.create"));
    auto made =
        co_await room.keys.create(std::move(key), std::move(material), now(), std::move(also));
    room.open.forget(name_in(entry));
    if (!made) co_return std::unexpected(std::move(made).error());
    co_return co_await show_change(room, std::move(entry), *std::move(made));
}

Answered configure_key(TransitRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wanted, parse_key_settings(body));
    auto also = recorded(act(entry, "transit.configure"));
    auto changed = co_await room.keys.configure(name_in(entry), wanted, now(), std::move(also));
    room.open.forget(name_in(entry));
    if (!changed) {
        co_return std::unexpected(as_told(
            changed.error(), "no existing key named " + name_in(entry) + " could be found"));
    }
    co_return co_await show_change(room, std::move(entry), *std::move(changed));
}

/// Whom another was faster than, it is rotated once more for.
Task<Result<KeyChange>> rotate_after_others(TransitRoom& room, const Entry& entry) {
    constexpr int attempts = 64;
    for (int attempt = 1;; ++attempt) {
        auto facts = co_await room.keys.find(name_in(entry));
        if (!facts) co_return std::unexpected(as_told(std::move(facts).error(), "key not found"));
        auto record = act(entry, "transit.rotate");
        auto rotated = co_await rotate(room, *std::move(facts), now(), std::move(record));
        if (rotated || rotated.error().reason != "transit.changed" || attempt == attempts)
            co_return rotated;
    }
}

Answered rotate_key(TransitRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY_VOID(parse_nothing(body));
    GH_CO_TRY(auto rotated, co_await rotate_after_others(room, entry));
    co_return co_await show_change(room, std::move(entry), std::move(rotated));
}

Answered trim_key(TransitRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto available, parse_trim(body));
    auto also = recorded(act(entry, "transit.trim"));
    auto changed = co_await room.keys.trim(name_in(entry), available, std::move(also));
    room.open.forget(name_in(entry));
    if (!changed) co_return std::unexpected(as_told(changed.error(), "invalid key name"));
    co_return co_await show_change(room, std::move(entry), *std::move(changed));
}

Answered delete_key(TransitRoom& room, Entry entry, std::string_view /*body*/) {
    const auto name = name_in(entry);
    auto also = recorded(act(entry, "transit.delete"));
    const auto gone = co_await room.keys.remove(name, std::move(also));
    room.open.forget(name);
    if (gone) co_return api::no_content();
    const auto& error = gone.error();
    const auto because = [&](std::string_view why) {
        return refused(400, error.reason,
                       "error deleting policy " + name + ": " + std::string(why));
    };
    if (error.reason == "transit.unknown") co_return because("could not delete key; not found");
    if (error.reason == "transit.deletion") co_return because(error.detail);
    co_return std::unexpected(error);
}

}  // namespace

std::vector<api::Route> key_routes(TransitRoom& room) {
    Table table(room.vault);
    const std::string keys = "/v1/transit/keys";
    for (const auto* method : {"GET", "LIST"}) {
        for (const auto* end : {"", "/"}) {
            table.add(method, keys + end, {.want = Want::list, .place = "transit/keys"},
                      with(room, list_keys), "The names of all keys.");
        }
    }
    const auto one = keys + "/{name}";
    constexpr std::string_view place = "transit/keys/{name}";
    table.add("GET", one, {.want = Want::read, .place = place}, with(room, show_key),
              "What is known of a key, its public halves among it.");
    table.add_write(one, {.want = Want::update, .place = place}, with(room, create_key),
                    "Makes a key; one that is there stays as it is.", small_body_bytes_max);
    table.add("DELETE", one, {.want = Want::remove, .place = place, .is_silent = true},
              with(room, delete_key), "Removes a key of which that is allowed, for good.");
    table.add_write(one + "/config", {.want = Want::update, .place = "transit/keys/{name}/config"},
                    with(room, configure_key), "Changes what a key may be used for.",
                    small_body_bytes_max);
    table.add_write(one + "/rotate", {.want = Want::update, .place = "transit/keys/{name}/rotate"},
                    with(room, rotate_key), "Makes another version.", small_body_bytes_max);
    table.add_write(one + "/trim", {.want = Want::update, .place = "transit/keys/{name}/trim"},
                    with(room, trim_key), "Removes old versions for good.", small_body_bytes_max);
    return std::move(table).take();
}

}  // namespace gh::vault::transit

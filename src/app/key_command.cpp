#include "app/key_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "identity/route_words.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using identity::StoredKey;

constexpr std::size_t page_size = 500;

SystemTime now() { return std::chrono::system_clock::now(); }

/// What the repository refuses, in words of the command line.
Error in_words(Error error, const KeyOptions& options) {
    const auto quoted = config::quote(options.name);
    if (error.reason == "key.unknown")
        error.detail = fmt::format("there is no key {}; gatehouse key list shows all", quoted);
    if (error.reason == "key.revoked") error.detail = fmt::format("the key {} was revoked", quoted);
    if (error.reason == "key.name") error.detail = "the name is not printable, or too long";
    if (error.reason == "key.subject") error.detail = "the subject is not printable, or too long";
    if (error.reason == "key.role")
        error.detail = "a role has a-z, 0-9 and _-:., and begins with a letter";
    if (error.reason == "key.scope")
        error.detail = "a scope is printable ASCII without spaces and quotes";
    if (error.reason == "key.expired")
        error.detail = "--expires: must be longer than nothing, such as 12h or 30d";
    if (error.reason == "key.too_many") {
        error.detail = fmt::format(
            "{} has as many keys as one may have ({}); gatehouse key list shows them, gatehouse "
            "key "
            "revoke ends one",
            config::quote(options.owner), identity::keys_of_owner_max);
    }
    return error;
}

Result<std::optional<SystemTime>> expiry_of(const KeyOptions& options) {
    if (options.expires.empty()) return std::nullopt;
    const auto duration = config::parse_duration(options.expires);
    if (!duration) {
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: --expires: {} is no duration such as 12h or 30d",
                                config::quote(options.expires)));
    }
    return now() + *duration;
}

Task<Result<std::vector<StoredKey>>> all_keys(State& state, std::string owner) {
    std::vector<StoredKey> all;
    identity::KeyPage page{.limit = page_size};
    if (!owner.empty()) page.owner = std::move(owner);
    for (;;) {
        GH_CO_TRY(auto some, co_await state.keys.list(page));
        std::ranges::move(some, std::back_inserter(all));
        if (some.size() < page_size) co_return all;
        page.after = {all.back().created_at, all.back().id};
    }
}

storage::Also<StoredKey> recorded(std::string action) {
    return audit::also<StoredKey>(audit::act_of_shell(std::move(action), "key"),
                                  identity::tell_key);
}

std::string_view state_of(const StoredKey& key, SystemTime at) {
    if (key.revoked_at) return "revoked";
    if (key.expires_at && *key.expires_at <= at) return "expired";
    return "good";
}

std::string as_json(const std::vector<StoredKey>& keys) {
    std::string text;
    codec::json::Writer out(text);
    const auto names = [&out](std::string_view name, const std::vector<std::string>& all) {
        out.name(name).begin_array();
        for (const auto& each : all) out.string(each);
        out.end_array();
    };
    const auto moment = [&out](std::string_view name, const std::optional<SystemTime>& time) {
        if (time) out.name(name).string(config::time_text(*time));
    };
    out.begin_array();
    for (const auto& key : keys) {
        out.begin_object().name("id").string(key.id).name("name").string(key.name);
        out.name("owner").string(key.owner).name("subject").string(key.subject);
        names("roles", key.roles);
        names("scopes", key.scopes);
        moment("created_at", key.created_at);
        moment("expires_at", key.expires_at);
        moment("revoked_at", key.revoked_at);
        moment("last_used_at", key.last_used_at);
        out.end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string as_table(const std::vector<StoredKey>& keys) {
    std::string text;
    for (const auto& key : keys) {
        fmt::format_to(std::back_inserter(text), "{:<17} {:<24} {:<16} {:<16} {:<8} {}\n", key.id,
                       key.name, key.subject, fmt::format("{}", fmt::join(key.roles, ",")),
                       state_of(key, now()),
                       key.last_used_at ? config::time_text(*key.last_used_at) : "never used");
    }
    return text;
}

}  // namespace

CommandResult key_create(const Overrides& overrides, const Surroundings& surroundings,
                         const KeyOptions& options) {
    const auto expires = expiry_of(options);
    if (!expires) return failed(expires.error());
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    if (auto known = check_roles(*(*verb)->state, options.roles); !known)
        return failed(known.error());
    using access::PrincipalType;
    const auto made = net::run_to_end((*verb)->state->keys.create(
        {.name = options.name,
         .owner = options.owner,
         .subject = options.subject,
         .kind = options.service ? PrincipalType::service : PrincipalType::api_key,
         .roles = options.roles,
         .scopes = options.scopes,
         .expires_at = *expires},
        now(), recorded("key.create")));
    if (!made) return failed(in_words(made.error(), options));
    return {.exit_code = 0,
            .out = made->text + "\n",
            .err = fmt::format("made the key {}; it is shown this once\n", made->key.id)};
}

CommandResult key_list(const Overrides& overrides, const Surroundings& surroundings,
                       const KeyOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto keys = net::run_to_end(all_keys(*(*verb)->state, options.owner));
    if (!keys) return failed(keys.error());
    return {.exit_code = 0, .out = options.json ? as_json(*keys) : as_table(*keys), .err = {}};
}

CommandResult key_rotate(const Overrides& overrides, const Surroundings& surroundings,
                         const KeyOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto made = net::run_to_end(
        (*verb)->state->keys.rotate(options.name, {}, now(), recorded("key.rotate")));
    if (!made) return failed(in_words(made.error(), options));
    return {.exit_code = 0,
            .out = made->text + "\n",
            .err = fmt::format("the key {} has a new secret, shown this once\n", made->key.id)};
}

CommandResult key_revoke(const Overrides& overrides, const Surroundings& surroundings,
                         const KeyOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto ended =
        net::run_to_end((*verb)->state->keys.revoke(options.name, now(), recorded("key.revoke")));
    if (!ended) return failed(in_words(ended.error(), options));
    return {.exit_code = 0, .out = {}, .err = fmt::format("the key {} is revoked\n", ended->id)};
}

}  // namespace gh::app

#include "app/user_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "crypto/password.hpp"
#include "identity/route_words.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using identity::User;

constexpr std::size_t page_size = 500;

SystemTime now() { return std::chrono::system_clock::now(); }

/// What repositories refuse, in words of the command line.
Error in_words(Error error, const std::string& name) {
    const auto quoted = config::quote(name);
    if (error.reason == "user.unknown")
        error.detail = fmt::format("there is no user {}; gatehouse user list shows all", quoted);
    if (error.reason == "user.name_taken")
        error.detail = fmt::format("there is a user {} already", quoted);
    if (error.reason == "user.name")
        error.detail = fmt::format(
            "{} cannot be a name, allowed: letters, digits and ._@+-, at most 128", quoted);
    if (error.reason == "user.role" && error.detail.empty())
        error.detail = "a role has a-z, 0-9 and _-:., and begins with a letter";
    if (error.reason == "user.email") error.detail = "that is no address to write to";
    if (error.reason == "user.last_admin")
        error.detail =
            fmt::format("{} is the last admin: nobody would be left to administer", quoted);
    if (error.reason.starts_with("password.hash"))
        error.detail = fmt::format(
            "standard input has no hash that can be checked ({}), allowed: bcrypt up to cost 14 as "
            "$2b$12$..., Argon2id as $argon2id$v=19$...",
            error.detail);
    else if (error.reason.starts_with("password."))
        error.detail = fmt::format("the password cannot be used: {}", error.reason);
    return error;
}

struct Password {
    std::string hash;
    std::string shown;  ///< of one that was made
};

Result<Password> password_of(const Settings& settings, const UserOptions& options) {
    if (options.password_hash) {
        GH_TRY(const auto hash, crypto::parse_password_hash(*options.password_hash));
        return Password{.hash = crypto::to_text(hash), .shown = {}};
    }
    const auto& given = options.password;
    const auto made = given ? crypto::Secret(std::string_view(*given)) : crypto::random_password();
    Password password;
    GH_TRY(password.hash, crypto::hash_password(settings.auth.password_hash, made));
    if (!given) password.shown = std::string(crypto::text_of(made.bytes())) + "\n";
    return password;
}

Task<Result<User>> find(State& state, std::string name) {
    GH_CO_TRY(auto found, co_await state.users.find_by_name(std::move(name)));
    co_return std::move(found.user);
}

storage::Also<User> recorded(std::string action) {
    return audit::also<User>(audit::act_of_shell(std::move(action), "user"), identity::tell_user);
}

Task<Result<User>> change(State& state, std::string name, identity::UserChange change) {
    GH_CO_TRY(const auto user, co_await find(state, std::move(name)));
    co_return co_await state.users.change(user.id, std::move(change), now(),
                                          recorded("user.change"));
}

Result<User> add(VerbState& verb, UserOptions& options, std::string hash) {
    return net::run_to_end(verb.state->users.create(
        {.name = options.name,
         .email = options.email.empty() ? std::nullopt : std::optional(options.email),
         .roles = options.roles,
         .password_hash = std::move(hash),
         .password_change_required = !options.password && !options.password_hash},
        now(), recorded("user.create")));
}

Task<Result<std::vector<User>>> all_users(State& state) {
    std::vector<User> all;
    identity::UserPage page{.limit = page_size};
    for (;;) {
        GH_CO_TRY(auto some, co_await state.users.list(page));
        std::ranges::move(some, std::back_inserter(all));
        if (some.size() < page_size) co_return all;
        page.after = {all.back().created_at, all.back().id};
    }
}

std::string as_json(const std::vector<User>& users) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& user : users) {
        out.begin_object().name("id").string(user.id).name("name").string(user.name);
        out.name("roles").begin_array();
        for (const auto& role : user.roles) out.string(role);
        out.end_array();
        if (user.email) out.name("email").string(*user.email);
        out.name("disabled").boolean(user.disabled_at.has_value());
        out.name("created_at").string(config::time_text(user.created_at)).end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string as_table(const std::vector<User>& users) {
    std::string text;
    for (const auto& user : users) {
        fmt::format_to(std::back_inserter(text), "{:<24} {:<24} {:<9} {}\n", user.name,
                       fmt::format("{}", fmt::join(user.roles, ",")),
                       user.disabled_at ? "disabled" : "enabled",
                       config::time_text(user.created_at));
    }
    return text;
}

CommandResult set_disabled(const Overrides& overrides, const Surroundings& surroundings,
                           const UserOptions& options, bool disabled) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto user =
        net::run_to_end(change(*(*verb)->state, options.name, {.disabled = disabled}));
    if (!user) return failed(in_words(user.error(), options.name));
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} is {}\n", user->name,
                               disabled ? "kept out, and their tokens are void" : "let in again")};
}

}  // namespace

CommandResult user_add(const Overrides& overrides, const Surroundings& surroundings,
                       UserOptions options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    if (options.roles.empty()) options.roles = {"user"};
    if (auto known = check_roles(*(*verb)->state, options.roles); !known)
        return failed(known.error());
    auto password = password_of((*verb)->settings, options);
    if (!password) return failed(in_words(password.error(), options.name));
    const auto made = add(**verb, options, std::move(password->hash));
    if (!made) return failed(in_words(made.error(), options.name));
    return {.exit_code = 0,
            .out = password->shown,
            .err = fmt::format("made the user {} ({}){}\n", made->name, fmt::join(made->roles, ","),
                               password->shown.empty()
                                   ? ""
                                   : "; the password above is for one use: a new one "
                                     "is set at POST /api/v1/auth/password")};
}

CommandResult user_list(const Overrides& overrides, const Surroundings& surroundings,
                        UserOptions options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    const auto users = net::run_to_end(all_users(*(*verb)->state));
    if (!users) return failed(users.error());
    return {.exit_code = 0, .out = options.json ? as_json(*users) : as_table(*users), .err = {}};
}

CommandResult user_disable(const Overrides& overrides, const Surroundings& surroundings,
                           UserOptions options) {
    return set_disabled(overrides, surroundings, options, true);
}

CommandResult user_enable(const Overrides& overrides, const Surroundings& surroundings,
                          UserOptions options) {
    return set_disabled(overrides, surroundings, options, false);
}

CommandResult user_roles(const Overrides& overrides, const Surroundings& surroundings,
                         UserOptions options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    if (auto known = check_roles(*(*verb)->state, options.roles); !known)
        return failed(known.error());
    const auto user =
        net::run_to_end(change(*(*verb)->state, options.name, {.roles = options.roles}));
    if (!user) return failed(in_words(user.error(), options.name));
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} is {} now\n", user->name, fmt::join(user->roles, ","))};
}

CommandResult user_password(const Overrides& overrides, const Surroundings& surroundings,
                            UserOptions options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    auto& state = *(*verb)->state;
    const auto user = net::run_to_end(find(state, options.name));
    if (!user) return failed(in_words(user.error(), options.name));
    auto password = password_of((*verb)->settings, options);
    if (!password) return failed(in_words(password.error(), options.name));
    const auto changed = net::run_to_end(
        state.users.set_password(user->id, std::move(password->hash), !options.password, now(),
                                 recorded("user.reset_password")));
    if (!changed) return failed(in_words(changed.error(), options.name));
    return {.exit_code = 0,
            .out = password->shown,
            .err = fmt::format("{} has a new password, and the tokens made so far are void\n",
                               changed->name)};
}

}  // namespace gh::app

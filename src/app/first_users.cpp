#include "app/first_users.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "crypto/password.hpp"
#include "identity/route_words.hpp"
#include "net/run_task.hpp"
#include "pki/file.hpp"

namespace gh::app {
namespace {

constexpr std::string_view admin_name = "admin";

Task<Result<bool>> add(State& state, identity::NewUser user, SystemTime now) {
    const auto made = co_await state.users.create(
        std::move(user), now,
        audit::also<identity::User>(audit::act_of_shell("user.create", "user"),
                                    identity::tell_user));
    if (made) co_return true;
    if (made.error().reason == "user.name_taken") co_return false;
    co_return std::unexpected(made.error());
}

Result<bool> add_with(State& state, const Settings& settings, std::string name, std::string role,
                      const crypto::Secret& password, bool one_use, SystemTime now) {
    auto hash = crypto::hash_password(settings.auth.password_hash, password);
    if (!hash) {
        return fail(
            hash.error().kind, hash.error().reason,
            fmt::format("the password of {} cannot be used: {}", name, hash.error().reason));
    }
    return net::run_to_end(add(state,
                               {.name = std::move(name),
                                .email = {},
                                .roles = {std::move(role)},
                                .password_hash = *std::move(hash),
                                .password_change_required = one_use},
                               now));
}

}  // namespace

Result<std::optional<FirstUsers>> make_first_users(const Settings& settings, State& state,
                                                   SystemTime now) {
    GH_TRY(const auto users, net::run_to_end(state.users.count()));
    if (users > 0) return std::nullopt;
    FirstUsers made;
    for (const auto& user : settings.first_users.imported) {
        GH_TRY(const auto added,
               add_with(state, settings, user.name,
                        identity::folded(user.name) == admin_name ? "admin" : "user",
                        crypto::Secret(user.password.view()), false, now));
        made.imported += added ? 1 : 0;
    }
    const auto given = settings.first_users.admin_password.view();
    auto password = given.empty() ? crypto::random_password() : crypto::Secret(given);
    GH_TRY(const auto added,
           add_with(state, settings, std::string(admin_name), "admin", password, true, now));
    if (added && given.empty()) made.admin_password = std::move(password);
    return made;
}

Result<std::size_t> take_over_keys(const Settings& settings, State& state, SystemTime now) {
    std::size_t taken = 0;
    for (const auto& key : settings.first_users.api_keys) {
        GH_TRY(const bool added,
               net::run_to_end(state.keys.take_over(
                   key.view(), {.name = "API_KEYS", .owner = "environment", .roles = {"user"}}, now,
                   audit::also<identity::StoredKey>(audit::act_of_shell("key.take_over", "key"),
                                                    identity::tell_key))));
        taken += added ? 1 : 0;
    }
    return taken;
}

Result<std::optional<std::filesystem::path>> show_once(const crypto::Secret& password,
                                                       const std::filesystem::path& data_dir) {
    const auto text = crypto::text_of(password.bytes());
    if (::isatty(STDOUT_FILENO) == 1) {
        std::fputs("\nOne-time password of the user admin: ", stdout);
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fputs("\n", stdout);
        std::fflush(stdout);
        return std::nullopt;
    }
    constexpr std::string_view name = "admin-password";
    GH_TRY(const auto directory, pki::open_directory(data_dir));
    GH_TRY_VOID(pki::replace_file(directory, name, std::string(text) + '\n', 0600));
    return data_dir / name;
}

}  // namespace gh::app

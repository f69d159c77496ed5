#include "app/first_users.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "audit/act.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/password.hpp"
#include "identity/route_words.hpp"

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

struct FirstUser {
    std::string name;
    std::string role;
    bool one_use = false;
};

Task<Result<bool>> add_with(State& state, const Settings& settings, FirstUser user,
                            const crypto::Secret& password, SystemTime now) {
    auto hash = crypto::hash_password(settings.auth.password_hash, password);
    if (!hash) {
        co_return fail(
            hash.error().kind, hash.error().reason,
            fmt::format("the password of {} cannot be used: {}", user.name, hash.error().reason));
    }
    identity::NewUser wanted{.name = std::move(user.name),
                             .email = {},
                             .roles = {std::move(user.role)},
                             .password_hash = *std::move(hash),
                             .password_change_required = user.one_use};
    co_return co_await add(state, std::move(wanted), now);
}

}  // namespace

Task<Result<std::optional<FirstUsers>>> make_first_users(const Settings& settings, State& state,
                                                         SystemTime now) {
    GH_CO_TRY(const auto users, co_await state.users.count());
    if (users > 0) co_return std::nullopt;
    FirstUsers made;
    for (const auto& user : settings.first_users.imported) {
        const bool administers = identity::folded(user.name) == admin_name;
        FirstUser wanted{user.name, administers ? "admin" : "user", false};
        const crypto::Secret password(user.password.view());
        GH_CO_TRY(const auto added,
                  co_await add_with(state, settings, std::move(wanted), password, now));
        made.imported += added ? 1 : 0;
    }
    const auto given = settings.first_users.admin_password.view();
    auto password = given.empty() ? crypto::random_password() : crypto::Secret(given);
    FirstUser admin{std::string(admin_name), "admin", true};
    GH_CO_TRY(const auto added,
              co_await add_with(state, settings, std::move(admin), password, now));
    if (added && given.empty()) made.admin_password = std::move(password);
    co_return made;
}

Task<Result<std::size_t>> take_over_keys(const Settings& settings, State& state, SystemTime now) {
    std::size_t taken = 0;
    for (const auto& key : settings.first_users.api_keys) {
        identity::NewKey wanted{.name = "API_KEYS", .owner = "environment", .roles = {"user"}};
        auto also = audit::also<identity::StoredKey>(audit::act_of_shell("key.take_over", "key"),
                                                     identity::tell_key);
        GH_CO_TRY(const bool added, co_await state.keys.take_over(key.view(), std::move(wanted),
                                                                  now, std::move(also)));
        taken += added ? 1 : 0;
    }
    co_return taken;
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
    GH_TRY(const auto directory, open_directory(data_dir));
    GH_TRY_VOID(replace_file(directory, name, std::string(text) + '\n', 0600));
    return data_dir / name;
}

}  // namespace gh::app

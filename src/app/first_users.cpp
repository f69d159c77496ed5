#include "app/first_users.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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

/// Who shall be made, and what has to be shown then.
struct Wanted {
    std::vector<identity::FirstUser> users;
    FirstUsers made;
};

struct Named {
    std::string name;
    std::string role;
    bool one_use = false;
};

Result<void> add(Wanted& wanted, const Settings& settings, Named user,
                 const crypto::Secret& password) {
    auto hash = crypto::hash_password(settings.auth.password_hash, password);
    if (!hash) {
        return fail(
            hash.error().kind, hash.error().reason,
            fmt::format("the password of {} cannot be used: {}", user.name, hash.error().detail));
    }
    identity::NewUser one{.name = std::move(user.name),
                          .email = {},
                          .roles = {std::move(user.role)},
                          .password_hash = *std::move(hash),
                          .password_change_required = user.one_use};
    auto recorded = audit::also<identity::User>(audit::act_of_shell("user.create", "user"),
                                                identity::tell_user);
    wanted.users.push_back({std::move(one), std::move(recorded)});
    return {};
}

/// One whose password nobody has chosen.
Result<void> add_unknown(Wanted& wanted, const Settings& settings, std::string name) {
    auto password = crypto::random_password();
    GH_TRY_VOID(add(wanted, settings, {name, name, true}, password));
    wanted.made.passwords.emplace_back(std::move(name), std::move(password));
    return {};
}

bool is_wanted(const Wanted& wanted, std::string_view name) {
    return std::ranges::any_of(wanted.users, [&](const identity::FirstUser& each) {
        return identity::folded(each.user.name) == name;
    });
}

/// admin first: whoever makes the others may be told so.
Result<Wanted> first_users_of(const Settings& settings) {
    Wanted wanted;
    const auto& given = settings.first_users;
    const auto imports = [&](bool admin) -> Result<void> {
        for (const auto& user : given.imported) {
            if ((identity::folded(user.name) == admin_name) != admin) continue;
            Named one{user.name, admin ? "admin" : "user", admin};
            GH_TRY_VOID(
                add(wanted, settings, std::move(one), crypto::Secret(user.password.view())));
            ++wanted.made.imported;
        }
        return {};
    };
    GH_TRY_VOID(imports(true));
    if (!is_wanted(wanted, admin_name) && given.admin_password.empty()) {
        GH_TRY_VOID(add_unknown(wanted, settings, std::string(admin_name)));
    } else if (!is_wanted(wanted, admin_name)) {
        Named admin{std::string(admin_name), "admin", true};
        GH_TRY_VOID(
            add(wanted, settings, std::move(admin), crypto::Secret(given.admin_password.view())));
    }
    GH_TRY_VOID(imports(false));
    for (const auto& name : settings.auth.first_users) {
        if (!is_wanted(wanted, name)) GH_TRY_VOID(add_unknown(wanted, settings, name));
    }
    return wanted;
}

}  // namespace

Task<Result<std::optional<FirstUsers>>> make_first_users(const Settings& settings, State& state,
                                                         SystemTime now) {
    GH_CO_TRY(const auto users, co_await state.users.count());
    if (users > 0) co_return std::nullopt;
    GH_CO_TRY(auto wanted, first_users_of(settings));
    const auto made = co_await state.users.create_first(std::move(wanted.users), now);
    if (!made && made.error().reason == "user.name_taken") co_return std::nullopt;  // another node
    if (!made) co_return std::unexpected(made.error());
    if (made->empty()) co_return std::nullopt;
    co_return std::move(wanted.made);
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

Result<std::optional<std::filesystem::path>> show_once(std::string_view name,
                                                       const crypto::Secret& password,
                                                       const std::filesystem::path& data_dir) {
    const auto text = crypto::text_of(password.bytes());
    if (::isatty(STDOUT_FILENO) == 1) {
        std::fputs(fmt::format("\nOne-time password of the user {}: ", name).c_str(), stdout);
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fputs("\n", stdout);
        std::fflush(stdout);
        return std::nullopt;
    }
    const auto file = fmt::format("{}-password", name);
    GH_TRY(const auto directory, open_directory(data_dir));
    GH_TRY_VOID(replace_file(directory, file, std::string(text) + '\n', 0600));
    return data_dir / file;
}

}  // namespace gh::app

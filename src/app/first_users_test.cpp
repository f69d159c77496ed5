#include "app/first_users.hpp"

#include <fstream>
#include <map>

#include "audit/act.hpp"
#include "base/temporary_directory.hpp"
#include "crypto/burned.hpp"
#include "crypto/password.hpp"
#include "storage/testing.hpp"

namespace gh::app {
namespace {

using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class FirstUsersTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        state.emplace(std::make_unique<storage::Observer>(registry, nullptr, milliseconds(60'000)),
                      another(), crypto::Secret::random(32));
    }
    void import(std::string name, std::string password) {
        settings.first_users.imported.push_back(
            {std::move(name), config::Secret(std::move(password))});
    }
    Result<std::optional<FirstUsers>> make() {
        return run_to_end(make_first_users(settings, *state, now));
    }
    std::vector<identity::User> users() {
        return run_to_end(state->users.list({.after = {}, .role = {}})).value();
    }
    /// Names, in the order of their making.
    std::string names() {
        std::string all;
        for (const auto& user : users()) all += (all.empty() ? "" : " ") + user.name;
        return all;
    }
    bool is_password(const std::string& name, std::string_view password) {
        const auto hash = run_to_end(state->users.find_by_name(name))->password_hash;
        return crypto::verify_password(crypto::Secret(password), *hash, settings.auth.password_hash)
            ->matches;
    }
    std::int64_t count(std::string_view table) {
        const storage::Statement select{.name = "t.count",
                                        .sql = table == "users"
                                                   ? "SELECT count(*) FROM users"
                                                   : "SELECT count(*) FROM audit_records"};
        return run_to_end(database->query(select)).value()[0].integer(0);
    }

    Settings settings;
    std::optional<State> state;
};
INSTANTIATE_TEST_SUITE_P(Engines, FirstUsersTest, storage::both_engines, storage::engine_name);

TEST_P(FirstUsersTest, ThereIsAnAdminWithAPasswordForOneUse) {
    const auto made = make().value();
    ASSERT_TRUE(made);
    ASSERT_EQ(made->passwords.size(), 1U);
    EXPECT_EQ(made->passwords[0].first, "admin");
    const auto admin = users().at(0);
    EXPECT_EQ(admin.name, "admin");
    EXPECT_EQ(admin.roles, std::vector<std::string>{"admin"});
    EXPECT_TRUE(admin.password_change_required);
    EXPECT_TRUE(is_password("admin", crypto::text_of(made->passwords[0].second.bytes())));
    EXPECT_EQ(count("audit"), 1);
    EXPECT_FALSE(make().value()) << "nobody is made twice";
    EXPECT_EQ(count("users"), 1);
}

TEST_P(FirstUsersTest, OneBadPasswordAndNobodyIsMade) {
    settings.auth.password_hash = crypto::PasswordScheme::bcrypt;
    import("alice", "correct horse");
    import("bob", std::string(80, 'b'));
    const auto refused = make();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "password.too_long");
    EXPECT_TRUE(refused.error().detail.contains("bob"));
    EXPECT_EQ(count("users"), 0);
    EXPECT_EQ(count("audit"), 0);

    settings.first_users.imported[1].password = config::Secret(std::string("battery staple"));
    EXPECT_EQ(make().value()->imported, 2U);
    EXPECT_EQ(names(), "admin alice bob");
    EXPECT_EQ(count("audit"), 3);
    EXPECT_FALSE(users()[1].password_change_required);
}

TEST_P(FirstUsersTest, AnImportedAdminHasToChangeTheirPassword) {
    import("uli", "plain as day it is");
    import("Admin", "first of all of them");
    const auto made = make().value();
    EXPECT_EQ(names(), "Admin uli");
    EXPECT_TRUE(users()[0].password_change_required);
    EXPECT_EQ(users()[0].roles, std::vector<std::string>{"admin"});
    EXPECT_TRUE(made->passwords.empty()) << "theirs is known";
}

TEST_P(FirstUsersTest, AUserAndAGuestAreMadeWhereTheyAreWanted) {
    settings.auth.first_users = {"user", "guest"};
    settings.first_users.admin_password = config::Secret(std::string("first of all of them"));
    import("guest", "somebody else's guest");
    const auto made = make().value();
    EXPECT_EQ(names(), "admin guest user");
    ASSERT_EQ(made->passwords.size(), 1U);
    EXPECT_EQ(made->passwords[0].first, "user");
    EXPECT_TRUE(is_password("user", crypto::text_of(made->passwords[0].second.bytes())));
    EXPECT_TRUE(is_password("admin", "first of all of them"));
    for (const auto& user : users())
        EXPECT_EQ(user.password_change_required, user.name != "guest") << user.name;
}

TEST_P(FirstUsersTest, WhatFailsHalfWayLeavesNobody) {
    identity::NewUser good{.name = "ada", .email = {}, .roles = {"admin"}, .password_hash = {}};
    identity::NewUser bad{.name = "bob", .email = {}, .roles = {"nosuch"}, .password_hash = {}};
    const auto recorded = [](identity::NewUser user) {
        auto act = audit::act_of_shell("user.create", "user");
        return identity::FirstUser{std::move(user), audit::also<identity::User>(std::move(act))};
    };
    EXPECT_EQ(
        run_to_end(state->users.create_first({recorded(good), recorded(bad)}, now)).error().reason,
        "user.role");
    EXPECT_EQ(count("users"), 0);
    EXPECT_EQ(count("audit"), 0);
    EXPECT_EQ(run_to_end(state->users.create_first({recorded(good)}, now))->size(), 1U);
    EXPECT_TRUE(run_to_end(state->users.create_first({recorded(good)}, now))->empty());
    EXPECT_EQ(count("audit"), 1);
}

std::string refused(std::map<std::string, std::string, std::less<>> variables,
                    const std::string& more = "") {
    const Surroundings surroundings{.environment = config::Environment(std::move(variables)),
                                    .check_secret = crypto::check_secret_strength};
    const auto read = read_settings_text(
        "listeners:\n  - {name: api, bind: 127.0.0.1:8443, serve: [api]}\n" + more, "f", "/etc", {},
        surroundings);
    return read ? "" : read.error().detail;
}

TEST(FirstUsersSettings, NameEverybodyOnce) {
    EXPECT_EQ(refused({{"VALID_USERS", "ada:one:two:of ada,eve:three wishes"}}), "");
    EXPECT_NE(refused({{"VALID_USERS", "ada:one:two:of ada,Ada:three wishes"}}), "");
    EXPECT_NE(refused({{"VALID_USERS", "Admin:one:two:of ada"},
                       {"ADMIN_INITIAL_PASSWORD", "four of diamonds"}}),
              "");
}

TEST(FirstUsersSettings, JudgePasswordsLikeOtherSecretsAndBeforeAnythingIsMade) {
    for (const auto* weak :
         {"admin123", "password123", "short", "aaaaaaaaaaaaaaaa", "change-me-now"}) {
        const auto imported = refused({{"VALID_USERS", std::string("admin:") + weak}});
        EXPECT_TRUE(imported.contains("VALID_USERS")) << weak;
        EXPECT_FALSE(imported.contains(weak)) << weak;
        EXPECT_TRUE(refused({{"ADMIN_INITIAL_PASSWORD", weak}}).contains("ADMIN_INITIAL_PASSWORD"));
    }
    EXPECT_NE(refused({{"ADMIN_INITIAL_PASSWORD", "not \xff\xfe utf-8"}}), "");
    const auto longer = "bob:" + std::string("battery staple ") + std::string(70, '-');
    EXPECT_EQ(refused({{"VALID_USERS", longer}}), "");
    const auto for_bcrypt = refused({{"VALID_USERS", longer}}, "auth: {password_hash: bcrypt}\n");
    EXPECT_TRUE(for_bcrypt.contains("the password of bob cannot be used")) << for_bcrypt;
    // Where only this machine gets in, what is weak passes; what everybody knows does not.
    EXPECT_EQ(refused({{"VALID_USERS", "ada:short"}}, "profile: development\n"), "");
    EXPECT_NE(refused({{"VALID_USERS", "ada:admin123"}}, "profile: development\n"), "");
}

TEST(ShowOnce, LeavesAPasswordInAFileOfItsOwn) {
    const TemporaryDirectory directory;
    const auto file = show_once("guest", crypto::Secret("abc"), directory.path()).value();
    if (!file) GTEST_SKIP() << "standard output is a terminal";
    EXPECT_EQ(*file, directory.path() / "guest-password");
    EXPECT_EQ(std::filesystem::status(*file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ifstream stream(*file);
    std::string text;
    std::getline(stream, text);
    EXPECT_EQ(text, "abc");
}

}  // namespace
}  // namespace gh::app

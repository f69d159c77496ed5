#include "identity/user_repository.hpp"

#include "identity/revocations.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class UserRepositoryTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        users.emplace(*database);
    }
    Result<User> create(std::string name, std::vector<std::string> roles = {"user"}) {
        NewUser user{.name = std::move(name),
                     .email = {},
                     .roles = std::move(roles),
                     .password_hash = "hash"};
        at += seconds(1);
        return run_to_end(users->create(std::move(user), at));
    }

    std::optional<UserRepository> users;
    SystemTime at = now;
};
INSTANTIATE_TEST_SUITE_P(Engines, UserRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(UserRepositoryTest, ReadsBackWhatWasMade) {
    NewUser ann{.name = "Ann.Lee",
                .email = "ann@example.com",
                .roles = {"user", "admin", "user"},
                .password_hash = "hash",
                .password_change_required = true};
    const auto made = run_to_end(users->create(ann, now));
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_EQ(made->roles, (std::vector<std::string>{"admin", "user"}));
    EXPECT_EQ(made->created_at, now);
    EXPECT_EQ(made->version, 1);

    const auto found = run_to_end(users->find_by_name("ANN.lee"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user.id, made->id);
    EXPECT_EQ(found->user.name, "Ann.Lee");
    EXPECT_EQ(found->password_hash, "hash");
    EXPECT_TRUE(found->user.password_change_required);
    EXPECT_EQ(run_to_end(users->find(made->id))->email, "ann@example.com");
}

TEST_P(UserRepositoryTest, RefusesWhatCannotBe) {
    ASSERT_TRUE(create("ann"));
    struct Case {
        NewUser user;
        std::string_view reason;
    };
    const Case cases[] = {
        {{.name = "ANN", .email = {}, .roles = {}, .password_hash = {}}, "user.name_taken"},
        {{.name = "", .email = {}, .roles = {}, .password_hash = {}}, "user.name"},
        {{.name = "a b", .email = {}, .roles = {}, .password_hash = {}}, "user.name"},
        {{.name = "a'; DROP TABLE users; --", .email = {}, .roles = {}, .password_hash = {}},
         "user.name"},
        {{.name = std::string("a\0b", 3), .email = {}, .roles = {}, .password_hash = {}},
         "user.name"},
        {{.name = std::string(129, 'a'), .email = {}, .roles = {}, .password_hash = {}},
         "user.name"},
        {{.name = "bob", .email = "no address", .roles = {}, .password_hash = {}}, "user.email"},
        {{.name = "bob", .email = {}, .roles = {"king"}, .password_hash = {}}, "user.role"},
        {{.name = "bob", .email = {}, .roles = {"a,admin"}, .password_hash = {}}, "user.role"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.user.name);
        const auto made = run_to_end(users->create(c.user, now));
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().reason, c.reason);
    }
    EXPECT_EQ(run_to_end(users->count()), 1);  // nobody is half there
}

TEST_P(UserRepositoryTest, PagesInOrderOfMaking) {
    std::vector<std::string> names;
    for (int i = 0; i < 7; ++i) {
        names.push_back("user" + std::to_string(i));
        ASSERT_TRUE(create(names.back(), i % 2 == 0 ? std::vector<std::string>{"manager"}
                                                    : std::vector<std::string>{"user"}));
    }
    std::vector<std::string> seen;
    UserPage page{.limit = 3, .after = {}, .role = {}};
    for (;;) {
        const auto users_of_page = run_to_end(users->list(page));
        ASSERT_TRUE(users_of_page);
        if (users_of_page->empty()) break;
        for (const auto& user : *users_of_page) seen.push_back(user.name);
        const auto& last = users_of_page->back();
        page.after = {last.created_at, last.name, last.id};
    }
    EXPECT_EQ(seen, names);
    const auto managers =
        run_to_end(users->list({.limit = 50, .after = {}, .offset = 1, .role = "manager"}));
    ASSERT_TRUE(managers);
    EXPECT_EQ(managers->size(), 3U);
    EXPECT_EQ(managers->front().name, "user2");
}

TEST_P(UserRepositoryTest, PagesInEachOrderAndOfOneRole) {
    using Order = UserPage::Order;
    using Names = std::vector<std::string>;
    for (const auto* name : {"mo", "Ada", "zoe", "bob", "Uli"})
        ASSERT_TRUE(create(name, {std::string_view(name) == "bob" ? "user" : "manager"}));
    const auto listed = [&](Order order, const std::optional<std::string>& role) {
        Names seen;
        UserPage page{.order = order, .limit = 2, .after = {}, .role = role};
        for (int i = 0; i < 5; ++i) {
            const auto users_of_page = run_to_end(users->list(page)).value();
            if (users_of_page.empty()) break;
            for (const auto& user : users_of_page) seen.push_back(user.name);
            const auto& last = users_of_page.back();
            page.after = {last.created_at, last.name, last.id};
        }
        return seen;
    };
    EXPECT_EQ(listed(Order::oldest, {}), (Names{"mo", "Ada", "zoe", "bob", "Uli"}));
    EXPECT_EQ(listed(Order::newest, {}), (Names{"Uli", "bob", "zoe", "Ada", "mo"}));
    EXPECT_EQ(listed(Order::name, {}), (Names{"Ada", "bob", "mo", "Uli", "zoe"}));
    EXPECT_EQ(listed(Order::name_backwards, {}), (Names{"zoe", "Uli", "mo", "bob", "Ada"}));
    EXPECT_EQ(listed(Order::oldest, "manager"), (Names{"mo", "Ada", "zoe", "Uli"}));
    EXPECT_EQ(listed(Order::newest, "manager"), (Names{"Uli", "zoe", "Ada", "mo"}));
    EXPECT_EQ(listed(Order::name, "manager"), (Names{"Ada", "mo", "Uli", "zoe"}));
    EXPECT_EQ(listed(Order::name_backwards, "manager"), (Names{"zoe", "Uli", "mo", "Ada"}));
}

TEST_P(UserRepositoryTest, ChangesOnlyTheVersionThatWasSeen) {
    const auto ann = create("ann").value();
    const auto changed = run_to_end(users->change(
        ann.id, {.email = "a@b.c", .roles = {}, .disabled = {}, .expected_version = 1}, now));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->version, 2);
    EXPECT_EQ(changed->tokens_valid_from, ann.tokens_valid_from);  // an address takes nothing away
    const auto late = run_to_end(users->change(
        ann.id, {.email = "x@y.z", .roles = {}, .disabled = {}, .expected_version = 1}, now));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "user.changed");
    EXPECT_EQ(run_to_end(users->find(ann.id))->email, "a@b.c");
}

TEST_P(UserRepositoryTest, TakingRightsVoidsTokens) {
    const auto ann = create("ann", {"manager"}).value();
    const auto later = now + std::chrono::hours(1);
    EXPECT_EQ(run_to_end(users->change(ann.id,
                                       {.email = {},
                                        .roles = std::vector<std::string>{"user"},
                                        .disabled = {},
                                        .expected_version = {}},
                                       later))
                  ->tokens_valid_from,
              later + milliseconds(1));
    const auto off = run_to_end(
        users->change(ann.id, {.email = {}, .roles = {}, .disabled = true, .expected_version = {}},
                      later + seconds(5)));
    EXPECT_EQ(off->disabled_at, later + seconds(5));
    EXPECT_EQ(off->tokens_valid_from, later + milliseconds(5'001));
    const auto on = run_to_end(
        users->change(ann.id, {.email = {}, .roles = {}, .disabled = false, .expected_version = {}},
                      later + seconds(9)));
    EXPECT_FALSE(on->disabled_at);
    EXPECT_EQ(on->tokens_valid_from, later + milliseconds(5'001));
}

TEST_P(UserRepositoryTest, SomebodyCanAlwaysAdminister) {
    const auto ann = create("ann", {"admin"}).value();
    const UserChange off{.email = {}, .roles = {}, .disabled = true, .expected_version = {}};
    const UserChange demote{.email = {},
                            .roles = std::vector<std::string>{"user"},
                            .disabled = {},
                            .expected_version = {}};
    EXPECT_EQ(run_to_end(users->change(ann.id, off, now)).error().reason, "user.last_admin");
    EXPECT_EQ(run_to_end(users->change(ann.id, demote, now)).error().reason, "user.last_admin");
    const auto bob = create("bob", {"admin"}).value();
    EXPECT_TRUE(run_to_end(users->change(ann.id, off, now)));
    EXPECT_EQ(run_to_end(users->change(bob.id, demote, now)).error().reason, "user.last_admin");
}

TEST_P(UserRepositoryTest, RehashingDoesNotUndoANewPassword) {
    const auto ann = create("ann").value();
    ASSERT_TRUE(run_to_end(users->set_password(ann.id, "new", false, now + seconds(60))));
    ASSERT_TRUE(run_to_end(users->rehash(ann.id, "hash", "hash again")));
    const auto found = run_to_end(users->find_by_name("ann"));
    EXPECT_EQ(found->password_hash, "new");
    EXPECT_EQ(found->user.tokens_valid_from, now + milliseconds(60'001));
    EXPECT_EQ(run_to_end(users->set_password("nobody", "x", false, now)).error().reason,
              "user.unknown");
}

TEST_P(UserRepositoryTest, WhatVoidsTokensIsRecordedWithIt) {
    RevocationRepository revocations(*database);
    const auto ann = create("ann").value();
    EXPECT_TRUE(run_to_end(revocations.list(now, now))->empty());
    const auto off = run_to_end(
        users->change(ann.id, {.email = {}, .roles = {}, .disabled = true, .expected_version = {}},
                      now + seconds(9)));
    const auto recorded = run_to_end(revocations.list(now, now)).value();
    ASSERT_EQ(recorded.size(), 1U);
    EXPECT_EQ(recorded[0].value, "ann");
    EXPECT_EQ(recorded[0].issued_before, end_of_tokens(*off).issued_before);
}

}  // namespace
}  // namespace gh::identity

#include "identity/sign_in.hpp"

#include <ctime>

#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using crypto::Secret;
using Names = std::vector<std::string>;
using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};
constexpr auto scheme = crypto::PasswordScheme::argon2id;

class SignInTest : public testing::Test {
 protected:
    void SetUp() override {
        database = storage::open_sqlite(folder.path / "test.db", {}, observer).value();
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        users.emplace(*database);
        open_door();
        NewUser ann{
            .name = "ann",
            .email = {},
            .roles = {"user"},
            .password_hash = crypto::hash_password(scheme, Secret("correct horse")).value()};
        id = run_to_end(users->create(ann, now)).value().id;
    }
    void open_door() {
        door.emplace(
            SignIn::Parts{*users, pool, throttle, scheme, decoys(), SignInCounters(registry)});
    }
    static const Decoys& decoys() {
        static const Decoys made{crypto::decoy_hash(crypto::PasswordScheme::argon2id).value(),
                                 crypto::decoy_hash(crypto::PasswordScheme::bcrypt).value()};
        return made;
    }
    /// Of this process, all threads: others on the machine do not count.
    milliseconds cost_of(const std::string& name) {
        const auto cpu = [] {
            timespec time{};
            ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
            return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
        };
        const auto begun = cpu();
        EXPECT_FALSE(attempt(name, "wrong").user);
        return std::chrono::ceil<milliseconds>(cpu() - begun);
    }
    SignInOutcome attempt(std::string name, std::string_view password) {
        return run_to_end(door->check({std::move(name), Secret(password), "192.0.2.1"})).value();
    }

    storage::TestFolder folder;
    telemetry::Registry registry;
    storage::Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<storage::Database> database;
    std::optional<UserRepository> users;
    net::WorkPool pool{{.threads = 1, .queue_max = 4, .name = "hash"}};
    LoginThrottle throttle;
    std::optional<SignIn> door;
    std::string id;
};

TEST_F(SignInTest, AdmitsWhoKnowsThePassword) {
    const auto outcome = attempt("Ann", "correct horse");
    ASSERT_TRUE(outcome.user) << outcome.reason;
    EXPECT_EQ(outcome.user->id, id);
}

TEST_F(SignInTest, RefusesEveryoneElseAlike) {
    EXPECT_EQ(attempt("ann", "wrong").reason, "login.password");
    EXPECT_EQ(attempt("ann", "").reason, "login.password");
    EXPECT_EQ(attempt("nobody", "correct horse").reason, "login.unknown");
    EXPECT_EQ(attempt("'; --", "correct horse").reason, "login.unknown");
    ASSERT_TRUE(run_to_end(users->change(
        id, {.email = {}, .roles = {}, .disabled = true, .expected_version = {}}, now)));
    EXPECT_EQ(attempt("ann", "correct horse").reason, "login.disabled");
}

TEST_F(SignInTest, AUserWithoutPasswordCannotSignInWithOne) {
    NewUser bob{.name = "bob", .email = {}, .roles = {}, .password_hash = {}};
    ASSERT_TRUE(run_to_end(users->create(bob, now)));
    EXPECT_EQ(attempt("bob", "").reason, "login.password");
}

TEST_F(SignInTest, GuessingHasToWaitAndTheRightPasswordToo) {
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(attempt("ann", "guess").wait);
    const auto outcome = attempt("ann", "correct horse");
    EXPECT_TRUE(outcome.wait);
    EXPECT_FALSE(outcome.user);
    EXPECT_FALSE(attempt("bob", "guess").wait);
}

TEST_F(SignInTest, ReplacesAWeakHashOnTheWay) {
    // bcrypt with cost 4, of "correct horse": made elsewhere, long ago.
    const auto old_hash =
        crypto::hash_password(crypto::PasswordScheme::bcrypt, Secret("correct horse")).value();
    ASSERT_TRUE(run_to_end(users->set_password(id, old_hash, false, now)));
    ASSERT_TRUE(attempt("ann", "correct horse").user);
    const auto stored = run_to_end(users->find_by_name("ann"))->password_hash;
    EXPECT_TRUE(stored->starts_with("$argon2id$"));
    EXPECT_TRUE(attempt("ann", "correct horse").user);
}

TEST_F(SignInTest, WhoseHashIsOfWhichSchemeDoesNotShowInTheTime) {
    const auto alone = cost_of("nobody");
    NewUser old{.name = "old",
                .email = {},
                .roles = {},
                .password_hash =
                    crypto::hash_password(crypto::PasswordScheme::bcrypt, Secret("from elsewhere"))
                        .value()};
    const auto old_id = run_to_end(users->create(old, now)).value().id;
    NewUser without{.name = "without", .email = {}, .roles = {}, .password_hash = {}};
    ASSERT_TRUE(run_to_end(users->create(without, now)));
    open_door();
    const auto of_old = cost_of("old");
    for (const auto* name : {"ann", "without", "nobody", "'; --"}) {
        const auto cost = cost_of(name);
        EXPECT_LT(cost, of_old * 3 / 2) << name;
        EXPECT_GT(cost, of_old * 2 / 3) << name;
    }
    EXPECT_GT(of_old, alone * 2) << "bcrypt costs a multiple, or this test shows nothing";

    // Once they have all signed in, nobody pays for it any more.
    ASSERT_TRUE(attempt("old", "from elsewhere").user);
    EXPECT_TRUE(run_to_end(users->find_by_name("old"))->password_hash->starts_with("$argon2id$"));
    open_door();
    EXPECT_LT(cost_of("nobody") * 2, of_old);
    EXPECT_EQ(old_id, attempt("old", "from elsewhere").user->id);
}

TEST_F(SignInTest, ChangingAPasswordWantsTheOldOneAndVoidsTokens) {
    const auto change = [&](std::string_view old_one, std::string_view next) {
        return run_to_end(
            door->change_password({"ann", Secret(old_one), "192.0.2.1"}, Secret(next)));
    };
    const auto began = std::chrono::system_clock::now();
    EXPECT_EQ(change("wrong", "new one").value().reason, "login.password");
    EXPECT_EQ(change("correct horse", "correct horse").error().reason, "password.unchanged");
    EXPECT_EQ(change("correct horse", "").error().reason, "password.empty");
    ASSERT_TRUE(change("correct horse", "new one").value().user);
    EXPECT_EQ(attempt("ann", "correct horse").reason, "login.password");
    EXPECT_GT(attempt("ann", "new one").user->tokens_valid_from, began);
}

TEST_F(SignInTest, WhoLosesRightsWhileThePasswordIsLookedAtIsRefused) {
    const auto lose = [this]() -> Task<std::string> {
        std::string reason;
        bool answered = false;
        spawn([](SignIn& at, std::string& into, bool& done) -> Task<> {
            SignInAttempt attempt{"ann", Secret("correct horse"), "192.0.2.1"};
            auto outcome = co_await at.check(std::move(attempt));
            into = outcome ? outcome->reason : outcome.error().reason;
            done = true;
        }(*door, reason, answered));
        auto& loop = *net::Loop::current();
        co_await net::Sleep(loop, milliseconds(5));  // the name was looked up: it is hashed now
        UserChange change{
            .email = {}, .roles = Names{"guest"}, .disabled = {}, .expected_version = {}};
        EXPECT_TRUE(co_await users->change(id, std::move(change), now + seconds(9)));
        while (!answered) co_await net::Sleep(loop, milliseconds(5));
        co_return reason;
    };
    EXPECT_EQ(run_to_end(lose()), "login.changed");
    EXPECT_TRUE(attempt("ann", "correct horse").user);
}

}  // namespace
}  // namespace gh::identity

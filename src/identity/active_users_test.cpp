#include "identity/active_users.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gh::identity {
namespace {

using access::Principal;
using access::PrincipalType;

const SystemTime now{seconds(1'700'000'000)};

struct Ended final : access::Revocations {
    [[nodiscard]] bool covers(const Principal& principal) const override {
        return tokens.contains(principal.token_id);
    }
    std::set<std::string> tokens;
};

class ActiveUsersTest : public testing::Test {
 protected:
    void saw(std::string subject, std::string token, seconds good_for,
             PrincipalType type = PrincipalType::user, std::string issuer = "https://a") {
        auto principal = std::make_shared<Principal>();
        principal->type = type;
        principal->subject = std::move(subject);
        principal->issuer = std::move(issuer);
        principal->token_id = std::move(token);
        if (good_for > seconds(0)) principal->expires = now + good_for;
        users.saw(principal);
    }
    std::size_t count(seconds later = seconds(0)) { return users.count(ended, now + later); }

    ActiveUsers users;
    Ended ended;
};

TEST_F(ActiveUsersTest, CountsPeopleNotTokens) {
    EXPECT_EQ(count(), 0);
    saw("ann", "1", seconds(60));
    saw("ann", "1", seconds(60));
    saw("ann", "2", seconds(90));
    saw("bob", "3", seconds(60));
    EXPECT_EQ(count(), 2);
    saw("ann", "4", seconds(60), PrincipalType::user, "https://b");
    EXPECT_EQ(count(), 3) << "the same name elsewhere is somebody else";
}

TEST_F(ActiveUsersTest, ProgramsAndWhatHasNoEndAreNobody) {
    saw("a", "1", seconds(60), PrincipalType::service);
    saw("b", "2", seconds(60), PrincipalType::delegated);
    saw("c", "3", seconds(60), PrincipalType::api_key);
    saw("d", "4", seconds(0));
    saw("", "5", seconds(60));
    EXPECT_EQ(count(), 0);
}

TEST_F(ActiveUsersTest, WhoSignsOutOrExpiresIsOver) {
    saw("ann", "1", seconds(60));
    saw("ann", "2", seconds(90));
    saw("bob", "3", seconds(60));
    ended.tokens = {"3", "2"};
    EXPECT_EQ(count(), 1) << "ann is signed in elsewhere as well";
    EXPECT_EQ(count(seconds(59)), 1);
    EXPECT_EQ(count(seconds(60)), 0);
    EXPECT_EQ(count(), 0) << "what is over is forgotten";
}

TEST_F(ActiveUsersTest, OfManyTokensTheLongestStay) {
    for (int i = 1; i <= 100; ++i) saw("ann", std::to_string(i), seconds(i));
    EXPECT_EQ(count(seconds(99)), 1);
    EXPECT_EQ(count(seconds(100)), 0);
}

TEST_F(ActiveUsersTest, HasABound) {
    for (std::size_t i = 0; i < ActiveUsers::users_max + 20'000; ++i)
        saw("user" + std::to_string(i), "t", seconds(60));
    EXPECT_LE(count(), ActiveUsers::users_max);
    EXPECT_GT(count(), ActiveUsers::users_max * 9 / 10);
    EXPECT_EQ(count(seconds(60)), 0);
    saw("ann", "1", seconds(90));
    EXPECT_EQ(count(seconds(60)), 1) << "there is room again";
}

}  // namespace
}  // namespace gh::identity

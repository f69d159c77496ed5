#include <gtest/gtest.h>

#include "vault/rotation/rotation_testing.hpp"

namespace gh::vault::rotation {
namespace {

class RotationRuleTest : public RotationsTest {};

INSTANTIATE_TEST_SUITE_P(Engines, RotationRuleTest, storage::both_engines, storage::engine_name);

TEST_P(RotationRuleTest, ARuleIsMadeChangedAndEnded) {
    const auto made = set("team/new", rule());
    EXPECT_EQ(made.due_at, at(0)) << "there is no version yet";
    ASSERT_TRUE(put("team/old", "{}"));
    EXPECT_EQ(set("team/old", rule()).due_at, at(1'000));
    auto changed = rule();
    changed.every = seconds(0);
    EXPECT_FALSE(set("team/old", changed).due_at);
    EXPECT_EQ(find("team/old").revision, 2);
    EXPECT_EQ(find("team/old").rule, changed);
    const auto all = run_to_end(rotations().list({.after = "team/new", .limit = 10})).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].path, "team/old");
    EXPECT_EQ(run_to_end(rotations().paths()).value(),
              (std::vector<std::string>{"team/new", "team/old"}));
    ASSERT_TRUE(run_to_end(rotations().remove("team/old", false, at(1))));
    EXPECT_EQ(reason(run_to_end(rotations().find("team/old"))), "rotation.unknown");
    EXPECT_EQ(reason(run_to_end(rotations().remove("team/old", true, at(1)))), "rotation.unknown");
    EXPECT_EQ(reason(run_to_end(rotations().set("team//x", rule(), at(0)))), "secret.path");
    ASSERT_TRUE(run_to_end(secrets().forget("team/new", at(1))));
    EXPECT_EQ(reason(run_to_end(rotations().find("team/new"))), "rotation.unknown");
}

TEST_P(RotationRuleTest, ARoleOfAServerHasOneRule) {
    storage::PostgresUrl server;
    server.user = "changer";
    server.host = "db.example";
    server.database = "app";
    const auto try_set = [&](const std::string& path, std::vector<std::string> roles) {
        auto wanted = rule();
        wanted.generator.kind = Kind::postgresql;
        wanted.generator.connection = "vault:changer";
        wanted.generator.roles = std::move(roles);
        return reason(run_to_end(rotations().set(path, wanted, at(0), {}, server)));
    };
    EXPECT_EQ(try_set("one", {"a", "b"}), "");
    EXPECT_EQ(find("one").server, storage::text_of(server));
    EXPECT_EQ(try_set("one", {"a", "c"}), "") << "its own";
    EXPECT_EQ(try_set("two", {"c", "d"}), "rotation.role_taken");
    EXPECT_EQ(reason(run_to_end(rotations().find("two"))), "rotation.unknown")
        << "all of it or nothing";
    EXPECT_EQ(try_set("two", {"b", "d"}), "");
    EXPECT_EQ(try_set("one", {"a", "d"}), "rotation.role_taken");
    server.database = "another";
    EXPECT_EQ(try_set("three", {"a", "e"}), "rotation.role_taken")
        << "roles are of the whole server";
    server.port = 5433;
    EXPECT_EQ(try_set("three", {"a", "e"}), "");
    ASSERT_TRUE(run_to_end(rotations().remove("two", false, at(1))));
    server.port = 5432;
    EXPECT_EQ(try_set("four", {"b", "d"}), "");
}

TEST_P(RotationRuleTest, WhatCannotSucceedIsMadeAnewAsItIsMeantNow) {
    set("db", rule());
    const auto claimed = claim("db", 0);
    ASSERT_TRUE(run_to_end(rotations().begin(*claimed, candidate("new"), at(0))));
    auto meant = rule();
    meant.generator.length = 64;
    EXPECT_EQ(reason(run_to_end(rotations().set("db", meant, at(1)))), "rotation.in_progress");
    const Error wrong{ErrorKind::invalid_argument, "rotation.connection", "misspelled"};
    ASSERT_TRUE(run_to_end(rotations().fail_step(*claimed, wrong, at(2))));
    EXPECT_EQ(set("db", meant, 3).state, State::idle);
    const auto again = claim("db", 2'000);
    ASSERT_TRUE(again && again->step == Step::begin);
    EXPECT_EQ(again->rotation.rule.generator.length, 64U);
    EXPECT_FALSE(run_to_end(rotations().values(*again, at(3))).value().pending);
}

TEST_P(RotationRuleTest, WhoeverWorksByTheRuleBeforeHasItNoLonger) {
    set("db", rule());
    const auto claimed = claim("db", 0);
    ASSERT_TRUE(claimed && claimed->step == Step::begin);
    auto sooner = rule();
    sooner.every = seconds(500);
    set("db", sooner, 1);
    ASSERT_TRUE(run_to_end(rotations().extend(*claimed, at(1)))) << "the same value is meant";
    auto other = rule();
    other.generator.kind = Kind::postgresql;
    other.generator.connection = "vault:changer";
    other.generator.roles = {"a", "b"};
    set("db", other, 2);
    EXPECT_EQ(reason(run_to_end(rotations().begin(*claimed, candidate("new"), at(2)))),
              "rotation.lost");
    const auto again = claim("db", 2'000);
    ASSERT_TRUE(again && again->step == Step::begin);
    EXPECT_EQ(again->rotation.rule, other);
}

TEST_P(RotationRuleTest, APasswordThatAServerMayHaveIsKept) {
    auto wanted = rule();
    wanted.overlap = wanted.hold_max = seconds(0);
    wanted.generator.kind = Kind::postgresql;
    wanted.generator.connection = "vault:changer";
    wanted.generator.roles = {"a"};
    auto other = wanted;
    other.generator.length = 64;
    ASSERT_TRUE(put("db", R"({"value":"old","host":"h"})"));
    for (const bool removes : {false, true}) {
        set("db", wanted, 0);
        const auto claimed = claim("db", 100'000);
        ASSERT_TRUE(claimed);
        ASSERT_TRUE(run_to_end(rotations().begin(*claimed, candidate("new"), at(100'000))));
        if (removes) {
            ASSERT_TRUE(run_to_end(rotations().remove("db", true, at(100'001))));
        } else {
            EXPECT_EQ(set("db", other, 100'016).state, State::idle);
            ASSERT_TRUE(run_to_end(rotations().remove("db", false, at(100'016))));
        }
        EXPECT_EQ(value("db"), R"({"value":"old","host":"h"})");
        const std::uint64_t kept = removes ? 4 : 2;
        EXPECT_EQ(value("db", kept), "(none)");
        ASSERT_TRUE(run_to_end(secrets().restore("db", {kept}, at(100'020))));
        EXPECT_EQ(value("db", kept), R"({"value":"new","host":"h"})");
    }
}

}  // namespace
}  // namespace gh::vault::rotation

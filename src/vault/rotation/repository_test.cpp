#include "vault/rotation/repository.hpp"

#include <gtest/gtest.h>

#include "vault/rekey.hpp"
#include "vault/rotation/rotation_testing.hpp"
#include "vault/rotation/uses.hpp"

namespace gh::vault::rotation {
namespace {

class RotationRepositoryTest : public RotationsTest {};

INSTANTIATE_TEST_SUITE_P(Engines, RotationRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(RotationRepositoryTest, NobodyReadsWhatIsPending) {
    ASSERT_TRUE(put("db", R"({"value":"old","host":"h"})"));
    set("db", rule());
    const auto claimed = claim("db", 1'000);
    ASSERT_TRUE(claimed);
    const auto pending = run_to_end(rotations().begin(*claimed, candidate("new"), at(1'000)));
    ASSERT_TRUE(pending) << describe(pending.error());
    EXPECT_EQ(pending->state, State::pending);
    EXPECT_EQ(value("db"), R"({"value":"old","host":"h"})");
    EXPECT_EQ(reason(get("db", 2)), "secret.unknown");
    const auto done = run_to_end(rotations().promote(*claimed, at(1'001))).value();
    EXPECT_EQ(done.state, State::overlap);
    EXPECT_EQ(done.current_version, 2U);
    EXPECT_EQ(done.previous_version, 1U);
    EXPECT_EQ(done.due_at, at(2'001));
    EXPECT_EQ(done.wake_at, at(1'101));
    EXPECT_EQ(value("db", 2), R"({"value":"new","host":"h"})");
    EXPECT_EQ(value("db", 1), R"({"value":"old","host":"h"})") << "good still";
    const auto told = runs("db");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].state, RunState::succeeded);
    EXPECT_EQ(told[0].version, 2U);
}

TEST_P(RotationRepositoryTest, OneHasItUntilTheClaimEnds) {
    set("db", rule());
    const auto first = claim("db", 0);
    ASSERT_TRUE(first);
    ASSERT_TRUE(run_to_end(rotations().begin(*first, candidate("new"), at(0))));
    EXPECT_FALSE(claim("db", 1));
    EXPECT_TRUE(run_to_end(rotations().due(at(1))).value().empty());
    ASSERT_TRUE(run_to_end(rotations().extend(*first, at(10))));
    EXPECT_FALSE(claim("db", 20));
    EXPECT_EQ(run_to_end(rotations().due(at(30))).value(), std::vector<std::string>{"db"});
    const auto second = claim("db", 30);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->step, Step::apply) << "it goes on with what is pending";
    for (const auto& lost :
         {reason(run_to_end(rotations().promote(*first, at(31)))),
          reason(run_to_end(rotations().extend(*first, at(31)))),
          reason(run_to_end(rotations().fail_step(
              *first, {ErrorKind::unavailable, "storage.connection", "away"}, at(31)))),
          reason(run_to_end(rotations().values(*first, at(31))))})
        EXPECT_EQ(lost, "rotation.lost");
    const auto values = run_to_end(rotations().values(*second, at(31))).value();
    EXPECT_EQ(crypto::text_of(values.pending->bytes()), R"({"value":"new"})");
    EXPECT_FALSE(values.newest);
    ASSERT_TRUE(run_to_end(rotations().promote(*second, at(31))));
    EXPECT_EQ(value("db"), R"({"value":"new"})");
    const auto told = runs("db");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].state, RunState::succeeded);
    EXPECT_EQ(told[1].state, RunState::interrupted);
}

TEST_P(RotationRepositoryTest, AnOverlapEndsAndTheVersionBeforeWithIt) {
    ASSERT_TRUE(put("db", R"({"value":"1"})"));
    set("db", rule());
    rotate("db", "2", 1'000);
    EXPECT_EQ(reason(run_to_end(rotations().ask_for("db", at(1'001)))), "rotation.in_progress");
    EXPECT_EQ(reason(run_to_end(rotations().remove("db", false, at(1)))), "rotation.in_progress");
    auto other = rule();
    other.generator.field = "other";
    EXPECT_EQ(reason(run_to_end(rotations().set("db", other, at(1'001)))), "rotation.in_progress");
    EXPECT_FALSE(claim("db", 1'099));
    const auto claimed = claim("db", 1'100);
    ASSERT_TRUE(claimed && claimed->step == Step::retire);
    const auto done = run_to_end(rotations().retire(*claimed, at(1'100))).value();
    EXPECT_EQ(done.state, State::idle);
    EXPECT_EQ(done.wake_at, at(2'000));
    EXPECT_EQ(value("db", 1), "(none)");
    ASSERT_TRUE(run_to_end(secrets().restore("db", {1}, at(1'101))));
    EXPECT_EQ(value("db", 1), R"({"value":"1"})") << "as any deleted version";
    EXPECT_EQ(value("db"), R"({"value":"2"})");
}

TEST_P(RotationRepositoryTest, AReaderThatHasNotMovedHoldsIt) {
    ASSERT_TRUE(put("db", R"({"value":"1"})"));
    set("db", rule());
    use("db", "user:ada", 1, 900);
    use("db", "user:bob", 1, 900);
    use("nobody/rotates/this", "user:bob", 1, 900);
    rotate("db", "2", 1'000);
    use("db", "user:bob", 2, 1'001);
    use("db", "user:bob", 1, 1'000);  // from another node, late
    EXPECT_FALSE(claim("db", 1'100)) << "other nodes may have news";
    const auto claimed = claim("db", 1'105);
    ASSERT_TRUE(claimed && claimed->step == Step::hold);
    const auto held = run_to_end(rotations().hold(*claimed, at(1'105))).value();
    EXPECT_EQ(held.state, State::held);
    EXPECT_EQ(held.held_until, at(1'305));
    EXPECT_EQ(run_to_end(rotations().overview(at(1'105))).value().held, 1);
    EXPECT_FALSE(claim("db", 1'110));
    EXPECT_EQ(find("db").wake_at, at(1'115));
    use("db", "user:ada", 2, 1'111);
    const auto moved = claim("db", 1'115);
    ASSERT_TRUE(moved && moved->step == Step::retire);
    const auto seen = run_to_end(rotations().consumers("db")).value();
    EXPECT_EQ(seen,
              (std::vector<Consumer>{{"user:ada", 2, at(1'111)}, {"user:bob", 2, at(1'001)}}));
    ASSERT_TRUE(run_to_end(rotations().forget_consumer("db", "user:ada")));
    EXPECT_EQ(reason(run_to_end(rotations().forget_consumer("db", "user:ada"))),
              "rotation.consumer");
}

TEST_P(RotationRepositoryTest, AHoldIsRolledBack) {
    auto wanted = rule();
    wanted.after_hold = AfterHold::roll_back;
    ASSERT_TRUE(put("db", R"({"value":"1"})"));
    set("db", wanted);
    use("db", "user:ada", 1, 900);
    rotate("db", "2", 1'000);
    const auto held = claim("db", 1'105);
    ASSERT_TRUE(held);
    ASSERT_TRUE(run_to_end(rotations().hold(*held, at(1'105))));
    const auto claimed = claim("db", 1'305);
    ASSERT_TRUE(claimed && claimed->step == Step::roll_back);
    const auto back = run_to_end(rotations().roll_back(*claimed, at(1'305))).value();
    EXPECT_EQ(back.current_version, 3U);
    EXPECT_EQ(back.previous_version, 2U);
    EXPECT_TRUE(back.rolled_back);
    EXPECT_EQ(back.state, State::overlap);
    EXPECT_EQ(back.due_at, at(2'305));
    EXPECT_EQ(value("db"), R"({"value":"1"})");
    EXPECT_EQ(value("db", 2), R"({"value":"2"})") << "for those who have moved";
    EXPECT_EQ(reason(run_to_end(rotations().judge("db", Verdict::roll_back, at(1'306)))),
              "rotation.in_progress");
    const auto end = claim("db", 1'405);
    ASSERT_TRUE(end && end->step == Step::retire) << "no hold upon a hold";
    ASSERT_TRUE(run_to_end(rotations().retire(*end, at(1'405))));
    EXPECT_EQ(value("db", 2), "(none)");
    EXPECT_EQ(reason(run_to_end(rotations().judge("db", Verdict::proceed, at(1'406)))),
              "rotation.in_progress");
}

TEST_P(RotationRepositoryTest, NobodyTakesBackWhatIsAboutToEnd) {
    ASSERT_TRUE(put("db", R"({"value":"1"})"));
    set("db", rule());
    rotate("db", "2", 1'000);
    const auto first = claim("db", 1'100);
    ASSERT_TRUE(first && first->step == Step::retire);
    // Its server may have done it; then whoever was about it is gone.
    for (const auto verdict : {Verdict::roll_back, Verdict::proceed})
        EXPECT_EQ(reason(run_to_end(rotations().judge("db", verdict, at(1'101)))),
                  "rotation.in_progress");
    auto changed = rule();
    changed.after_hold = AfterHold::roll_back;
    changed.consumers = {"user:nobody"};
    EXPECT_EQ(set("db", changed, 1'102).state, State::retiring);
    const auto second = claim("db", 1'116);
    ASSERT_TRUE(second && second->step == Step::retire) << "it goes on with that alone";
    const Error unknown{ErrorKind::unavailable, "storage.commit_unknown", "who knows"};
    EXPECT_EQ(run_to_end(rotations().fail_step(*second, unknown, at(1'116))).value().state,
              State::retiring);
}

TEST_P(RotationRepositoryTest, WhatIsGoneIsNotRolledBackTo) {
    ASSERT_TRUE(put("db", R"({"value":"1"})"));
    set("db", rule());
    rotate("db", "2", 1'000);
    ASSERT_TRUE(run_to_end(secrets().destroy("db", {1}, at(1'001))));
    ASSERT_TRUE(run_to_end(rotations().judge("db", Verdict::roll_back, at(1'002))));
    const auto claimed = claim("db", 1'002);
    ASSERT_TRUE(claimed && claimed->step == Step::roll_back);
    const auto failed = run_to_end(rotations().roll_back(*claimed, at(1'002)));
    ASSERT_EQ(reason(failed), "rotation.gone");
    ASSERT_TRUE(run_to_end(rotations().fail_step(*claimed, failed.error(), at(1'002))));
    const auto end = claim("db", 1'007);
    ASSERT_TRUE(end && end->step == Step::retire);
    EXPECT_EQ(run_to_end(rotations().retire(*end, at(1'007))).value().state, State::idle);
    EXPECT_EQ(value("db"), R"({"value":"2"})");
}

TEST_P(RotationRepositoryTest, WhatFailsIsTriedAgainLaterAndLater) {
    set("db", rule());
    int now = 0;
    for (const int pause : {5, 10, 20}) {
        const auto claimed = claim("db", now);
        ASSERT_TRUE(claimed) << now;
        const Error away{ErrorKind::unavailable, "storage.connection", "caf\xe9 is away"};
        const auto failed = run_to_end(rotations().fail_step(*claimed, away, at(now))).value();
        EXPECT_EQ(failed.wake_at, at(now + pause));
        EXPECT_FALSE(claim("db", now + pause - 1));
        now += pause;
    }
    EXPECT_EQ(find("db").failures, 3U);
    EXPECT_EQ(find("db").error, "storage.connection: caf is away");
    auto seen = run_to_end(rotations().overview(at(now))).value();
    EXPECT_EQ(seen.failing, 1);
    EXPECT_EQ(seen.overdue, 1);
    EXPECT_FALSE(seen.last_success);
    rotate("db", "1", now);
    EXPECT_EQ(find("db").failures, 0U);
    seen = run_to_end(rotations().overview(at(now))).value();
    EXPECT_EQ(seen.failing, 0);
    EXPECT_EQ(seen.overdue, 0);
    EXPECT_EQ(seen.last_success, at(now));
    EXPECT_EQ(runs("db").front().attempt, 4U);
    EXPECT_EQ(runs("db").back().reason, "storage.connection");
}

TEST_P(RotationRepositoryTest, WhatWasMadeForTheWrongRoleIsGivenUp) {
    set("db", rule());
    const auto claimed = claim("db", 0);
    ASSERT_TRUE(run_to_end(rotations().begin(*claimed, candidate("new"), at(0))));
    const Error changed{ErrorKind::conflict, "rotation.changed", "by hand"};
    ASSERT_TRUE(run_to_end(rotations().fail_step(*claimed, changed, at(1))));
    const auto again = claim("db", 6);
    ASSERT_TRUE(again && again->step == Step::begin);
    EXPECT_FALSE(run_to_end(rotations().values(*again, at(6))).value().pending);
}

TEST_P(RotationRepositoryTest, WhatNoVersionCouldHoldIsNotMade) {
    ASSERT_TRUE(put("db", R"({"host":")" + std::string(secret_bytes_max - 20, 'h') + "\"}"));
    set("db", rule());
    const auto claimed = claim("db", 1'000);
    ASSERT_TRUE(claimed);
    EXPECT_EQ(reason(run_to_end(rotations().begin(*claimed, candidate("new"), at(1'000)))),
              "secret.too_long");
    EXPECT_EQ(find("db").state, State::idle);
}

TEST_P(RotationRepositoryTest, TheLastHundredTriesAreKept) {
    auto wanted = rule();
    wanted.overlap = wanted.hold_max = seconds(0);
    wanted.every = seconds(1);
    set("db", wanted);
    for (int i = 0; i < 60; ++i) {
        rotate("db", std::to_string(i), i);
        const auto end = claim("db", i);
        if (!end) continue;
        ASSERT_TRUE(run_to_end(rotations().retire(*end, at(i))));
    }
    const auto all = runs("db");
    ASSERT_EQ(all.size(), 100U);
    EXPECT_TRUE(std::ranges::is_sorted(all, std::ranges::greater(), &rotation::Run::id));
    const auto page = run_to_end(rotations().runs("db", all[9].id, 10)).value();
    EXPECT_EQ(page.front().id, all[10].id);
    EXPECT_EQ(value("db"), R"({"value":"59"})");
}

TEST_P(RotationRepositoryTest, ReadersAreCountedUpToALimit) {
    set("db", rule());
    std::vector<Use> uses;
    for (int i = 0; i <= consumers_kept; ++i)
        uses.push_back({"db", "user:" + std::to_string(i), 1, at(0)});
    ASSERT_TRUE(run_to_end(rotations().note_uses(uses)));
    EXPECT_EQ(run_to_end(rotations().consumers("db")).value().size(),
              static_cast<std::size_t>(consumers_kept));
    use("db", "user:1", 7, 1);
    use("db", "user:1", 6, 2);  // once more an old one
    const auto seen = run_to_end(rotations().consumers("db")).value();
    EXPECT_EQ(std::ranges::find(seen, "user:1", &Consumer::name)->version, 7U);
    const int month = 31 * 24 * 3'600;
    use("db", "user:new", 1, month);
    const auto later = run_to_end(rotations().consumers("db")).value();
    ASSERT_EQ(later.size(), 1U) << "who was not seen for so long makes room";
    EXPECT_EQ(later[0].name, "user:new");
}

TEST_P(RotationRepositoryTest, AChangeOfTheDataKeyTakesWhatIsPendingAlong) {
    set("db", rule());
    const auto claimed = claim("db", 0);
    ASSERT_TRUE(run_to_end(rotations().begin(*claimed, candidate("new"), at(0))));
    Rekey rekey(*database, keyring_);
    ASSERT_TRUE(run_to_end(rekey.begin(at(1))));
    EXPECT_EQ(run_to_end(rekey.state()).value().waiting, 1U);
    for (std::optional<RekeyPosition> after(std::in_place); after;)
        after = run_to_end(rekey.step(*after, at(1))).value().next;
    EXPECT_EQ(run_to_end(rekey.state()).value().waiting, 0U);
    EXPECT_EQ(run_to_end(rekey.finish()).value(), 1U);
    ASSERT_TRUE(run_to_end(rotations().promote(*claimed, at(2))));
    EXPECT_EQ(value("db"), R"({"value":"new"})");
}

TEST_P(RotationRepositoryTest, UsesAreGatheredAndKeptUntilTheyAreWritten) {
    set("db", rule());
    Uses uses;
    access::Principal ada{.type = access::PrincipalType::user, .subject = "ada"};
    uses.note("db", ada, 1, at(0));
    uses.watch({"db"});
    uses.note("other", ada, 1, at(0));
    auto store = rotations();
    ASSERT_TRUE(run_to_end(uses.write(store)));
    EXPECT_TRUE(run_to_end(rotations().consumers("db")).value().empty());
    uses.note("db", ada, 1, at(1));
    storage::Sometimes sometimes(*database);
    sometimes.away = true;
    Repository away(sometimes, keyring_);
    EXPECT_FALSE(run_to_end(uses.write(away)));
    uses.note("db", ada, 2, at(2));
    ASSERT_TRUE(run_to_end(uses.write(store)));
    EXPECT_EQ(run_to_end(rotations().consumers("db")).value(),
              (std::vector<Consumer>{{"user:ada", 2, at(2)}}));
    ada.subject = std::string(consumer_bytes_max, 'x') + "\xc3\xa4";
    EXPECT_EQ(consumer_of(ada).size(), consumer_bytes_max);
}

}  // namespace
}  // namespace gh::vault::rotation

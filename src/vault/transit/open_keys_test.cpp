#include "vault/transit/open_keys.hpp"

#include "vault/transit/testing.hpp"

namespace gh::vault::transit {
namespace {

using storage::run_to_end;

class OpenKeysTest : public TransitTest {
 protected:
    void SetUp() override {
        TransitTest::SetUp();
        if (IsSkipped()) return;
        counted_.emplace(*database);
        repository_.emplace(*counted_, keyring_);
        open_.emplace(*repository_, [this] { return now_; });
    }
    std::uint32_t latest(OpenKeys::Age age = OpenKeys::Age::fresh) {
        const auto facts = run_to_end(open_->facts("a", age));
        return facts ? (*facts)->latest : 0;
    }
    std::size_t opened(std::set<std::uint32_t> versions) {
        const auto facts = run_to_end(open_->facts("a")).value();
        return run_to_end(open_->materials(facts, std::move(versions)))->size();
    }
    int asked() { return std::exchange(counted_->asked, 0); }

    SteadyTime now_{};
    std::optional<storage::Sometimes> counted_;
    std::optional<Repository> repository_;
    std::optional<OpenKeys> open_;
};

INSTANTIATE_TEST_SUITE_P(Engines, OpenKeysTest, storage::both_engines, storage::engine_name);

TEST_P(OpenKeysTest, AsksTheDatabaseOnce) {
    ASSERT_TRUE(create("a"));
    ASSERT_TRUE(rotate("a"));
    EXPECT_EQ(opened({2}), 1U);
    EXPECT_EQ(asked(), 2);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(opened({2}), 1U);
    EXPECT_EQ(asked(), 0);
    EXPECT_EQ(opened({1, 2, 3}), 2U) << "of three versions there are two";
    EXPECT_EQ(asked(), 1);
    EXPECT_EQ(opened({1, 2}), 2U);
    EXPECT_EQ(asked(), 0);
    EXPECT_EQ(reason(run_to_end(open_->facts("other"))), "transit.unknown");
}

TEST_P(OpenKeysTest, HearsOfAnotherNodesChangesInTimeOrWhenAsked) {
    ASSERT_TRUE(create("a"));
    EXPECT_EQ(latest(), 1U);
    ASSERT_TRUE(rotate("a"));  // beside it
    EXPECT_EQ(latest(), 1U);
    EXPECT_EQ(latest(OpenKeys::Age::now), 2U);
    EXPECT_EQ(latest(), 2U);
    ASSERT_TRUE(rotate("a"));
    now_ += OpenKeys::fresh_for - milliseconds(1);
    EXPECT_EQ(latest(), 2U);
    now_ += milliseconds(1);
    EXPECT_EQ(latest(), 3U);
    ASSERT_TRUE(rotate("a"));
    open_->forget("a");
    EXPECT_EQ(latest(), 4U);
}

TEST_P(OpenKeysTest, TellsAKeyFromAnotherByItsName) {
    ASSERT_TRUE(create("a"));
    const auto before = run_to_end(open_->facts("a")).value();
    const auto material = [&](const SharedFacts& facts) {
        return run_to_end(open_->materials(facts, {1}));
    };
    const auto first = material(before)->at(1);
    ASSERT_TRUE(configure("a", {.deletion_allowed = true}));
    ASSERT_TRUE(run_to_end(keys().remove("a")));
    ASSERT_TRUE(create("a"));
    EXPECT_EQ(material(before)->at(1), first) << "as fresh as that";
    const auto after = run_to_end(open_->facts("a", OpenKeys::Age::now)).value();
    EXPECT_NE(material(after)->at(1), first);
    EXPECT_EQ(reason(material(before)), "transit.changed");
}

TEST_P(OpenKeysTest, OpensWhatIsNamedAndNothingBetween) {
    ASSERT_TRUE(create("a"));
    ASSERT_TRUE(rotate("a") && rotate("a"));
    ASSERT_TRUE(
        sql("UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions "
            "WHERE version = 1) WHERE version = 2"));
    EXPECT_EQ(opened({1, 3}), 2U);
    const auto facts = run_to_end(open_->facts("a")).value();
    EXPECT_EQ(reason(run_to_end(open_->materials(facts, {1, 2, 3}))), "barrier.open");
}

TEST_P(OpenKeysTest, KeepsNothingForOtherUses) {
    for (const auto* change :
         {"type = 'chacha20-poly1305'", "type = 'ed25519'", "derived = NOT derived"}) {
        SCOPED_TRACE(change);
        ASSERT_TRUE(sql("DELETE FROM transit_keys"));
        open_->forget("a");
        ASSERT_TRUE(create("a"));
        EXPECT_EQ(opened({1}), 1U);
        const auto before = run_to_end(open_->facts("a")).value();
        ASSERT_TRUE(sql("UPDATE transit_keys SET " + std::string(change)));
        const auto after = run_to_end(open_->facts("a", OpenKeys::Age::now)).value();
        EXPECT_EQ(reason(run_to_end(open_->materials(after, {1}))), "barrier.open");
        // Nor does who is late give what it has to those who know.
        EXPECT_EQ(reason(run_to_end(open_->materials(before, {1}))), "barrier.open");
        EXPECT_EQ(reason(run_to_end(open_->materials(after, {1}))), "barrier.open");
    }
}

TEST_P(OpenKeysTest, GoesOnWhenAKeyBecomesExportable) {
    ASSERT_TRUE(create("a"));
    const auto before = run_to_end(open_->facts("a")).value();
    ASSERT_TRUE(configure("a", {.becomes_exportable = true}));  // beside it
    EXPECT_EQ(run_to_end(open_->materials(before, {1}))->size(), 1U);
    const auto after = run_to_end(open_->facts("a", OpenKeys::Age::now)).value();
    EXPECT_EQ(run_to_end(open_->materials(after, {1}))->size(), 1U);
}

TEST_P(OpenKeysTest, KeepsNoMoreThanItMay) {
    ASSERT_TRUE(create("a"));
    const auto many = static_cast<std::uint32_t>(OpenKeys::versions_max) + 2;
    std::set<std::uint32_t> all{1};
    for (std::uint32_t version = 2; version <= many; ++version) {
        ASSERT_TRUE(rotate("a"));
        all.insert(version);
    }
    EXPECT_EQ(opened(all), many);
    EXPECT_EQ(asked(), 2);
    EXPECT_EQ(opened({many}), 1U);
    EXPECT_EQ(asked(), 0) << "the newest stay";
    EXPECT_EQ(opened({1}), 1U);
    EXPECT_EQ(asked(), 1);
}

}  // namespace
}  // namespace gh::vault::transit

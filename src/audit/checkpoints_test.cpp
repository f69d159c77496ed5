#include "audit/checkpoints.hpp"

#include <map>

#include "audit/testing.hpp"

namespace gh::audit {
namespace {

using storage::run_to_end;

class MemoryKeys final : public crypto::KeyStore {
 public:
    Result<crypto::Secret> load(std::string_view name) override {
        const auto found = kept.find(name);
        if (found == kept.end()) return fail(ErrorKind::not_found, "key_store.absent");
        return found->second.copy();
    }
    Result<void> store(std::string_view name, const crypto::Secret& value) override {
        if (full) return fail(ErrorKind::unavailable, "key_store.io");
        kept.insert_or_assign(std::string(name), value.copy());
        return {};
    }
    std::map<std::string, crypto::Secret, std::less<>> kept;
    bool full = false;
};

TEST(AuditLogKey, IsMadeOnceAndKept) {
    MemoryKeys keys;
    const auto first = open_log_key(keys, "gatehouse/audit").value();
    EXPECT_TRUE(keys.kept.contains("audit-log-key"));
    const auto second = open_log_key(keys, "gatehouse/audit").value();
    EXPECT_EQ(first.verifier().text(), second.verifier().text());
    EXPECT_NE(open_log_key(keys, "other").value().verifier().id(), first.verifier().id());
}

TEST(AuditLogKey, IsNotUsedWhenItCannotBeKeptOrRead) {
    MemoryKeys full;
    full.full = true;
    EXPECT_EQ(open_log_key(full, "gatehouse/audit").error().reason, "key_store.io");
    MemoryKeys damaged;
    damaged.kept.insert_or_assign("audit-log-key", crypto::Secret::random(32));
    EXPECT_EQ(open_log_key(damaged, "gatehouse/audit").error().reason, "audit.key");
    MemoryKeys keys;
    EXPECT_EQ(open_log_key(keys, "two words").error().reason, "note.name");
}

class CheckpointsTest : public LogTest {
 protected:
    CheckpointSigner signer(std::optional<Checkpoint> known = {}) {
        return {*database, open_log_key(keys, "gatehouse/audit").value(), std::move(known)};
    }
    static Result<CheckpointSigner::State> sign(CheckpointSigner& with, SystemTime when = now) {
        return run_to_end(with.sign(when));
    }
    std::size_t count() {
        auto all = [](storage::Session& session) {
            return list_checkpoints(session, std::nullopt, 100);
        };
        return run_to_end(database->read(all)).value().size();
    }
    MemoryKeys keys;
};
INSTANTIATE_TEST_SUITE_P(Engines, CheckpointsTest, storage::both_engines, storage::engine_name);

TEST_P(CheckpointsTest, AreMadeWhenTheLogHasGrown) {
    auto ours = signer();
    const auto empty = sign(ours).value();
    EXPECT_EQ(empty.records, 0U);
    EXPECT_FALSE(empty.newest);
    EXPECT_EQ(count(), 0U);

    append_some(5);
    const auto first = sign(ours).value();
    EXPECT_EQ(first.records, 5U);
    const auto opened = open_checkpoint(first.newest->note, ours.verifier()).value();
    EXPECT_EQ(opened, first.newest->checkpoint);
    EXPECT_EQ(opened.size, 5U);
    EXPECT_EQ(opened.time, now);

    EXPECT_EQ(sign(ours, now + seconds(60)).value().newest->note, first.newest->note);
    EXPECT_EQ(count(), 1U);
    append_some(600);
    EXPECT_EQ(sign(ours).value().newest->checkpoint.size, 605U);
    EXPECT_EQ(count(), 2U);
}

TEST_P(CheckpointsTest, GoOnAfterARestart) {
    append_some(3);
    {
        auto ours = signer();
        ASSERT_TRUE(sign(ours));
    }
    append_some(3);
    auto again = signer();
    EXPECT_EQ(sign(again).value().newest->checkpoint.size, 6U);
}

TEST_P(CheckpointsTest, AreNotMadeWithAnotherKeyThanTheLogHas) {
    append_some(3);
    auto ours = signer();
    ASSERT_TRUE(sign(ours));
    append_some(1);
    MemoryKeys others;
    CheckpointSigner other(*database, open_log_key(others, "gatehouse/audit").value(), {});
    EXPECT_EQ(sign(other).error().reason, "audit.other_key");
    EXPECT_EQ(count(), 1U);
}

TEST_P(CheckpointsTest, AreNotMadeOfALogThatWasRewritten) {
    append_some(4);
    auto ours = signer();
    const auto kept = sign(ours).value().newest->checkpoint;
    // The last of the four records, and everything above it, is another: with the head, and without a checkpoint.
    tamper("DELETE FROM audit_records WHERE leaf_index = 3");
    tamper("DELETE FROM audit_tree WHERE position >= 4");
    auto head = [](storage::Session& session) -> Task<Result<std::size_t>> {
        // Level 1 node 0, and leaf 2.
        static constexpr storage::Statement nodes{
            .name = "t.edge",
            .sql = "SELECT hash FROM audit_tree WHERE position IN (2, 3) ORDER BY position"};
        static constexpr storage::Statement set{.name = "t.set",
                                                .sql = "UPDATE audit_head SET size = 3, edge = $1"};
        GH_CO_TRY(const auto rows, co_await session.query(nodes));
        storage::Blob edge{rows[0].octets(0) + rows[1].octets(0)};
        GH_CO_TRY_VOID(co_await session.execute(set, std::move(edge)));
        std::vector<Leaf> forged;
        forged.push_back(make_leaf(record_of("forged")));
        auto all = std::make_shared<const std::vector<Leaf>>(std::move(forged));
        co_return co_await append_leaves(session, std::move(all));
    };
    ASSERT_TRUE(run_to_end(database->write(head)));
    EXPECT_EQ(ids(), (Ids{"r0", "r1", "r2", "forged"}));
    append_some(1);
    auto after_restart = signer();
    EXPECT_EQ(sign(after_restart).error().reason, "audit.rewritten");
    // Nor when the checkpoints beside the records went, too, where one was kept elsewhere.
    tamper("DELETE FROM audit_checkpoints");
    auto with_memory = signer(kept);
    EXPECT_EQ(sign(with_memory).error().reason, "audit.rewritten");
    EXPECT_EQ(sign(ours).error().reason, "audit.rewritten");
    auto without = signer();
    EXPECT_TRUE(sign(without));
}

TEST_P(CheckpointsTest, AreNotMadeOfALogThatBecameShorter) {
    append_some(4);
    Checkpoint kept{
        .origin = "gatehouse/audit", .size = 5, .root = {}, .time = {}, .extensions = {}};
    auto ours = signer(kept);
    EXPECT_EQ(sign(ours).error().reason, "audit.rolled_back");
}

TEST_P(CheckpointsTest, OfTwoNodesWithOneKeyFollowOneAnother) {
    auto other_database = another();
    CheckpointSigner one = signer();
    CheckpointSigner two(*other_database, open_log_key(keys, "gatehouse/audit").value(), {});
    for (int i = 0; i < 6; ++i) {
        append_some(1);
        EXPECT_TRUE(sign(i % 2 == 0 ? one : two));
    }
    EXPECT_EQ(count(), 6U);
}

}  // namespace
}  // namespace gh::audit

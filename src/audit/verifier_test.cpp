#include "audit/verifier.hpp"

#include <algorithm>

#include "audit/checkpoints.hpp"
#include "audit/exporter.hpp"
#include "audit/testing.hpp"

namespace gh::audit {
namespace {

using storage::run_to_end;

NoteSigner test_signer(std::string name = "gatehouse/audit") {
    return NoteSigner::of(std::move(name), crypto::PrivateKey::generate(crypto::KeyKind::ed25519))
        .value();
}

class VerifierTest : public LogTest {
 protected:
    void SetUp() override {
        LogTest::SetUp();
        if (IsSkipped()) return;
        signer.emplace(*database, test_signer(), std::nullopt);
        // Several pages, and checkpoints at even and at odd places.
        for (const int some : {1, 2, 510, 5, 100}) {
            append_some(some);
            ASSERT_TRUE(run_to_end(signer->sign(now)));
        }
    }
    void empty_it() {
        for (const auto* table : {"records", "tree", "checkpoints"})
            tamper("DELETE FROM audit_" + std::string(table));
        tamper("UPDATE audit_head SET size = 0, edge = substr(edge, 1, 0)");
    }
    Verdict verify() { return verify(none()); }
    Verdict verify(Evidence evidence) {
        auto verdict = run_to_end(verify_log(*database, signer->verifier(), std::move(evidence)));
        EXPECT_TRUE(verdict) << describe(verdict.error());
        return *std::move(verdict);
    }
    static Evidence none() {
        return {.checkpoint = []() -> Result<std::optional<Checkpoint>> { return std::nullopt; },
                .record = []() -> Result<std::optional<ExportedRecord>> { return std::nullopt; }};
    }
    /// What an export of now holds.
    Evidence exported(const Filter& filter = {}) {
        auto lines = std::make_shared<std::vector<std::string>>();
        LineSink sink = [lines](std::string_view line) -> Result<void> {
            lines->emplace_back(line.substr(0, line.size() - 1));
            return {};
        };
        const auto verifier = signer->verifier();
        const auto done = run_to_end(export_log(*database, verifier, filter, sink));
        EXPECT_TRUE(done) << describe(done.error());
        Evidence evidence;
        evidence.checkpoint = [lines, verifier,
                               at = std::size_t{0}]() mutable -> Result<std::optional<Checkpoint>> {
            while (at < lines->size()) {
                auto line = parse_export_line((*lines)[at++]).value();
                if (const auto* found = std::get_if<ExportedCheckpoint>(&line))
                    return open_checkpoint(found->note, verifier).value();
            }
            return std::nullopt;
        };
        evidence.record = [lines,
                           at = std::size_t{0}]() mutable -> Result<std::optional<ExportedRecord>> {
            while (at < lines->size()) {
                auto line = parse_export_line((*lines)[at++]).value();
                if (auto* found = std::get_if<ExportedRecord>(&line)) return std::move(*found);
            }
            return std::nullopt;
        };
        return evidence;
    }
    std::optional<CheckpointSigner> signer;
};
INSTANTIATE_TEST_SUITE_P(Engines, VerifierTest, storage::both_engines, storage::engine_name);

TEST_P(VerifierTest, FindsNothingWrongWithALogThatIsRight) {
    const auto verdict = verify();
    EXPECT_TRUE(verdict.good()) << verdict.findings.front();
    EXPECT_EQ(verdict.records, 618U);
    EXPECT_EQ(verdict.checkpoints, 5U);
    append_some(3);  // not yet under a checkpoint
    EXPECT_TRUE(verify().good());
}

TEST_P(VerifierTest, AnEmptyLogIsRight) {
    empty_it();
    EXPECT_TRUE(verify().good());
}

TEST_P(VerifierTest, FindsEachKindOfTampering) {
    struct Case {
        std::string_view sql, finding;
    };
    const Case cases[] = {
        {"UPDATE audit_records SET record = replace(record, 'ann', 'bob') WHERE leaf_index = 560",
         "record 560 is not the one that was recorded"},
        {"UPDATE audit_records SET actor = 'bob' WHERE leaf_index = 561",
         "record 561 is listed as another than it is"},
        {"UPDATE audit_records SET at = at + 1000 WHERE leaf_index = 562",
         "record 562 is listed as another than it is"},
        {"UPDATE audit_records SET record = record || ' ' WHERE leaf_index = 563",
         "record 563 is not written as records are"},
        {"DELETE FROM audit_records WHERE leaf_index = 564", "record 564 is missing"},
        {"DELETE FROM audit_records WHERE leaf_index = 617", "record 617 is missing"},
        {"UPDATE audit_tree SET hash = (SELECT t.hash FROM audit_tree AS t "
         "WHERE t.position = 8) WHERE position = 45",
         "node 2 of level 3 of the tree does not fit the records below it"},
        {"DELETE FROM audit_tree WHERE position = 124", "node 3 of level 4 of the tree is missing"},
        {"INSERT INTO audit_tree SELECT 5000, hash FROM audit_tree WHERE position = 0",
         "the tree has 1232 nodes, not 1231"},
        {"INSERT INTO audit_records SELECT 618, 'new', at, severity, actor, action, object_type, "
         "object_id, record FROM audit_records WHERE leaf_index = 0",
         "there are records beyond the head of the log, up to 618"},
        {"UPDATE audit_head SET size = 617", "there are records beyond the head of the log"},
        {"UPDATE audit_head SET edge = substr(edge, 33)",
         "the head of the log does not fit the records"},
        {"DELETE FROM audit_head", "the head of the log is missing"},
        {"UPDATE audit_checkpoints SET note = replace(note, '513', '514') WHERE size = 513",
         "the checkpoint of 513 records is not signed by gatehouse/audit+"},
        {"UPDATE audit_checkpoints SET size = 514 WHERE size = 513",
         "the checkpoint of 514 records speaks of 513"},
        {"UPDATE audit_checkpoints SET size = 9999 WHERE size = 618",
         "there is a checkpoint of 9999 records, and the log has 618"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.finding);
        ASSERT_EQ(try_sql("CREATE TABLE IF NOT EXISTS kept_r AS SELECT * FROM audit_records; "
                          "CREATE TABLE IF NOT EXISTS kept_t AS SELECT * FROM audit_tree; "
                          "CREATE TABLE IF NOT EXISTS kept_h AS SELECT * FROM audit_head; "
                          "CREATE TABLE IF NOT EXISTS kept_c AS SELECT * FROM audit_checkpoints"),
                  "");
        tamper(std::string(c.sql));
        const auto verdict = verify();
        EXPECT_FALSE(verdict.good());
        const bool told = std::ranges::any_of(
            verdict.findings, [&](const auto& finding) { return finding.starts_with(c.finding); });
        EXPECT_TRUE(told) << (verdict.findings.empty() ? "nothing" : verdict.findings.front());
        for (const auto* pair : {"records:r", "tree:t", "head:h", "checkpoints:c"}) {
            const std::string name = pair;
            const auto table = "audit_" + name.substr(0, name.find(':'));
            tamper("DELETE FROM " + table);
            tamper("INSERT INTO " + table + " SELECT * FROM kept_" + name.back());
        }
        EXPECT_TRUE(verify().good());
    }
}

TEST_P(VerifierTest, OneChangedRecordIsOneFinding) {
    tamper(
        "UPDATE audit_records SET record = replace(record, 'ann', 'bob'), actor = 'bob' "
        "WHERE leaf_index = 560");
    EXPECT_EQ(verify().findings, Ids{"record 560 is not the one that was recorded"});
}

TEST_P(VerifierTest, TellsOnlySoManyFindings) {
    tamper("UPDATE audit_records SET actor = 'bob'");
    const auto verdict = verify();
    EXPECT_EQ(verdict.found, 618U);
    EXPECT_EQ(verdict.findings.size(), Verdict::findings_max);
}

TEST_P(VerifierTest, AnOlderExportMustFit) {
    auto everything = exported();
    auto some = exported({.actor = "ann", .object_id = "k1"});
    append_some(100);
    ASSERT_TRUE(run_to_end(signer->sign(now)));
    const auto verdict = verify(everything);
    EXPECT_TRUE(verdict.good()) << verdict.findings.front();
    EXPECT_EQ(verdict.checkpoints, 6U);
    EXPECT_EQ(verdict.checkpoints_before, 5U);
    EXPECT_EQ(verdict.records_before, 618U);
    EXPECT_EQ(verify(some).records_before, 618U);
}

TEST_P(VerifierTest, ALogThatWasMadeAnewIsFoundByAnOldExport) {
    const auto old = exported();
    // The master of database and key writes another history of the same length.
    empty_it();
    auto work = [](storage::Session& session) {
        std::vector<Leaf> leaves;
        for (int i = 0; i < 618; ++i)
            leaves.push_back(make_leaf(record_of((i == 560 ? "x" : "r") + std::to_string(i))));
        return append_leaves(session, std::make_shared<const std::vector<Leaf>>(std::move(leaves)));
    };
    ASSERT_TRUE(run_to_end(database->write(work)));
    EXPECT_TRUE(verify().good());  // by itself
    const auto verdict = verify(old);
    EXPECT_EQ(verdict.records_before, 617U);
    EXPECT_EQ(verdict.checkpoints_before, 4U);  // up to 518
    EXPECT_EQ(verdict.findings,
              (Ids{"record 560 is not the one that was exported",
                   "the log is not the one of the checkpoint of 618 records that was kept"}));
}

TEST_P(VerifierTest, AShorterLogThanWasKeptIsFound) {
    const auto old = exported();
    tamper("DELETE FROM audit_records WHERE leaf_index >= 513");
    tamper("DELETE FROM audit_checkpoints WHERE size > 513");
    const auto verdict = verify(old);
    EXPECT_FALSE(verdict.good());
}

}  // namespace
}  // namespace gh::audit

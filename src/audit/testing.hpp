#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "audit/log.hpp"
#include "audit/sequence.hpp"
#include "storage/testing.hpp"

/// For tests of the log over a database.
namespace gh::audit {

inline const SystemTime now{seconds(1'700'000'000)};

inline constexpr storage::Statement select_every_record{
    .name = "t.records", .sql = "SELECT leaf_index, id, record FROM audit_records ORDER BY 1"};
inline constexpr storage::Statement select_every_node{
    .name = "t.nodes", .sql = "SELECT position, hash FROM audit_tree ORDER BY position"};

inline Record record_of(std::string id) {
    Record record;
    record.id = std::move(id);
    record.time = now;
    record.actor_type = access::PrincipalType::user;
    record.actor = "ann";
    record.action = "key.create";
    record.object_type = "key";
    record.object_id = "k1";
    return record;
}

/// What the database has, and that it is one dense log with the right tree over it.
inline std::vector<std::string> ids_in(storage::Database& database) {
    const auto rows = storage::run_to_end(database.query(select_every_record)).value();
    std::vector<std::string> ids;
    CompactRange wanted;
    std::vector<Node> completed;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].integer(0), static_cast<std::int64_t>(i));
        ids.push_back(rows[i].text(1));
        const auto record = parse_record(rows[i].text(2));
        EXPECT_TRUE(record && record->id == rows[i].text(1));
        EXPECT_TRUE(wanted.append(leaf_hash(rows[i].text(2)), completed));
    }
    const auto stored = storage::run_to_end(database.query(select_every_node)).value();
    EXPECT_EQ(stored.size(), completed.size());
    for (std::size_t i = 0; i < std::min(stored.size(), completed.size()); ++i) {
        EXPECT_EQ(stored[i].integer(0), static_cast<std::int64_t>(i));
        EXPECT_EQ(stored[i].octets(1), crypto::text_of(completed[i].hash));
    }
    auto head = [](storage::Session& session) { return load_tree(session); };
    const auto tree = storage::run_to_end(database.write(head)).value();
    EXPECT_EQ(tree.size(), ids.size());
    EXPECT_EQ(tree.root(), wanted.root());
    return ids;
}

/// What it takes to append over a database.
struct Writer {
    Writer(storage::Database& database, const std::filesystem::path& folder)
        : sometimes(database),
          fallback(sometimes, storage::Journal::open(folder, {}).value(), registry, quiet),
          log(fallback, registry, quiet) {}

    std::string_view append(std::string id) {
        const auto done = storage::run_to_end(log.append(record_of(std::move(id))));
        return done ? "" : done.error().reason;
    }
    std::size_t replay() { return storage::run_to_end(fallback.replay(now)).value(); }

    telemetry::NoLog sink;
    telemetry::Log quiet{sink, telemetry::LogLevel::info};
    telemetry::Registry registry;
    storage::Sometimes sometimes;
    storage::Fallback fallback;
    Log log;
};

using Ids = std::vector<std::string>;

/// A log over an empty database of either engine.
class LogTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        const auto done =
            storage::run_to_end(storage::migrate(*database, storage::embedded_migrations(), now));
        ASSERT_TRUE(done) << describe(done.error());
        writer.emplace(*database, folder.path / "fallback_db");
    }
    /// With those that went to the journal, as they do on a machine that is busy enough.
    Ids ids() {
        writer->replay();
        return ids_in(*database);
    }
    void append(const Record& record) {
        EXPECT_TRUE(storage::run_to_end(writer->log.append(record)));
        writer->replay();
    }
    /// So many more.
    void append_some(int count) {
        auto work = [count, from = appended_](storage::Session& session) {
            std::vector<Leaf> leaves;
            for (int i = 0; i < count; ++i)
                leaves.push_back(make_leaf(record_of("r" + std::to_string(from + i))));
            return append_leaves(session,
                                 std::make_shared<const std::vector<Leaf>>(std::move(leaves)));
        };
        appended_ += count;
        EXPECT_TRUE(storage::run_to_end(database->write(std::move(work))));
    }
    /// @return the reason why not, or nothing
    std::string_view try_sql(std::string sql) {
        auto work = [&sql](storage::Session& session) { return session.script(sql); };
        const auto done = storage::run_to_end(database->write(std::move(work)));
        return done ? "" : done.error().reason;
    }
    /// As somebody does it who is master of the database.
    void tamper(const std::string& sql) {
        const bool sqlite = GetParam() == storage::Dialect::sqlite;
        if (!std::exchange(unlocked_, true)) {
            for (const std::string table : {"records", "tree", "checkpoints"}) {
                if (sqlite) {
                    EXPECT_EQ(try_sql("DROP TRIGGER audit_" + table + "_stay"), "");
                    EXPECT_EQ(try_sql("DROP TRIGGER audit_" + table + "_do_not_change"), "");
                } else {
                    EXPECT_EQ(try_sql("ALTER TABLE audit_" + table + " DISABLE TRIGGER USER"), "");
                }
            }
            EXPECT_EQ(try_sql(sqlite ? "DROP TRIGGER audit_head_only_grows; "
                                       "DROP TRIGGER audit_head_stays"
                                     : "ALTER TABLE audit_head DISABLE TRIGGER USER"),
                      "");
        }
        EXPECT_EQ(try_sql(sql), "") << sql;
    }

    std::optional<Writer> writer;

 private:
    int appended_ = 0;
    bool unlocked_ = false;
};

}  // namespace gh::audit

#include "audit/testing.hpp"

namespace gh::audit {
namespace {

using storage::run_to_end;
using storage::Session;

constexpr storage::Statement insert_record{
    .name = "t.record",
    .sql =
        "INSERT INTO audit_records (leaf_index, id, at, severity, actor, action, object_type, "
        "object_id, record) VALUES ($1, $2, 0, 0, '', '', '', '', $3)"};
constexpr storage::Statement insert_node{
    .name = "t.node",
    .sql = "INSERT INTO audit_nodes (level, node_index, hash) VALUES ($1, $2, $3)"};
constexpr storage::Statement set_head{.name = "t.head",
                                      .sql = "UPDATE audit_head SET size = $1, edge = $2"};

/// So many records, as they were kept before nodes lay in order.
Task<Result<void>> fill(Session& session, std::int64_t count) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (std::int64_t i = 0; i < count; ++i) {
        const auto leaf = make_leaf(record_of("r" + std::to_string(i)));
        GH_CO_TRY_VOID(tree.append(leaf_hash(leaf.line), nodes));
        GH_CO_TRY_VOID(co_await session.execute(insert_record, i, leaf.record.id, leaf.line));
    }
    for (const auto& node : nodes) {
        storage::Blob hash{std::string(crypto::text_of(node.hash))};
        GH_CO_TRY_VOID(co_await session.execute(insert_node, node.id.level, node.id.index, hash));
    }
    storage::Blob edge;
    for (const auto& hash : tree.hashes()) edge.octets += crypto::text_of(hash);
    GH_CO_TRY_VOID(co_await session.execute(set_head, count, edge));
    co_return Result<void>{};
}

class AuditMigrationTest : public storage::EngineTest {};
INSTANTIATE_TEST_SUITE_P(Engines, AuditMigrationTest, storage::both_engines, storage::engine_name);

TEST_P(AuditMigrationTest, ALogThatIsThereIsTheSameAfterwards) {
    const auto all = storage::embedded_migrations();
    ASSERT_EQ(all[6].name, "audit_order");
    ASSERT_TRUE(run_to_end(storage::migrate(*database, all.first(6), now)));
    auto before = [](Session& session) { return fill(session, 77); };
    ASSERT_TRUE(run_to_end(database->write(before)));
    const auto done = run_to_end(storage::migrate(*database, all, now));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(ids_in(*database).size(), 77U);
    Writer writer(*database, folder.path / "fallback_db");
    EXPECT_EQ(writer.append("more"), "");
    writer.replay();
    EXPECT_EQ(ids_in(*database).back(), "more");
}

}  // namespace
}  // namespace gh::audit

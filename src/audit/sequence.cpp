#include "audit/sequence.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"

namespace gh::audit {
namespace {

using storage::Parameters;
using storage::Session;
using storage::Statement;

// Takes no snapshot, so that what is read behind it is what the last writer left.
constexpr Statement lock{
    .name = "audit.lock", .sql = "SELECT 1", .postgres = "LOCK TABLE audit_head IN EXCLUSIVE MODE"};
// FOR UPDATE: where the snapshot is older than the lock, PostgreSQL ends this transaction and it runs again.
constexpr Statement select_head{
    .name = "audit.head",
    .sql = "SELECT size, edge FROM audit_head WHERE one = 1",
    .postgres = "SELECT size, edge FROM audit_head WHERE one = 1 FOR UPDATE"};
constexpr Statement update_head{
    .name = "audit.set_head",
    .sql = "UPDATE audit_head SET size = $1, edge = $2 WHERE one = 1 AND size = $3"};
constexpr Statement select_known{
    .name = "audit.known",
    .sql = "SELECT id FROM audit_records WHERE id IN (SELECT value FROM json_each($1))",
    .postgres =
        "SELECT id FROM audit_records "
        "WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))"};
constexpr Statement insert_record{
    .name = "audit.add_record",
    .sql =
        "INSERT INTO audit_records "
        "(leaf_index, id, at, severity, actor, action, object_type, object_id, record) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
constexpr Statement insert_node{.name = "audit.add_node",
                                .sql = "INSERT INTO audit_tree (position, hash) VALUES ($1, $2)"};

constexpr std::size_t hash_bytes = std::tuple_size_v<Hash>;

std::unexpected<Error> broken(std::string detail) {
    return fail(ErrorKind::corrupt, "audit.head",
                std::move(detail) + "; gatehouse audit verify says where");
}

storage::Blob blob_of(const Hash& hash) { return {std::string(crypto::text_of(hash))}; }

Result<CompactRange> read_tree(std::int64_t size, const std::string& edge) {
    if (size < 0 || edge.size() % hash_bytes != 0) return broken("the head of the log is no tree");
    std::vector<Hash> hashes(edge.size() / hash_bytes);
    const auto bytes = crypto::bytes_of(edge);
    for (std::size_t i = 0; i < hashes.size(); ++i)
        std::ranges::copy(bytes.subspan(i * hash_bytes, hash_bytes), hashes[i].begin());
    auto tree = CompactRange::restore(static_cast<std::uint64_t>(size), std::move(hashes));
    if (!tree) return broken(tree.error().detail);
    return tree;
}

/// Leaves that the log does not have, each id once, in order.
Task<Result<std::vector<const Leaf*>>> only_new(Session& session, const std::vector<Leaf>& leaves) {
    std::string ids;
    codec::json::Writer out(ids);
    out.begin_array();
    for (const auto& leaf : leaves) out.string(leaf.record.id);
    out.end_array();
    GH_CO_TRY(const auto rows, co_await session.query(select_known, ids));
    std::set<std::string_view> known;
    for (std::size_t i = 0; i < rows.size(); ++i) known.insert(rows[i].text(0));
    std::vector<const Leaf*> fresh;
    for (const auto& leaf : leaves) {
        if (known.insert(leaf.record.id).second) fresh.push_back(&leaf);
    }
    co_return fresh;
}

Parameters row_of(std::uint64_t index, const Leaf& leaf) {
    const auto& record = leaf.record;
    return {storage::to_value(index),
            record.id,
            storage::to_value(record.time),
            storage::to_value(static_cast<std::int64_t>(record.severity)),
            record.actor,
            record.action,
            record.object_type,
            record.object_id,
            leaf.line};
}

/// A row that is there already is not the caller's conflict: the head is behind the records.
Result<void> placed(const Result<std::uint64_t>& inserted) {
    if (inserted) return {};
    if (inserted.error().kind == ErrorKind::conflict)
        return broken("there are more records than its head says");
    return std::unexpected(inserted.error());
}

}  // namespace

Task<Result<void>> lock_log(Session& session) {
    if (session.dialect() == storage::Dialect::postgres)
        GH_CO_TRY_VOID(co_await session.execute(lock));
    co_return Result<void>{};
}

Task<Result<CompactRange>> load_tree(Session& session) {
    GH_CO_TRY_VOID(co_await lock_log(session));
    GH_CO_TRY(const auto head, co_await session.query_one(select_head));
    if (!head) co_return broken("the head of the log is missing");
    co_return read_tree((*head).integer(0), (*head).octets(1));
}

Task<Result<std::size_t>> append_leaves(Session& session, Leaves leaves) {
    GH_CO_TRY(auto tree, co_await load_tree(session));
    GH_CO_TRY(const auto added, co_await only_new(session, *leaves));
    if (added.empty()) co_return 0U;
    const auto old_size = tree.size();
    std::vector<Node> completed;
    std::vector<Parameters> records, nodes;
    records.reserve(added.size());
    for (const auto* leaf : added) {
        const auto index = tree.size();
        GH_CO_TRY_VOID(tree.append(leaf_hash(leaf->line), completed));
        records.push_back(row_of(index, *leaf));
    }
    nodes.reserve(completed.size());
    for (auto position = node_count(old_size); const auto& node : completed)
        nodes.push_back({storage::to_value(position++), blob_of(node.hash)});
    GH_CO_TRY_VOID(placed(co_await session.execute_many(insert_record, std::move(records))));
    GH_CO_TRY_VOID(placed(co_await session.execute_many(insert_node, std::move(nodes))));
    std::string edge;
    for (const auto& hash : tree.hashes()) edge += crypto::text_of(hash);
    storage::Blob blob{std::move(edge)};
    GH_CO_TRY(const auto moved,
              co_await session.execute(update_head, tree.size(), std::move(blob), old_size));
    if (moved != 1) co_return broken("the head of the log has moved");
    co_return added.size();
}

}  // namespace gh::audit

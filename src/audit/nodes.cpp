#include "audit/nodes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"

namespace gh::audit {
namespace {

constexpr storage::Statement select_nodes{
    .name = "audit.nodes",
    .sql =
        "SELECT t.position, t.hash FROM json_each($1) AS wanted "
        "CROSS JOIN audit_tree AS t ON t.position = wanted.value",
    .postgres =
        "SELECT t.position, t.hash "
        "FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS wanted (value) "
        "JOIN audit_tree AS t ON t.position = CAST(wanted.value AS BIGINT)"};

std::string list_of(const std::map<std::int64_t, NodeId>& wanted) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& [position, node] : wanted) out.integer(position);
    out.end_array();
    return list;
}

std::unexpected<Error> missing(const NodeId& node) {
    return fail(ErrorKind::corrupt, "audit.tree_nodes",
                "node " + std::to_string(node.index) + " of level " + std::to_string(node.level) +
                    " of the log is missing; gatehouse audit verify says what else is");
}

}  // namespace

Task<Result<Nodes>> find_nodes(storage::Session& session, std::vector<NodeId> wanted) {
    Nodes nodes;
    if (wanted.empty()) co_return nodes;
    std::map<std::int64_t, NodeId> places;
    for (const auto& node : wanted) places[static_cast<std::int64_t>(position_of(node))] = node;
    const auto list = list_of(places);
    GH_CO_TRY(const auto rows, co_await session.query(select_nodes, list));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& octets = rows[i].octets(1);
        Hash hash;
        if (octets.size() != hash.size()) continue;  // no hash, so not there
        std::ranges::copy(crypto::bytes_of(octets), hash.begin());
        nodes[places.at(rows[i].integer(0))] = hash;
    }
    co_return nodes;
}

Result<Proof> fold_proof(const ProofPlan& plan, const Nodes& nodes) {
    std::vector<Hash> hashes;
    for (const auto& id : plan.nodes()) {
        const auto found = nodes.find(id);
        if (found == nodes.end()) return missing(id);
        hashes.push_back(found->second);
    }
    return plan.fold(hashes);
}

Task<Result<Proof>> prove(storage::Session& session, ProofPlan plan) {
    std::vector<NodeId> wanted(plan.nodes().begin(), plan.nodes().end());
    GH_CO_TRY(const auto nodes, co_await find_nodes(session, std::move(wanted)));
    co_return fold_proof(plan, nodes);
}

}  // namespace gh::audit

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
        "SELECT n.level, n.node_index, n.hash FROM json_each($1) AS wanted "
        "CROSS JOIN audit_nodes AS n "
        "ON n.level = wanted.value ->> 0 AND n.node_index = wanted.value ->> 1",
    .postgres =
        "SELECT n.level, n.node_index, n.hash "
        "FROM jsonb_array_elements(CAST($1 AS jsonb)) AS wanted (value) JOIN audit_nodes AS n "
        "ON n.level = CAST(wanted.value ->> 0 AS SMALLINT) "
        "AND n.node_index = CAST(wanted.value ->> 1 AS BIGINT)"};

std::string list_of(const std::vector<NodeId>& wanted) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& node : wanted) {
        out.begin_array().integer(node.level);
        out.integer(static_cast<std::int64_t>(node.index)).end_array();
    }
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
    std::ranges::sort(wanted);
    const auto twice = std::ranges::unique(wanted);
    wanted.erase(twice.begin(), twice.end());
    Nodes nodes;
    if (wanted.empty()) co_return nodes;
    const auto list = list_of(wanted);
    GH_CO_TRY(const auto rows, co_await session.query(select_nodes, list));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& octets = rows[i].octets(2);
        Hash hash;
        if (octets.size() != hash.size()) continue;  // no hash, so not there
        std::ranges::copy(crypto::bytes_of(octets), hash.begin());
        nodes[{.level = static_cast<std::uint8_t>(rows[i].integer(0)),
               .index = static_cast<std::uint64_t>(rows[i].integer(1))}] = hash;
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

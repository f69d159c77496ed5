#pragma once

#include <map>
#include <span>
#include <vector>

#include "audit/merkle.hpp"
#include "audit/proof.hpp"
#include "storage/session.hpp"

/// The tree's nodes as the database keeps them.
namespace gh::audit {

using Nodes = std::map<NodeId, Hash>;

/// Those of `wanted` that are there.
[[nodiscard]] Task<Result<Nodes>> find_nodes(storage::Session& session, std::vector<NodeId> wanted);

/// @return `corrupt` "audit.tree_nodes" when one is missing
[[nodiscard]] Result<Proof> fold_proof(const ProofPlan& plan, const Nodes& nodes);

[[nodiscard]] Task<Result<Proof>> prove(storage::Session& session, ProofPlan plan);

}  // namespace gh::audit

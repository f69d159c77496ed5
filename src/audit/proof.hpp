#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audit/merkle.hpp"
#include "base/error.hpp"

/// Proofs over the tree (RFC 6962 §2.1.1 and §2.1.2). Making one takes two steps, so that whoever keeps the nodes reads
/// them in one go and in its own way: a plan names the nodes, then folds their hashes into the proof.
namespace gh::audit {

/// A proof has at most one hash for each row of the tree.
inline constexpr std::size_t proof_hashes_max = 64;
using Proof = std::vector<Hash>;

class ProofPlan {
 public:
    /// What to read: O(log n) nodes, fewer than 2 * proof_hashes_max.
    [[nodiscard]] std::span<const NodeId> nodes() const { return nodes_; }
    /// @param hashes  of nodes(), in that order
    /// @return        `corrupt` "audit.tree_nodes" when their number is another
    [[nodiscard]] Result<Proof> fold(std::span<const Hash> hashes) const;

 private:
    friend Result<ProofPlan> plan_inclusion(std::uint64_t index, std::uint64_t size);
    friend Result<ProofPlan> plan_consistency(std::uint64_t old_size, std::uint64_t size);
    struct Range {
        std::uint64_t begin, end;  // of leaves
    };
    /// @param ranges  one for each hash of the proof, the last first
    explicit ProofPlan(std::span<const Range> ranges);

    std::vector<NodeId> nodes_;
    std::vector<std::size_t> parts_;  // how many of nodes_ make each hash of the proof
};

/// That leaf `index` is in the tree of `size` leaves.
/// @return `invalid_argument` "audit.proof_range" when it is not, or the size is beyond tree_size_max
[[nodiscard]] Result<ProofPlan> plan_inclusion(std::uint64_t index, std::uint64_t size);

/// That the tree of `size` leaves begins with those of the tree of `old_size`. Between equal trees, and after the empty
/// one, there is nothing to prove: no nodes, no hashes.
/// @return `invalid_argument` "audit.proof_range" when the old tree is the larger, or the size is beyond tree_size_max
[[nodiscard]] Result<ProofPlan> plan_consistency(std::uint64_t old_size, std::uint64_t size);

/// RFC 9162 §2.1.3.2. False for every proof that is not exactly the right one.
[[nodiscard]] bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                    const Hash& root, std::span<const Hash> proof);

/// RFC 9162 §2.1.4.2. False for every proof that is not exactly the right one.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, std::uint64_t size,
                                      const Hash& old_root, const Hash& root,
                                      std::span<const Hash> proof);

}  // namespace gh::audit

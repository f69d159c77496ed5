#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/digest.hpp"

/// The Merkle tree of RFC 6962 §2.1 over the records of the log: pure arithmetic on hashes. Whoever keeps the log stores
/// the root of every complete subtree once, under its NodeId, and never changes it.
namespace gh::audit {

using Hash = crypto::Sha256Digest;

/// Leaves in one log: what a signed 64-bit column and Go's int64 hold.
inline constexpr std::uint64_t tree_size_max = INT64_MAX;

/// SHA-256(0x00 || leaf).
[[nodiscard]] Hash leaf_hash(std::string_view leaf);
/// SHA-256(0x01 || left || right).
[[nodiscard]] Hash node_hash(const Hash& left, const Hash& right);
/// The root of a tree without leaves: SHA-256 of nothing.
[[nodiscard]] Hash empty_root();

/// A complete subtree: the leaves from `index` << `level`, 1 << `level` of them. Level 0 are the leaf hashes.
struct NodeId {
    std::uint8_t level = 0;
    std::uint64_t index = 0;
    friend auto operator<=>(const NodeId&, const NodeId&) = default;
};

/// Of all complete subtrees in a log of so many leaves.
[[nodiscard]] std::uint64_t node_count(std::uint64_t size);
/// Where a node stands when all are written as they become complete, each leaf before what it completes: at 0, 1, 2, ...
/// A signed 64-bit column holds those of 2^62 leaves.
[[nodiscard]] std::uint64_t position_of(const NodeId& node);

struct Node {
    NodeId id;
    Hash hash{};
    friend bool operator==(const Node&, const Node&) = default;
};

/// The complete subtrees that make up the leaves [begin, end), left to right, at most 63.
/// @param begin  a multiple of the greatest power of two that is not above end - begin, as 0 always is
[[nodiscard]] std::vector<NodeId> nodes_of(std::uint64_t begin, std::uint64_t end);

/// The right edge of a tree: what must be known of it to append leaves and to tell its root.
class CompactRange {
 public:
    /// A tree without leaves.
    CompactRange() = default;
    /// @param hashes  of nodes_of(0, size), in that order
    /// @return        `corrupt` "audit.tree_size" beyond tree_size_max, "audit.tree_nodes" when their number is not
    ///                that of the size
    [[nodiscard]] static Result<CompactRange> restore(std::uint64_t size, std::vector<Hash> hashes);

    /// One leaf more: O(log n) hashes at worst, one on average over many.
    ///
    /// @param completed  gains the nodes that are complete from now on, the leaf first: two on average over many
    /// @return           `exhausted` "audit.tree_full" at tree_size_max; nothing has changed then
    [[nodiscard]] Result<void> append(const Hash& leaf, std::vector<Node>& completed);

    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Of nodes_of(0, size()), in that order.
    [[nodiscard]] std::span<const Hash> hashes() const { return hashes_; }
    [[nodiscard]] Hash root() const;

 private:
    std::uint64_t size_ = 0;
    std::vector<Hash> hashes_;  // one for each bit of size_ that is set, the highest first
};

/// The root over subtrees that stand side by side as nodes_of() names them.
/// @param hashes  not empty
[[nodiscard]] Hash fold_right(std::span<const Hash> hashes);

}  // namespace gh::audit

#include "audit/proof.hpp"

#include <bit>
#include <ranges>
#include <string>

namespace gh::audit {
namespace {

std::unexpected<Error> out_of_range(std::string detail) {
    return fail(ErrorKind::invalid_argument, "audit.proof_range", std::move(detail));
}

/// Where RFC 6962 splits `leaves`, at least 2, of them: the greatest power of two below.
std::uint64_t split_of(std::uint64_t leaves) { return std::bit_floor(leaves - 1); }

/// A node of an odd last row climbs alone until it has a sibling on its left.
void climb_alone(std::uint64_t& node, std::uint64_t& last) {
    while (node != 0 && (node & 1) == 0) {
        node >>= 1;
        last >>= 1;
    }
}

}  // namespace

ProofPlan::ProofPlan(std::span<const Range> ranges) {
    for (const auto& range : ranges | std::views::reverse) {
        const auto nodes = nodes_of(range.begin, range.end);
        nodes_.insert(nodes_.end(), nodes.begin(), nodes.end());
        parts_.push_back(nodes.size());
    }
}

Result<Proof> ProofPlan::fold(std::span<const Hash> hashes) const {
    if (hashes.size() != nodes_.size()) {
        return fail(ErrorKind::corrupt, "audit.tree_nodes",
                    "a proof of " + std::to_string(nodes_.size()) + " nodes got " +
                        std::to_string(hashes.size()));
    }
    Proof proof;
    proof.reserve(parts_.size());
    for (const auto part : parts_) {
        proof.push_back(fold_right(hashes.first(part)));
        hashes = hashes.subspan(part);
    }
    return proof;
}

Result<ProofPlan> plan_inclusion(std::uint64_t index, std::uint64_t size) {
    if (size > tree_size_max || index >= size) {
        return out_of_range("leaf " + std::to_string(index) + " of " + std::to_string(size));
    }
    // PATH of RFC 6962 §2.1.1, from the root down: what is beside the way is the proof.
    std::vector<ProofPlan::Range> beside;
    std::uint64_t begin = 0, end = size;
    while (end - begin > 1) {
        const auto middle = begin + split_of(end - begin);
        if (index < middle) {
            beside.push_back({middle, end});
            end = middle;
        } else {
            beside.push_back({begin, middle});
            begin = middle;
        }
    }
    return ProofPlan(beside);
}

Result<ProofPlan> plan_consistency(std::uint64_t old_size, std::uint64_t size) {
    if (size > tree_size_max || old_size > size) {
        return out_of_range("from " + std::to_string(old_size) + " to " + std::to_string(size));
    }
    std::vector<ProofPlan::Range> beside;
    if (old_size == 0) return ProofPlan(beside);
    // SUBPROOF of RFC 6962 §2.1.2, from the root down to the subtree that ends where the old tree ended.
    std::uint64_t begin = 0, end = size;
    while (old_size != end) {
        const auto middle = begin + split_of(end - begin);
        if (old_size <= middle) {
            beside.push_back({middle, end});
            end = middle;
        } else {
            beside.push_back({begin, middle});
            begin = middle;
        }
    }
    if (begin != 0) beside.push_back({begin, end});  // else it is the old root, which is known
    return ProofPlan(beside);
}

bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, const Hash& root,
                      std::span<const Hash> proof) {
    if (size > tree_size_max || index >= size) return false;
    auto node = index, last = size - 1;  // on the row that `hash` is on
    auto hash = leaf;
    for (const auto& sibling : proof) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            hash = node_hash(sibling, hash);
            climb_alone(node, last);
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                        const Hash& root, std::span<const Hash> proof) {
    if (size > tree_size_max || old_size > size) return false;
    if (old_size == size) return proof.empty() && old_root == root;
    if (old_size == 0) return proof.empty() && old_root == empty_root();
    // The walk begins at the subtree that ends where the old tree ended.
    const auto level = std::countr_zero(old_size);
    auto node = (old_size - 1) >> level, last = (size - 1) >> level;
    Hash old_hash = old_root;
    if (node != 0) {  // else that subtree is the whole old tree, and its hash is known
        if (proof.empty()) return false;
        old_hash = proof.front();
        proof = proof.subspan(1);
    }
    Hash hash = old_hash;
    for (const auto& sibling : proof) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            old_hash = node_hash(sibling, old_hash);
            hash = node_hash(sibling, hash);
            climb_alone(node, last);
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && old_hash == old_root && hash == root;
}

}  // namespace gh::audit

#include "audit/merkle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace gh::audit {

Hash leaf_hash(std::string_view leaf) {
    thread_local crypto::Sha256 hash;
    constexpr std::uint8_t prefix[] = {0x00};
    hash.update(crypto::Bytes(prefix));
    hash.update(leaf);
    return hash.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
    std::array<std::uint8_t, 1 + 2 * std::tuple_size_v<Hash>> input;
    input[0] = 0x01;
    std::ranges::copy(left, input.begin() + 1);
    std::ranges::copy(right, input.begin() + 1 + left.size());
    return crypto::sha256(crypto::Bytes(input));
}

Hash empty_root() { return crypto::sha256(std::string_view{}); }

std::uint64_t node_count(std::uint64_t size) {
    return 2 * size - static_cast<std::uint64_t>(std::popcount(size));
}

std::uint64_t position_of(const NodeId& node) {
    const auto last_leaf = ((node.index + 1) << node.level) - 1;
    return node_count(last_leaf) + node.level;
}

std::vector<NodeId> nodes_of(std::uint64_t begin, std::uint64_t end) {
    std::vector<NodeId> nodes;
    while (begin < end) {
        const auto level = static_cast<std::uint8_t>(std::bit_width(end - begin) - 1);
        nodes.push_back({.level = level, .index = begin >> level});
        begin += std::uint64_t{1} << level;
    }
    return nodes;
}

Hash fold_right(std::span<const Hash> hashes) {
    Hash root = hashes.back();
    for (auto i = hashes.size() - 1; i-- > 0;) root = node_hash(hashes[i], root);
    return root;
}

Result<CompactRange> CompactRange::restore(std::uint64_t size, std::vector<Hash> hashes) {
    if (size > tree_size_max) return fail(ErrorKind::corrupt, "audit.tree_size");
    const auto wanted = static_cast<std::size_t>(std::popcount(size));
    if (hashes.size() != wanted) {
        return fail(ErrorKind::corrupt, "audit.tree_nodes",
                    "a tree of " + std::to_string(size) + " leaves has " + std::to_string(wanted) +
                        " nodes at its edge, not " + std::to_string(hashes.size()));
    }
    CompactRange range;
    range.size_ = size;
    range.hashes_ = std::move(hashes);
    return range;
}

Result<void> CompactRange::append(const Hash& leaf, std::vector<Node>& completed) {
    if (size_ == tree_size_max) return fail(ErrorKind::exhausted, "audit.tree_full");
    Node node{.id = {.level = 0, .index = size_}, .hash = leaf};
    completed.push_back(node);
    // As a carry in binary addition: each subtree that ends here joins its equal on the left.
    for (auto carry = size_; (carry & 1) != 0; carry >>= 1) {
        node.hash = node_hash(hashes_.back(), node.hash);
        hashes_.pop_back();
        ++node.id.level;
        node.id.index >>= 1;
        completed.push_back(node);
    }
    hashes_.push_back(node.hash);
    ++size_;
    return {};
}

Hash CompactRange::root() const { return hashes_.empty() ? empty_root() : fold_right(hashes_); }

}  // namespace gh::audit

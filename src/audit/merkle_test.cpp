#include "audit/merkle.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/hex.hpp"

namespace gh::audit {
namespace {

// The reference tree of Certificate Transparency's own tests (google/certificate-transparency,
// cpp/merkletree/merkle_tree_test.cc): leaves in hex, and the root over the first n of them.
constexpr std::string_view reference_leaves[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
constexpr std::string_view reference_roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

std::string hex(const Hash& hash) { return codec::encode_hex(crypto::text_of(hash)); }

TEST(Merkle, RootsAreThoseOfCertificateTransparency) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (std::size_t size = 0;; ++size) {
        EXPECT_EQ(hex(tree.root()), reference_roots[size]) << size;
        EXPECT_EQ(tree.size(), size);
        if (size == std::size(reference_leaves)) break;
        const auto leaf = codec::decode_hex(reference_leaves[size]).value();
        ASSERT_TRUE(tree.append(leaf_hash(leaf), nodes));
    }
}

TEST(Merkle, NodesStandInTheOrderInWhichTheyBecomeComplete) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (std::uint64_t size = 1; size <= 300; ++size) {
        ASSERT_TRUE(tree.append(leaf_hash("x"), nodes));
        EXPECT_EQ(node_count(size), nodes.size());
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(position_of(nodes[i].id), i);
    EXPECT_EQ(node_count(0), 0U);
    EXPECT_EQ(node_count(tree_size_max), 2 * tree_size_max - 63);
    const NodeId last{.level = 62, .index = 0};
    EXPECT_EQ(position_of(last), node_count(std::uint64_t{1} << 62) - 1);
    EXPECT_LE(position_of(last), static_cast<std::uint64_t>(INT64_MAX));
}

TEST(Merkle, AppendingNamesEveryCompleteSubtreeOnce) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (std::uint64_t i = 0; i < 6; ++i) {
        ASSERT_TRUE(tree.append(leaf_hash(std::to_string(i)), nodes));
    }
    std::vector<NodeId> ids;
    for (const auto& node : nodes) ids.push_back(node.id);
    EXPECT_EQ(ids,
              (std::vector<NodeId>{
                  {0, 0}, {0, 1}, {1, 0}, {0, 2}, {0, 3}, {1, 1}, {2, 0}, {0, 4}, {0, 5}, {1, 2}}));
    EXPECT_EQ(nodes[6].hash, node_hash(nodes[2].hash, nodes[5].hash));
}

TEST(Merkle, ManyLeavesCostTwoNodesEach) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (int i = 0; i < 1024; ++i) ASSERT_TRUE(tree.append(leaf_hash("x"), nodes));
    EXPECT_EQ(nodes.size(), 2 * 1024U - 1);
    EXPECT_EQ(tree.hashes().size(), 1U);
}

TEST(Merkle, ARangeGoesOnWhereItWasLeft) {
    CompactRange tree;
    std::vector<Node> nodes;
    for (std::uint64_t size = 0; size < 40; ++size) {
        const auto restored =
            CompactRange::restore(size, {tree.hashes().begin(), tree.hashes().end()});
        ASSERT_TRUE(restored);
        EXPECT_EQ(restored->root(), tree.root());
        auto other = *restored;
        std::vector<Node> other_nodes;
        nodes.clear();
        ASSERT_TRUE(tree.append(leaf_hash(std::to_string(size)), nodes));
        ASSERT_TRUE(other.append(leaf_hash(std::to_string(size)), other_nodes));
        EXPECT_EQ(other_nodes, nodes);
        EXPECT_EQ(other.root(), tree.root());
    }
}

TEST(Merkle, ARangeOfAnotherSizeIsCorrupt) {
    EXPECT_EQ(CompactRange::restore(0, {Hash{}}).error().reason, "audit.tree_nodes");
    EXPECT_EQ(CompactRange::restore(3, {Hash{}}).error().reason, "audit.tree_nodes");
    EXPECT_EQ(CompactRange::restore(4, {Hash{}, Hash{}}).error().reason, "audit.tree_nodes");
    EXPECT_EQ(CompactRange::restore(tree_size_max + 1, {Hash{}}).error().reason, "audit.tree_size");
}

TEST(Merkle, ATreeTakesAsManyLeavesAsItMay) {
    auto tree = CompactRange::restore(tree_size_max - 1, std::vector<Hash>(62)).value();
    std::vector<Node> nodes;
    ASSERT_TRUE(tree.append(Hash{}, nodes));
    EXPECT_EQ(tree.size(), tree_size_max);
    EXPECT_EQ(tree.hashes().size(), 63U);
    nodes.clear();
    EXPECT_EQ(tree.append(Hash{}, nodes).error().reason, "audit.tree_full");
    EXPECT_TRUE(nodes.empty());
    EXPECT_EQ(tree.size(), tree_size_max);
}

TEST(Merkle, NodesOfARangeStandSideBySide) {
    EXPECT_TRUE(nodes_of(0, 0).empty());
    EXPECT_EQ(nodes_of(0, 1), (std::vector<NodeId>{{0, 0}}));
    EXPECT_EQ(nodes_of(0, 7), (std::vector<NodeId>{{2, 0}, {1, 2}, {0, 6}}));
    EXPECT_EQ(nodes_of(8, 11), (std::vector<NodeId>{{1, 4}, {0, 10}}));
    EXPECT_EQ(nodes_of(0, tree_size_max).size(), 63U);
}

}  // namespace
}  // namespace gh::audit

#include "audit/proof.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "codec/hex.hpp"

namespace gh::audit {
namespace {

constexpr std::uint64_t size_max = 70;

using Leaves = std::span<const Hash>;

/// The definitions of RFC 6962 §2.1, §2.1.1 and §2.1.2, word by word.
struct Naive {
    static std::size_t split(std::size_t n) {
        std::size_t k = 1;
        while (2 * k < n) k *= 2;
        return k;
    }
    static Hash root(Leaves d) {
        if (d.empty()) return crypto::sha256(std::string_view{});
        if (d.size() == 1) return d[0];
        const auto k = split(d.size());
        return node_hash(root(d.first(k)), root(d.subspan(k)));
    }
    static Proof path(std::size_t m, Leaves d) {
        if (d.size() == 1) return {};
        const auto k = split(d.size());
        auto proof = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
        proof.push_back(m < k ? root(d.subspan(k)) : root(d.first(k)));
        return proof;
    }
    static Proof subproof(std::size_t m, Leaves d, bool known) {
        if (m == d.size()) return known ? Proof{} : Proof{root(d)};
        const auto k = split(d.size());
        auto proof = m <= k ? subproof(m, d.first(k), known) : subproof(m - k, d.subspan(k), false);
        proof.push_back(m <= k ? root(d.subspan(k)) : root(d.first(k)));
        return proof;
    }
};

/// A log in memory: leaves, the nodes that appending made, and the root at each size.
class Log {
 public:
    explicit Log(std::uint64_t size) {
        CompactRange tree;
        roots.push_back(tree.root());
        for (std::uint64_t i = 0; i < size; ++i) {
            leaves.push_back(leaf_hash("leaf " + std::to_string(i)));
            std::vector<Node> completed;
            EXPECT_TRUE(tree.append(leaves.back(), completed));
            for (const auto& node : completed)
                EXPECT_TRUE(nodes.emplace(node.id, node.hash).second);
            roots.push_back(tree.root());
        }
    }
    /// Reads what the plan names; a node that was never stored is a failure.
    [[nodiscard]] Proof prove(const Result<ProofPlan>& plan) const {
        std::vector<Hash> hashes;
        for (const auto& id : plan.value().nodes()) hashes.push_back(nodes.at(id));
        return plan->fold(hashes).value();
    }
    [[nodiscard]] Proof inclusion(std::uint64_t index, std::uint64_t size) const {
        return prove(plan_inclusion(index, size));
    }
    [[nodiscard]] Proof consistency(std::uint64_t old_size, std::uint64_t size) const {
        return prove(plan_consistency(old_size, size));
    }

    std::vector<Hash> leaves, roots;
    std::map<NodeId, Hash> nodes;
};

/// Calls `judge` with every proof that differs from `proof` a little: a bit, a hash more, less, doubled or swapped.
template <class Judge>
void for_each_spoiled(const Proof& proof, Judge judge) {
    for (std::size_t i = 0; i < proof.size(); ++i) {
        for (std::size_t bit = 0; bit < 8 * proof[i].size(); ++bit) {
            auto spoiled = proof;
            spoiled[i][bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
            judge(spoiled);
        }
        auto spoiled = proof;
        spoiled.erase(spoiled.begin() + static_cast<std::ptrdiff_t>(i));
        judge(spoiled);
        spoiled = proof;
        spoiled.insert(spoiled.begin() + static_cast<std::ptrdiff_t>(i), proof[i]);
        judge(spoiled);
        if (i > 0) {
            spoiled = proof;
            std::swap(spoiled[i - 1], spoiled[i]);
            judge(spoiled);
        }
    }
    auto spoiled = proof;
    spoiled.emplace_back();
    judge(spoiled);
    spoiled.assign(proof_hashes_max + 1, Hash{});
    judge(spoiled);
}

std::vector<std::string> hex(const Proof& proof) {
    std::vector<std::string> texts;
    for (const auto& hash : proof) texts.push_back(codec::encode_hex(crypto::text_of(hash)));
    return texts;
}

TEST(Proof, IsThatOfCertificateTransparency) {
    // Vectors of google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc.
    constexpr std::string_view leaves[] = {
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    };
    Log log(0);
    CompactRange tree;
    std::vector<Node> nodes;
    for (const auto leaf : leaves) {
        ASSERT_TRUE(tree.append(leaf_hash(codec::decode_hex(leaf).value()), nodes));
    }
    for (const auto& node : nodes) log.nodes.emplace(node.id, node.hash);
    using Texts = std::vector<std::string>;
    EXPECT_EQ(hex(log.inclusion(0, 1)), Texts{});
    EXPECT_EQ(hex(log.inclusion(0, 8)),
              (Texts{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(hex(log.inclusion(5, 8)),
              (Texts{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                     "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
    EXPECT_EQ(hex(log.inclusion(2, 3)),
              (Texts{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
    EXPECT_EQ(hex(log.inclusion(1, 5)),
              (Texts{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
    EXPECT_EQ(hex(log.consistency(1, 1)), Texts{});
    EXPECT_EQ(hex(log.consistency(1, 8)),
              (Texts{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
    EXPECT_EQ(hex(log.consistency(6, 8)),
              (Texts{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                     "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
    EXPECT_EQ(hex(log.consistency(2, 5)),
              (Texts{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                     "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

TEST(Proof, EveryOneIsThatOfTheDefinitionsAndHolds) {
    const Log log(size_max);
    for (std::uint64_t size = 0; size <= size_max; ++size) {
        const auto leaves = Leaves(log.leaves).first(size);
        EXPECT_EQ(log.roots[size], Naive::root(leaves));
        for (std::uint64_t index = 0; index < size; ++index) {
            const auto proof = log.inclusion(index, size);
            EXPECT_EQ(proof, Naive::path(index, leaves)) << index << " in " << size;
            EXPECT_TRUE(verify_inclusion(index, size, log.leaves[index], log.roots[size], proof));
        }
        for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
            const auto proof = log.consistency(old_size, size);
            if (old_size > 0) {
                EXPECT_EQ(proof, Naive::subproof(old_size, leaves, true))
                    << old_size << " to " << size;
            }
            EXPECT_TRUE(
                verify_consistency(old_size, size, log.roots[old_size], log.roots[size], proof));
        }
    }
}

TEST(Proof, EveryFlippedBitOfAnInclusionIsSeen) {
    constexpr std::uint64_t sizes[] = {1, 2, 3, 7, 8, 13, 33};
    const Log log(size_max);
    for (const auto size : sizes) {
        for (std::uint64_t index = 0; index < size; ++index) {
            const auto proof = log.inclusion(index, size);
            auto leaf = log.leaves[index];
            auto root = log.roots[size];
            const auto holds = [&](const Proof& p) {
                return verify_inclusion(index, size, leaf, root, p);
            };
            ASSERT_TRUE(holds(proof));
            for_each_spoiled(proof, [&](const Proof& p) { EXPECT_FALSE(holds(p)); });
            for (std::size_t bit = 0; bit < 256; ++bit) {
                const auto flip = static_cast<std::uint8_t>(1 << bit % 8);
                leaf[bit / 8] ^= flip;
                EXPECT_FALSE(holds(proof));
                leaf[bit / 8] ^= flip;
                root[bit / 8] ^= flip;
                EXPECT_FALSE(holds(proof));
                root[bit / 8] ^= flip;
            }
        }
    }
}

TEST(Proof, AnInclusionHoldsForItsIndexOnly) {
    const Log log(size_max);
    for (std::uint64_t size = 1; size <= size_max; ++size) {
        for (std::uint64_t index = 0; index < size; ++index) {
            const auto proof = log.inclusion(index, size);
            for (std::uint64_t other = 0; other <= size + 1; ++other) {
                EXPECT_EQ(verify_inclusion(other, size, log.leaves[index], log.roots[size], proof),
                          other == index);
            }
            EXPECT_FALSE(verify_inclusion(index, tree_size_max + 1, log.leaves[index],
                                          log.roots[size], proof));
        }
    }
}

TEST(Proof, EveryFlippedBitOfAConsistencyIsSeen) {
    const Log log(size_max);
    for (std::uint64_t size = 0; size <= 17; ++size) {
        for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
            const auto proof = log.consistency(old_size, size);
            auto old_root = log.roots[old_size], root = log.roots[size];
            const auto holds = [&](const Proof& p) {
                return verify_consistency(old_size, size, old_root, root, p);
            };
            ASSERT_TRUE(holds(proof));
            for_each_spoiled(proof, [&](const Proof& p) { EXPECT_FALSE(holds(p)); });
            for (std::size_t bit = 0; bit < 256; ++bit) {
                const auto flip = static_cast<std::uint8_t>(1 << bit % 8);
                old_root[bit / 8] ^= flip;
                EXPECT_FALSE(holds(proof));
                old_root[bit / 8] ^= flip;
                root[bit / 8] ^= flip;
                // The empty tree is the beginning of every other.
                EXPECT_EQ(holds(proof), old_size == 0 && size > 0);
                root[bit / 8] ^= flip;
            }
        }
    }
}

TEST(Proof, AConsistencyHoldsForItsOldSizeOnly) {
    const Log log(size_max);
    for (std::uint64_t size = 1; size <= size_max; ++size) {
        for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
            const auto proof = log.consistency(old_size, size);
            for (std::uint64_t other = 0; other <= size + 1; ++other) {
                EXPECT_EQ(
                    verify_consistency(other, size, log.roots[old_size], log.roots[size], proof),
                    other == old_size);
            }
        }
    }
}

TEST(Proof, ALogThatForgotARecordIsNotConsistent) {
    const Log log(size_max);
    for (std::uint64_t old_size = 1; old_size < 20; ++old_size) {
        auto leaves = log.leaves;
        leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(old_size / 2));
        const auto forged = Naive::root(Leaves(leaves).first(40));
        EXPECT_FALSE(verify_consistency(old_size, 40, log.roots[old_size], forged,
                                        Naive::subproof(old_size, Leaves(leaves).first(40), true)));
    }
}

TEST(Proof, RangesBeyondTheTreeAreRefused) {
    constexpr auto reason = "audit.proof_range";
    EXPECT_EQ(plan_inclusion(0, 0).error().reason, reason);
    EXPECT_EQ(plan_inclusion(5, 5).error().reason, reason);
    EXPECT_EQ(plan_inclusion(0, tree_size_max + 1).error().reason, reason);
    EXPECT_EQ(plan_consistency(6, 5).error().reason, reason);
    EXPECT_EQ(plan_consistency(1, tree_size_max + 1).error().reason, reason);
}

TEST(Proof, AFoldWantsEveryNodeThatWasNamed) {
    const auto plan = plan_inclusion(0, 8).value();
    ASSERT_EQ(plan.nodes().size(), 3U);
    EXPECT_EQ(plan.fold(std::vector<Hash>(2)).error().reason, "audit.tree_nodes");
    EXPECT_EQ(plan.fold(std::vector<Hash>(4)).error().reason, "audit.tree_nodes");
    EXPECT_EQ(plan.fold(std::vector<Hash>(3)).value().size(), 3U);
}

TEST(Proof, ReadsLittleOfTheLargestTree) {
    for (const std::uint64_t at : {std::uint64_t{1}, tree_size_max / 3, tree_size_max - 1}) {
        const auto inclusion = plan_inclusion(at, tree_size_max).value();
        EXPECT_LT(inclusion.nodes().size(), 2 * proof_hashes_max);
        EXPECT_LE(inclusion.fold(std::vector<Hash>(inclusion.nodes().size())).value().size(),
                  proof_hashes_max);
        const auto consistency = plan_consistency(at, tree_size_max).value();
        EXPECT_LT(consistency.nodes().size(), 2 * proof_hashes_max);
        EXPECT_LE(consistency.fold(std::vector<Hash>(consistency.nodes().size())).value().size(),
                  proof_hashes_max);
    }
}

}  // namespace
}  // namespace gh::audit

#include "vault/sealed_file.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

Barrier barrier_of(char key) {
    auto made = Barrier().with(1, crypto::Secret(std::string(32, key)));
    EXPECT_TRUE(made);
    return made ? *std::move(made) : Barrier();
}

TEST(SealedFile, OpensAsWhatItIsOnly) {
    const auto barrier = barrier_of('k');
    const auto sealed = seal_as_file(barrier, "a", crypto::bytes_of("A_KEY=one\n"));
    EXPECT_FALSE(sealed.contains("A_KEY"));
    EXPECT_EQ(crypto::text_of(open_sealed_file(barrier, "a", sealed).value().bytes()),
              "A_KEY=one\n");
    EXPECT_EQ(open_sealed_file(barrier, "b", sealed).error().reason, "barrier.open");
    EXPECT_EQ(open_sealed_file(barrier_of('o'), "a", sealed).error().reason, "barrier.open");
}

TEST(SealedFile, RefusesWhatWasChangedOrIsNone) {
    const auto barrier = barrier_of('k');
    const auto sealed = seal_as_file(barrier, "a", crypto::bytes_of("x"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(open_sealed_file(barrier, "a", changed)) << i;
        EXPECT_FALSE(open_sealed_file(barrier, "a", sealed.substr(0, i))) << i;
    }
    EXPECT_EQ(open_sealed_file(barrier, "a", "A_KEY=one\n").error().reason, "sealed_file.format");
}

}  // namespace
}  // namespace gh::vault

#include "identity/dpop_replays.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gh::identity {
namespace {

using Seen = DpopReplays::Seen;

const SystemTime now{seconds(1'700'000'000)};

TEST(DpopReplays, TakesAProofOnceForAsLongAsItIsGood) {
    DpopReplays replays;
    const DpopProof proof{"key", "one"};
    EXPECT_EQ(replays.take(proof, now), Seen::never);
    for (const auto later : {seconds(0), seconds(59), seconds(74)})
        EXPECT_EQ(replays.take(proof, now + later), Seen::before);
    EXPECT_EQ(replays.take({"key", "two"}, now), Seen::never);
    EXPECT_EQ(replays.take({"yek", "one"}, now), Seen::never);  // another's may have the same id
    // Taken late in a generation: it is remembered its whole time.
    EXPECT_EQ(replays.take({"key", "late"}, now + seconds(74)), Seen::never);
    for (int second = 75; second < 149; ++second)
        ASSERT_EQ(replays.take({"key", "late"}, now + seconds(second)), Seen::before) << second;
    EXPECT_EQ(replays.take(proof, now + seconds(400)), Seen::never);  // nobody would believe it now
}

TEST(DpopReplays, RefusesRatherThanForgets) {
    DpopReplays replays;
    const auto proof = [](std::size_t number) { return DpopProof{"key", std::to_string(number)}; };
    for (std::size_t i = 0; i < DpopReplays::proofs_max; ++i)
        ASSERT_EQ(replays.take(proof(i), now), Seen::never);
    EXPECT_EQ(replays.take(proof(DpopReplays::proofs_max), now), Seen::full);
    EXPECT_EQ(replays.take(proof(0), now), Seen::before);
    std::size_t others = 0;
    for (int i = 0; i < 100; ++i)
        others += replays.take({"key" + std::to_string(i), "x"}, now) == Seen::never ? 1 : 0;
    EXPECT_GT(others, 50U);  // one client does not shut out the rest
    EXPECT_EQ(replays.take(proof(DpopReplays::proofs_max), now + seconds(75)), Seen::never);
    EXPECT_EQ(replays.take(proof(0), now + seconds(75)), Seen::before);
}

TEST(DpopReplays, OneOfManyThreadsTakesIt) {
    DpopReplays replays;
    std::atomic<int> taken = 0;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int i = 0; i < 2'000; ++i)
                    taken += replays.take({"key", std::to_string(i)}, now) == Seen::never ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(taken, 2'000);
}

}  // namespace
}  // namespace gh::identity

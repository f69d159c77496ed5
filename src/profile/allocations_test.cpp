#include "profile/allocations.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/sanitized.hpp"

namespace gh::profile {

/// Named in the tests, so outside any anonymous namespace.
[[gnu::noinline]] std::vector<std::unique_ptr<char[]>> allocate_for_the_test(std::size_t count,
                                                                             std::size_t size) {
    std::vector<std::unique_ptr<char[]>> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.push_back(std::make_unique_for_overwrite<char[]>(size));
    return blocks;
}

namespace {

/// Of this program; reading its symbols once is enough.
Names& own_names() {
    static Names names;
    return names;
}

std::int64_t bytes_of(std::string_view function) {
    auto& names = own_names();
    std::int64_t bytes = 0;
    for (const auto& stack : live_heap(names).stacks) {
        for (const auto frame : stack.frames) {
            if (!names.of(frame).name.contains(function)) continue;
            bytes += stack.values[1];
            break;
        }
    }
    return bytes;
}

class Allocations : public testing::Test {
 protected:
    void SetUp() override {
        begin_sampling();
        if (sanitized) GTEST_SKIP() << "a build with sanitizers keeps their operator new";
        ASSERT_TRUE(counted());
    }
    static bool counted() {
        auto& names = own_names();
        const auto before = live_heap(names).samples;
        const auto blocks = allocate_for_the_test(1, bytes_between_samples * 100);
        return live_heap(names).samples > before;
    }
};

TEST_F(Allocations, AreCountedByWhereTheyWereAskedFor) {
    constexpr std::int64_t mebibyte = 1 << 20;
    auto blocks = allocate_for_the_test(20'000, 10'000);  // 191 MiB, never touched
    const auto live = bytes_of("gh::profile::allocate_for_the_test(");
    EXPECT_GT(live, 130 * mebibyte);
    EXPECT_LT(live, 260 * mebibyte) << "sampled, but not by chance alone";
    blocks.clear();
    EXPECT_LT(bytes_of("gh::profile::allocate_for_the_test("), 10 * mebibyte)
        << "what was given back is live no more";
}

TEST_F(Allocations, BeginWithWhoAsked) {
    auto& names = own_names();
    const auto blocks = allocate_for_the_test(1, bytes_between_samples * 100);
    for (const auto& stack : live_heap(names).stacks) {
        ASSERT_FALSE(stack.frames.empty());
        const auto name = names.of(stack.frames.front()).name;
        EXPECT_FALSE(name.contains("gh::profile::heap") || name.starts_with("operator new"))
            << name;
    }
}

TEST_F(Allocations, AreCountedOnAllThreads) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (int round = 0; round < 50; ++round) {
                const auto blocks = allocate_for_the_test(500, 20'000);
                if (round % 10 == 0) (void)live_heap(own_names());
            }
        });
    }
    threads.clear();
    EXPECT_EQ(bytes_of("gh::profile::allocate_for_the_test("), 0);
}

TEST_F(Allocations, TellOfWhatThereIsNotEnoughOf) {
    const auto absurd = std::size_t{1} << 62;
    EXPECT_THROW((void)::operator new(absurd), std::bad_alloc);
    ::operator delete(nullptr);
    ::operator delete(::operator new(0));
}

}  // namespace
}  // namespace gh::profile

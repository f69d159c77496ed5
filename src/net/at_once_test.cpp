#include "net/at_once.hpp"

#include <gtest/gtest.h>

#include <string>

#include "net/run_task.hpp"

namespace gh::net {
namespace {

struct Bench {
    std::size_t now = 0, most = 0;
    std::vector<int> done;
};

Task<Result<void>> work_on(Bench& bench, int item) {
    bench.most = std::max(bench.most, ++bench.now);
    Sleep pause(*Loop::current(), milliseconds(item == 0 ? 200 : 5));
    co_await pause;
    --bench.now;
    bench.done.push_back(item);
    if (item == 13) co_return fail(ErrorKind::unavailable, "test.away");
    co_return Result<void>{};
}

Result<void> run(Bench& bench, std::vector<int> items, std::size_t limit) {
    std::function<Task<Result<void>>(int)> work = [&bench](int item) {
        return work_on(bench, item);
    };
    return run_to_end(at_once(std::move(items), limit, std::move(work)));
}

TEST(AtOnce, OneThatTakesLongHoldsUpNoOther) {
    Bench bench;
    EXPECT_TRUE(run(bench, {0, 1, 2, 3, 4, 5, 6}, 3));
    EXPECT_EQ(bench.most, 3U);
    ASSERT_EQ(bench.done.size(), 7U);
    EXPECT_EQ(bench.done.back(), 0);
    EXPECT_TRUE(run(bench, {}, 3));
}

TEST(AtOnce, AfterAnErrorNoneIsBegun) {
    Bench bench;
    const auto done = run(bench, {13, 1, 2, 3, 4, 5}, 2);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "test.away");
    EXPECT_EQ(bench.now, 0U) << "those that were begun have ended";
    EXPECT_LT(bench.done.size(), 5U);
}

}  // namespace
}  // namespace gh::net

#include "net/run_task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "base/try.hpp"

namespace gh::net {
namespace {

Task<Result<std::unique_ptr<int>>> seven_after_a_while() {
    co_await Sleep(*Loop::current(), milliseconds(1));
    co_return std::make_unique<int>(7);
}

TEST(RunToEnd, GivesWhatTheTaskReturned) {
    const auto seven = run_to_end(seven_after_a_while());
    ASSERT_TRUE(seven);
    EXPECT_EQ(**seven, 7);
}

Task<Result<void>> refuses() { co_return fail(ErrorKind::conflict, "test.refused"); }

TEST(RunToEnd, GivesTheErrorOfTheTask) {
    const auto result = run_to_end(refuses());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, "test.refused");
}

Task<Result<void>> throws() {
    co_await Sleep(*Loop::current(), milliseconds(1));
    throw std::runtime_error("a bug");
}

TEST(RunToEnd, ThrowsWhatTheTaskThrew) {
    EXPECT_THROW((void)run_to_end(throws()), std::runtime_error);
}

Task<Result<void>> nests() {
    GH_CO_TRY_VOID(run_to_end(refuses()));
    co_return Result<void>{};
}

TEST(RunToEnd, IsABugOnTheThreadOfARunningLoop) {
    EXPECT_THROW((void)run_to_end(nests()), std::logic_error);
}

}  // namespace
}  // namespace gh::net

#include "storage/alone.hpp"

#include <gtest/gtest.h>

#include "net/run_task.hpp"
#include "storage/testing.hpp"

namespace gh::storage {
namespace {

class AloneTest : public EngineTest {};

TEST_P(AloneTest, OneKeepsTheOthersOutUntilHeHasEnded) {
    const bool server = GetParam() == Dialect::postgres;
    open({.min = 1, .max = 1});
    auto other = another();
    const auto unkept = [&] { return !net::run_to_end(kept_by_one(*other)).value(); };
    EXPECT_TRUE(unkept());
    EXPECT_TRUE(unkept()) << "who has looked keeps nobody out";
    EXPECT_TRUE(net::run_to_end(take_alone(*database)).value());
    EXPECT_TRUE(net::run_to_end(take_alone(*database)).value()) << "he has it already";
    EXPECT_EQ(unkept(), !server);
    EXPECT_EQ(net::run_to_end(take_alone(*other)).value(), !server);
    EXPECT_TRUE(net::run_to_end(end_alone(*database)));
    EXPECT_TRUE(unkept());
}

INSTANTIATE_TEST_SUITE_P(Engines, AloneTest, both_engines, engine_name);

}  // namespace
}  // namespace gh::storage

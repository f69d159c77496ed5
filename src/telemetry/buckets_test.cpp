#include "telemetry/buckets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

namespace gh::telemetry {
namespace {

TEST(Buckets, BoundsAreInclusive) {
    struct Case {
        std::uint64_t nanoseconds;
        std::string_view bucket;
    };
    constexpr Case cases[] = {
        {0, "0.001"},
        {1'000'000, "0.001"},
        {1'000'001, "0.0025"},
        {2'500'000, "0.0025"},
        {2'500'001, "0.005"},
        {999'999'999, "1"},
        {1'000'000'000, "1"},
        {1'000'000'001, "2.5"},
        {10'000'000'000, "10"},
        {10'000'000'001, "+Inf"},
        {std::numeric_limits<std::uint64_t>::max(), "+Inf"},
    };
    const auto buckets = duration_buckets();
    for (const auto& c : cases) {
        SCOPED_TRACE(c.nanoseconds);
        EXPECT_EQ(buckets.text(buckets.index_of(c.nanoseconds)), c.bucket);
    }
}

TEST(Buckets, AgreeWithASearchEverywhereNearTheirBoundsAndNearPowersOfTwo) {
    const std::vector<double> bounds{1,  2,   3,   4,   5,   6,    7,   64,
                                     65, 100, 127, 128, 129, 4096, 1e9, 1e15};
    const Buckets buckets(bounds, 1);
    std::vector<std::uint64_t> values{0};
    for (const double bound : bounds) values.push_back(static_cast<std::uint64_t>(bound));
    for (unsigned bit = 0; bit < 64; ++bit) values.push_back(std::uint64_t{1} << bit);
    for (const auto middle : values) {
        for (const auto value : {middle - 1, middle, middle + 1}) {
            const auto expected = std::ranges::count_if(
                bounds, [&](double bound) { return static_cast<std::uint64_t>(bound) < value; });
            EXPECT_EQ(buckets.index_of(value), static_cast<std::size_t>(expected)) << value;
        }
    }
}

TEST(Buckets, RefuseBoundsThatDoNotAscend) {
    EXPECT_THROW(Buckets({1, 1}, 1), std::logic_error);
    EXPECT_THROW(Buckets({2, 1}, 1), std::logic_error);
    EXPECT_THROW(Buckets({0}, 1), std::logic_error);
    EXPECT_THROW(Buckets({-1}, 1), std::logic_error);
    EXPECT_THROW(Buckets({.001, .0011}, 100), std::logic_error);  // the same tick
    EXPECT_THROW(Buckets({std::numeric_limits<double>::infinity()}, 1), std::logic_error);
    EXPECT_THROW(Buckets(std::vector<double>(Buckets::bounds_max + 1, 1), 1), std::logic_error);
}

}  // namespace
}  // namespace gh::telemetry

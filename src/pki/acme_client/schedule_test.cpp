#include "pki/acme_client/schedule.hpp"

#include <gtest/gtest.h>

namespace gh::pki::acme_client {
namespace {

using std::chrono::days;
using std::chrono::hours;

const SystemTime begin{seconds(1'750'000'000)};
const SystemTime end = begin + days(90);

TEST(AcmeSchedule, WithoutAdviceALifeIsRenewedTwoThirdsIntoIt) {
    EXPECT_EQ(renewal_without_advice(begin, end, 0), begin + days(60));
    EXPECT_GT(renewal_without_advice(begin, end, 0.5), begin + days(60));
    EXPECT_LT(renewal_without_advice(begin, end, 1), begin + days(62));
}

TEST(AcmeSchedule, AdviceIsFollowedToAMomentOfItsWindow) {
    const RenewalWindow window{begin + days(50), begin + days(52)};
    EXPECT_EQ(renewal_within(window, begin, end, 0), window.start);
    EXPECT_EQ(renewal_within(window, begin, end, 0.5), begin + days(51));
    EXPECT_EQ(renewal_within(window, begin, end, 1), window.end);
    const RenewalWindow past{begin - days(2), begin - days(1)};
    EXPECT_LT(renewal_within(past, begin, end, 1), begin);
}

TEST(AcmeSchedule, AdviceDoesNotLetACertificateRunOut) {
    const RenewalWindow late{end + days(1), end + days(1000)};
    EXPECT_EQ(renewal_within(late, begin, end, 0.5), end - days(10));
}

TEST(AcmeSchedule, PausesDoubleToTheirMostAndAreShaken) {
    struct Case {
        Failure failure;
        std::uint32_t failures;
        seconds pause;
    };
    constexpr Case cases[] = {
        {Failure::away, 0, seconds(5)},        {Failure::away, 1, seconds(5)},
        {Failure::away, 2, seconds(10)},       {Failure::away, 5, seconds(80)},
        {Failure::away, 9, seconds(900)},      {Failure::away, 4'000'000'000, seconds(900)},
        {Failure::refused, 1, seconds(60)},    {Failure::refused, 2, seconds(900)},
        {Failure::refused, 3, seconds(1'800)}, {Failure::useless, 1, hours(6)},
        {Failure::useless, 2, hours(12)},      {Failure::useless, 9, hours(48)},
        {Failure::refused, 12, hours(6)},      {Failure::refused, 4'000'000'000, hours(6)},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.failures);
        EXPECT_EQ(pause_after(c.failure, c.failures, std::nullopt, 0.5), c.pause);
        EXPECT_EQ(pause_after(c.failure, c.failures, std::nullopt, 0), c.pause * 8 / 10);
        EXPECT_EQ(pause_after(c.failure, c.failures, std::nullopt, 1), c.pause * 12 / 10);
        EXPECT_EQ(pause_after(c.failure, c.failures, hours(60), 0.5), hours(60));
        EXPECT_EQ(pause_after(c.failure, c.failures, seconds(0), 0.5), c.pause);
    }
}

}  // namespace
}  // namespace gh::pki::acme_client

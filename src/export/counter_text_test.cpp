#include "export/counter_text.hpp"

#include <gtest/gtest.h>

namespace gh::exporting {
namespace {

using Sums = std::map<std::string, double, std::less<>>;

TEST(CounterText, SumsTheSamplesOfOneCounterByOneLabel) {
    const std::string_view page =
        "# HELP sent_total How many.\n# TYPE sent_total counter\n"
        "sent_total{integration=\"webhook\"} 3\n"
        "sent_total{integration=\"slack\",receiver=\"a\"} 1\n"
        "sent_total{receiver=\"b,}\\\"\",integration=\"slack\"} 1e1 1700000000000\n"
        "sent_total_more{integration=\"webhook\"} 50\n"
        "resent_total{integration=\"webhook\"} 50\n"
        "other{integration=\"webhook\"} 50\n"
        "sent_total{integration=\"pagerduty\"} 0\r\n";
    EXPECT_EQ(read_counter(page, "sent_total", "integration"),
              (Sums{{"webhook", 3}, {"slack", 11}, {"pagerduty", 0}}));
}

TEST(CounterText, PassesOverWhatIsNoSample) {
    for (const std::string_view line :
         {"sent_total", "sent_total 3", "sent_total{", "sent_total{integration",
          "sent_total{integration=\"web", "sent_total{integration=\"web\\\"} 3",
          "sent_total{integration=\"web\"", "sent_total{integration=\"web\"}",
          "sent_total{integration=\"web\"} NaN", "sent_total{integration=\"web\"} +Inf",
          "sent_total{integration=\"web\"} 3x", "sent_total{other=\"web\"} 3", "", "\n\n"}) {
        EXPECT_EQ(read_counter(line, "sent_total", "integration"), Sums{}) << line;
    }
}

TEST(CounterText, KeepsNoMoreValuesThanThereMayBe) {
    std::string page;
    for (int i = 0; i < 150; ++i) page += "n{a=\"" + std::to_string(i) + "\"} 1\n";
    page += "n{a=\"0\"} 1\n";
    const auto sums = read_counter(page, "n", "a");
    EXPECT_EQ(sums.size(), counter_values_max);
    EXPECT_EQ(sums.at("0"), 2) << "those that are known go on counting";
}

}  // namespace
}  // namespace gh::exporting

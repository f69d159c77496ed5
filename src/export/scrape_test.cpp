#include "export/scrape.hpp"

#include <gtest/gtest.h>

namespace gh::exporting {
namespace {

TEST(WantedFormat, IsOpenMetricsWhereItIsNamedAndNoLessWelcome) {
    struct Case {
        std::string_view accept;
        bool open;
    };
    constexpr Case cases[] = {
        {"", false},
        {"*/*", false},
        {"text/plain", false},
        {"application/openmetrics-text", true},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q="
         "0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         true},
        {"application/openmetrics-text; q=0.5, text/plain", false},
        {"application/openmetrics-text; q=0", false},
        {"application/openmetrics-text;q=2", false},
        {"application/openmetrics-text;q=x", false},
        {"application/openmetrics-text;q=", false},
        {" application/openmetrics-text ; version=1.0.0 ; q=0.6 , text/plain;q=0.5", true},
        {",,;;,=;q=;,", false},
        {"application/openmetrics-textual", false},
    };
    for (const auto& c : cases)
        EXPECT_EQ(wanted_format(c.accept) == PageFormat::open_metrics, c.open) << c.accept;
}

}  // namespace
}  // namespace gh::exporting

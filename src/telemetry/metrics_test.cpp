#include "telemetry/metrics.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <stdexcept>
#include <thread>

namespace gh::telemetry {
namespace {

std::string page_of(const Registry& registry) {
    std::string page;
    registry.render(page);
    return page;
}

TEST(Registry, RendersEveryKindInTextFormat) {
    Registry registry;
    auto& requests = registry.counter(
        {.name = "b_requests_total", .help = "Requests.", .labels = {"method", "status"}});
    requests.with({"GET", "200"}).add(3);
    requests.with({"POST", "404"}).add();
    registry.one_gauge("c_open", "Open now.").add(-2);
    auto& seconds = registry.histogram(
        {.name = "a_seconds", .help = "How long.", .labels = {"route"}}, Buckets({.5, 1}, 1e9));
    auto& route = seconds.with({"/x"});
    route.observe(std::chrono::milliseconds(250));
    route.observe(std::chrono::milliseconds(500));
    route.observe(std::chrono::milliseconds(750));
    route.observe(std::chrono::seconds(2));
    route.observe(std::chrono::nanoseconds(-5));
    EXPECT_EQ(page_of(registry),
              "# HELP a_seconds How long.\n"
              "# TYPE a_seconds histogram\n"
              "a_seconds_bucket{route=\"/x\",le=\"0.5\"} 3\n"
              "a_seconds_bucket{route=\"/x\",le=\"1\"} 4\n"
              "a_seconds_bucket{route=\"/x\",le=\"+Inf\"} 5\n"
              "a_seconds_sum{route=\"/x\"} 3.5\n"
              "a_seconds_count{route=\"/x\"} 5\n"
              "# HELP b_requests_total Requests.\n"
              "# TYPE b_requests_total counter\n"
              "b_requests_total{method=\"GET\",status=\"200\"} 3\n"
              "b_requests_total{method=\"POST\",status=\"404\"} 1\n"
              "# HELP c_open Open now.\n"
              "# TYPE c_open gauge\n"
              "c_open -2\n");
}

TEST(Registry, RendersOpenMetricsWithTheLastExemplarOfABucket) {
    Registry registry;
    registry.counter({.name = "b_total", .help = "Some \"b\".", .labels = {"l"}})
        .with({"x"})
        .add(3);
    auto& histogram = registry
                          .histogram({.name = "a_seconds", .help = "How long.", .labels = {}},
                                     Buckets({0.5, 1}, 1e9))
                          .with({});
    Exemplar exemplar{.trace_id = {1},
                      .span_id = {2},
                      .ticks = 700'000'000,
                      .at = SystemTime(std::chrono::milliseconds(1'500))};
    histogram.observe(exemplar);
    exemplar.trace_id = {3};
    histogram.observe(exemplar);
    std::string page;
    registry.render(page, PageFormat::open_metrics);
    EXPECT_EQ(page,
              "# HELP a_seconds How long.\n"
              "# TYPE a_seconds histogram\n"
              "a_seconds_bucket{le=\"0.5\"} 0\n"
              "a_seconds_bucket{le=\"1.0\"} 2 # {trace_id=\"03000000000000000000000000000000\","
              "span_id=\"0200000000000000\"} 0.7 1.500\n"
              "a_seconds_bucket{le=\"+Inf\"} 2\n"
              "a_seconds_sum 1.4\n"
              "a_seconds_count 2\n"
              "# HELP b Some \\\"b\\\".\n"
              "# TYPE b counter\n"
              "b_total{l=\"x\"} 3\n"
              "# EOF\n");
    EXPECT_FALSE(page_of(registry).contains("trace_id"));
}

TEST(Registry, LeavesOutFamiliesWithoutSeriesAndShowsSingleOnesAsZero) {
    Registry registry;
    static_cast<void>(registry.counter({.name = "never_total", .help = "h", .labels = {"a"}}));
    static_cast<void>(registry.one_counter("once_total", "h"));
    EXPECT_EQ(page_of(registry), "# HELP once_total h\n# TYPE once_total counter\nonce_total 0\n");
}

TEST(Registry, EscapesLabelValuesAndHelp) {
    Registry registry;
    auto& family =
        registry.gauge({.name = "g", .help = "back\\slash\nnew \"line\"", .labels = {"v"}});
    family.with({"a\\b\"c\nd"}).set(1);
    family.with({"caf\xc3\xa9 \xff\xc3"}).set(2);
    EXPECT_EQ(page_of(registry),
              "# HELP g back\\\\slash\\nnew \"line\"\n"
              "# TYPE g gauge\n"
              "g{v=\"a\\\\b\\\"c\\nd\"} 1\n"
              "g{v=\"caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\"} 2\n");
}

TEST(Registry, CutsLongLabelValuesBetweenCharacters) {
    Registry registry;
    auto& family = registry.counter({.name = "x_total", .help = "h", .labels = {"v"}});
    const std::string base(label_value_bytes_max - 1, 'a');
    family.with({base + "\xc3\xa9" + "one"}).add(1);
    family.with({base + "\xc3\xa9" + "two"}).add(1);  // differs beyond the cut only
    EXPECT_EQ(page_of(registry),
              "# HELP x_total h\n# TYPE x_total counter\nx_total{v=\"" + base + "\"} 2\n");
}

TEST(Family, GivesTheSameSeriesForTheSameValuesAndKeepsItsAddress) {
    Registry registry;
    auto& family = registry.counter(
        {.name = "x_total", .help = "h", .labels = {"a", "b"}, .series_max = 3000});
    auto& first = family.with({"1", "2"});
    for (int i = 0; i < 2000; ++i) static_cast<void>(family.with({std::to_string(i), "x"}));
    EXPECT_EQ(&first, &family.with({"1", "2"}));
    EXPECT_NE(&first, &family.with({"2", "1"}));
    // Values are not run together: these two differ only in where the quote stands.
    EXPECT_NE(&family.with({"a\",b=\"c", ""}), &family.with({"a", "c"}));
}

TEST(Family, BeyondItsBoundCountsEverythingElseAsOther) {
    Registry registry;
    auto& family =
        registry.counter({.name = "x_total", .help = "h", .labels = {"a", "b"}, .series_max = 2});
    family.with({"1", "1"}).add(1);
    family.with({"2", "2"}).add(2);
    family.with({"3", "3"}).add(4);
    family.with({"4", "4"}).add(8);
    family.with({"1", "1"}).add(16);
    EXPECT_EQ(page_of(registry),
              "# HELP x_total h\n# TYPE x_total counter\n"
              "x_total{a=\"1\",b=\"1\"} 17\n"
              "x_total{a=\"2\",b=\"2\"} 2\n"
              "x_total{a=\"other\",b=\"other\"} 12\n"
              "# HELP gatehouse_metric_series_overflow_total Look-ups of a series that found the "
              "metric full and got "
              "its series \"other\".\n"
              "# TYPE gatehouse_metric_series_overflow_total counter\n"
              "gatehouse_metric_series_overflow_total{metric=\"x_total\"} 2\n");
}

TEST(Family, UsesAnExistingOtherForWhatIsBeyondItsBound) {
    Registry registry;
    auto& family =
        registry.counter({.name = "x_total", .help = "h", .labels = {"a"}, .series_max = 1});
    auto& other = family.with({"other"});
    EXPECT_EQ(&other, &family.with({"new"}));
}

TEST(Registry, CountsExactlyWhileThreadsMakeSeriesCountAndScrape) {
    constexpr int rounds = 3000;
    constexpr int workers = 6;
    Registry registry;
    auto& counters = registry.counter({.name = "x_total", .help = "h", .labels = {"i"}});
    auto& histograms = registry.histogram({.name = "y_seconds", .help = "h", .labels = {"i"}});
    auto& open = registry.one_gauge("z", "h");
    std::atomic<bool> done{false};
    std::thread scraper([&] {
        while (!done.load()) EXPECT_FALSE(page_of(registry).empty());
    });
    std::vector<std::thread> threads;
    for (int worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&, worker] {
            set_shard(worker < 4 ? static_cast<std::size_t>(worker) + 1 : 0);
            for (int i = 0; i < rounds; ++i) {
                const auto label = std::to_string(i % 50);
                counters.with({label}).add(2);
                histograms.with({label}).observe(static_cast<std::uint64_t>(i) * 1000);
                open.add(i % 2 == 0 ? 3 : -3);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    done = true;
    scraper.join();

    std::uint64_t counted = 0, observed = 0, ticks = 0;
    for (int i = 0; i < 50; ++i) {
        counted += counters.with({std::to_string(i)}).value();
        observed += histograms.with({std::to_string(i)}).count();
        ticks += histograms.with({std::to_string(i)}).sum_ticks();
    }
    EXPECT_EQ(counted, std::uint64_t{2} * workers * rounds);
    EXPECT_EQ(observed, std::uint64_t{workers} * rounds);
    EXPECT_EQ(ticks, std::uint64_t{workers} * 1000 * rounds * (rounds - 1) / 2);
    EXPECT_EQ(open.value(), 0);
}

TEST(Registry, TheSameDescriptionIsTheSameFamilyAndAnotherOneIsABug) {
    Registry registry;
    auto& family = registry.counter({.name = "x_total", .help = "h", .labels = {"a"}});
    EXPECT_EQ(&family,
              &registry.counter({.name = "x_total", .help = "another text", .labels = {"a"}}));
    EXPECT_THROW(
        static_cast<void>(registry.counter({.name = "x_total", .help = "h", .labels = {"b"}})),
        std::logic_error);
    EXPECT_THROW(registry.collect({.name = "x_total", .help = "h", .labels = {"a"}},
                                  MetricType::counter, [](Samples&) {}),
                 std::logic_error);
    EXPECT_THROW(static_cast<void>(family.with({})), std::logic_error);
    EXPECT_THROW(static_cast<void>(family.with({"1", "2"})), std::logic_error);
}

TEST(Registry, RefusesNamesThatPrometheusWouldMisread) {
    Registry registry;
    struct Case {
        std::string name, label;
    };
    const Case cases[] = {
        {"", "a"},          {"0x", "a"},    {"a-b", "a"},          {"x\n", "a"}, {"x_total", "a"},
        {"x_count", "a"},   {"x_sum", "a"}, {"x_bucket", "a"},     {"x", "le"},  {"x", "__name"},
        {"x", "with-dash"}, {"x", ""},      {"x", "colon:inside"}, {"x", "9"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name + "/" + c.label);
        EXPECT_THROW(
            static_cast<void>(registry.gauge({.name = c.name, .help = "h", .labels = {c.label}})),
            std::logic_error);
    }
    EXPECT_THROW(static_cast<void>(registry.counter({.name = "x", .help = "h"})), std::logic_error);
    EXPECT_THROW(static_cast<void>(registry.gauge({.name = "x", .help = ""})), std::logic_error);
    EXPECT_THROW(
        static_cast<void>(registry.gauge({.name = "x", .help = "h", .labels = {"a", "a"}})),
        std::logic_error);
    EXPECT_NO_THROW(
        static_cast<void>(registry.gauge({.name = "ok:9", .help = "h", .labels = {"_a9"}})));
}

TEST(Registry, AsksCollectorsAtEveryScrapeAndBoundsThem) {
    Registry registry;
    double value = 0.25;
    registry.collect({.name = "t", .help = "h", .labels = {"name"}, .series_max = 3},
                     MetricType::gauge, [&](Samples& samples) {
                         samples.add({"now"}, value);
                         samples.add({"never"}, std::numeric_limits<double>::quiet_NaN());
                         samples.add({"far"}, std::numeric_limits<double>::infinity());
                         samples.add({"one too many"}, 1);
                     });
    const std::string head = "# HELP t h\n# TYPE t gauge\n",
                      tail = "t{name=\"never\"} NaN\nt{name=\"far\"} +Inf\n";
    EXPECT_TRUE(page_of(registry).starts_with(head + "t{name=\"now\"} 0.25\n" + tail +
                                              "# HELP gatehouse_metric_"));
    value = 1e12;
    EXPECT_TRUE(page_of(registry).starts_with(head + "t{name=\"now\"} 1000000000000\n" + tail));
    registry.collect({.name = "t", .help = "h", .labels = {"name"}}, MetricType::gauge,
                     [](Samples&) {});
    EXPECT_FALSE(page_of(registry).contains("# TYPE t gauge"));
}

}  // namespace
}  // namespace gh::telemetry

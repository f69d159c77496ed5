#include "telemetry/http_metrics.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gh::telemetry {
namespace {

using std::chrono::milliseconds;

std::string page_of(const Registry& registry) {
    std::string page;
    registry.render(page);
    return page;
}

constexpr std::size_t get = 0, post = 2;

TEST(HttpMetrics, CountsWithTheTemplateAndTheExactStatus) {
    Registry registry;
    HttpMetrics metrics(registry);
    auto& route = metrics.route("/api/{id}");
    route.started(get);
    route.finished(get, 200, milliseconds(3), 0, 100);
    route.started(get);
    route.finished(get, 404, milliseconds(3), 0, 10);
    route.started(get);
    route.finished(get, 405, milliseconds(3), 0, 1);
    route.started(post);
    const auto page = page_of(registry);
    for (const std::string_view line : {
             "http_requests_total{method=\"GET\",handler=\"/api/{id}\",status=\"200\"} 1\n",
             "http_requests_total{method=\"GET\",handler=\"/api/{id}\",status=\"404\"} 1\n",
             "http_requests_total{method=\"GET\",handler=\"/api/{id}\",status=\"405\"} 1\n",
             "http_request_duration_seconds_bucket{method=\"GET\",handler=\"/api/"
             "{id}\",le=\"0.0025\"} 0\n",
             "http_request_duration_seconds_bucket{method=\"GET\",handler=\"/api/"
             "{id}\",le=\"0.005\"} 3\n",
             "http_request_duration_seconds_count{method=\"GET\",handler=\"/api/{id}\"} 3\n",
             "http_request_duration_seconds_sum{method=\"GET\",handler=\"/api/{id}\"} 0.009\n",
             "vos_http_requests_inprogress{method=\"GET\",handler=\"/api/{id}\"} 0\n",
             "vos_http_requests_inprogress{method=\"POST\",handler=\"/api/{id}\"} 1\n",
             "gatehouse_http_request_bytes_total{handler=\"/api/{id}\"} 0\n",
             "gatehouse_http_response_bytes_total{handler=\"/api/{id}\"} 111\n",
         }) {
        EXPECT_TRUE(page.contains(line)) << line << "\nin\n" << page;
    }
}

TEST(HttpMetrics, OddMethodsAndStatusesHaveOneNameEach) {
    Registry registry;
    HttpMetrics metrics(registry);
    auto& route = metrics.route("/");
    constexpr std::size_t methods[] = {9, 10, 4'000'000'000};
    constexpr unsigned statuses[] = {0, 99, 600, 4'000'000'000};
    for (const auto method : methods) {
        for (const auto status : statuses) {
            route.started(method);
            route.finished(method, status, milliseconds(1), 0, 0);
        }
    }
    route.started(9);
    route.finished(9, 100, milliseconds(1), 0, 0);
    route.started(9);
    route.finished(9, 599, milliseconds(1), 0, 0);
    const auto page = page_of(registry);
    EXPECT_TRUE(
        page.contains("http_requests_total{method=\"OTHER\",handler=\"/\",status=\"none\"} 12\n"))
        << page;
    EXPECT_TRUE(
        page.contains("http_requests_total{method=\"OTHER\",handler=\"/\",status=\"100\"} 1\n"));
    EXPECT_TRUE(
        page.contains("http_requests_total{method=\"OTHER\",handler=\"/\",status=\"599\"} 1\n"));
    EXPECT_TRUE(page.contains("vos_http_requests_inprogress{method=\"OTHER\",handler=\"/\"} 0\n"));
}

TEST(HttpMetrics, AddUpOverWorkersThatMeetARouteTogether) {
    constexpr int rounds = 2000;
    Registry registry;
    HttpMetrics metrics(registry);
    std::vector<std::thread> workers;
    for (std::size_t worker = 1; worker <= 4; ++worker) {
        workers.emplace_back([&, worker] {
            set_shard(worker);
            auto& route = metrics.route("/shared");
            for (int i = 0; i < rounds; ++i) {
                route.started(get);
                route.finished(get, 200 + static_cast<unsigned>(i % 4), milliseconds(1), 7, 11);
            }
        });
    }
    for (auto& worker : workers) worker.join();
    const auto page = page_of(registry);
    for (const auto* status : {"200", "201", "202", "203"}) {
        EXPECT_TRUE(page.contains(
            std::string("http_requests_total{method=\"GET\",handler=\"/shared\",status=\"") +
            status + "\"} 2000\n"))
            << page;
    }
    EXPECT_TRUE(page.contains(
        "http_request_duration_seconds_count{method=\"GET\",handler=\"/shared\"} 8000\n"));
    EXPECT_TRUE(
        page.contains("vos_http_requests_inprogress{method=\"GET\",handler=\"/shared\"} 0\n"));
    EXPECT_TRUE(page.contains("gatehouse_http_request_bytes_total{handler=\"/shared\"} 56000\n"));
    EXPECT_TRUE(page.contains("gatehouse_http_response_bytes_total{handler=\"/shared\"} 88000\n"));
}

TEST(HttpMetrics, ARouteThatComesBackGoesOnCounting) {
    Registry registry;
    HttpMetrics metrics(registry);
    EXPECT_EQ(&metrics.route("/a"), &metrics.route("/a"));
    EXPECT_NE(&metrics.route("/a"), &metrics.route("/b"));
}

TEST(HttpMetrics, RoutesBeyondTheBoundShareOneName) {
    Registry registry;
    HttpMetrics metrics(registry);
    for (std::size_t i = 0; i < HttpMetrics::routes_max; ++i) {
        EXPECT_EQ(metrics.route("/" + std::to_string(i)).handler(), "/" + std::to_string(i));
    }
    auto& other = metrics.route("/one/more");
    EXPECT_EQ(other.handler(), "other");
    EXPECT_EQ(&other, &metrics.route("/and/another"));
    EXPECT_EQ(metrics.route("/0").handler(), "/0");
}

}  // namespace
}  // namespace gh::telemetry

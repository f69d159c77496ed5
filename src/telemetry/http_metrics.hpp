#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace gh::telemetry {

/// The values of the label `method`, in the order of http::Method. Everything else is "OTHER".
inline constexpr std::array<std::string_view, 10> http_methods{
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"};

class HttpMetrics;

/// What one route template counts. All calls are thread-safe and, after the first of their kind,
/// without a lock.
class RouteMetrics {
 public:
    RouteMetrics(HttpMetrics& house, std::string handler);
    RouteMetrics(const RouteMetrics&) = delete;
    RouteMetrics& operator=(const RouteMetrics&) = delete;

    /// One more in progress. Each call is answered by one finished() with the same method.
    /// @param method  index into http_methods
    void started(std::size_t method) noexcept { of(method).in_progress->add(1); }

    /// @param status  100 .. 599 as sent to the client; anything else counts as "none": there was
    /// no answer
    /// @param exemplar  of the duration; null: nobody keeps its trace
    void finished(std::size_t method, unsigned status, std::chrono::nanoseconds duration,
                  std::uint64_t bytes_in, std::uint64_t bytes_out,
                  const Exemplar* exemplar = nullptr) noexcept;

    [[nodiscard]] const std::string& handler() const noexcept { return handler_; }

 private:
    static constexpr unsigned status_first = 100, status_last = 599;
    struct MethodSeries {
        Gauge* in_progress;
        Histogram* duration;
        // By status; the last one is "none".
        std::array<std::atomic<Counter*>, status_last - status_first + 2> requests{};
    };

    [[nodiscard]] MethodSeries& of(std::size_t method) noexcept {
        if (method >= http_methods.size()) method = http_methods.size() - 1;
        auto* series = methods_[method].load(std::memory_order_acquire);
        return series != nullptr ? *series : resolve(method);
    }
    [[nodiscard]] MethodSeries& resolve(std::size_t method) noexcept;
    [[nodiscard]] Counter& resolve(MethodSeries& series, std::size_t method,
                                   std::size_t slot) noexcept;

    HttpMetrics& house_;
    const std::string handler_;
    Counter& bytes_in_;
    Counter& bytes_out_;
    std::array<std::atomic<MethodSeries*>, http_methods.size()> methods_{};
    std::array<std::unique_ptr<MethodSeries>, http_methods.size()> owned_;
};

/// What a route whose requests are questions counts besides, each time one has been asked.
struct QueryMetrics {
    Counter& succeeded;
    Counter& failed;
    Histogram& duration;

    /// @param status  as sent to the client; nothing but 2xx and 3xx is success
    void finished(unsigned status, std::chrono::nanoseconds took) const noexcept {
        (status >= 200 && status < 400 ? succeeded : failed).add();
        duration.observe(took);
    }
};

/// The HTTP series: `http_requests_total{method,handler,status}`,
/// `http_request_duration_seconds{method,handler}`, `vos_http_requests_inprogress{method,handler}`,
/// `gatehouse_http_request_bytes_total{handler}`, `gatehouse_http_response_bytes_total{handler}`;
/// and of questions `queries_total{handler,status}`, `query_duration_seconds{handler}`.
class HttpMetrics {
 public:
    static constexpr std::size_t routes_max = 1000;
    static constexpr std::size_t series_max = 20'000;

    explicit HttpMetrics(Registry& registry);

    /// Finds or makes the metrics of a route. Takes a lock: keep the reference, it lives as long as
    /// this object, and a route that comes back after a reload goes on counting where it was.
    /// @param handler  the route's template, never a path as sent. Beyond `routes_max`: "other"
    [[nodiscard]] RouteMetrics& route(std::string_view handler);
    /// The same for questions.
    [[nodiscard]] QueryMetrics queries(std::string_view handler) {
        return {queries_.with({handler, "success"}), queries_.with({handler, "error"}),
                query_duration_.with({handler})};
    }

 private:
    friend RouteMetrics;
    Family<Counter>& requests_;
    Family<Histogram>& duration_;
    Family<Gauge>& in_progress_;
    Family<Counter>& bytes_in_;
    Family<Counter>& bytes_out_;
    Family<Counter>& queries_;
    Family<Histogram>& query_duration_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<RouteMetrics>, std::less<>> routes_;
};

}  // namespace gh::telemetry

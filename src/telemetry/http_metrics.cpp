#include "telemetry/http_metrics.hpp"

#include <fmt/format.h>

namespace gh::telemetry {

RouteMetrics::RouteMetrics(HttpMetrics& house, std::string handler)
    : house_(house),
      handler_(std::move(handler)),
      bytes_in_(house.bytes_in_.with({handler_})),
      bytes_out_(house.bytes_out_.with({handler_})) {}

RouteMetrics::MethodSeries& RouteMetrics::resolve(std::size_t method) noexcept {
    const auto name = http_methods[method];
    auto fresh = std::make_unique<MethodSeries>(&house_.in_progress_.with({name, handler_}),
                                                &house_.duration_.with({name, handler_}));
    MethodSeries* expected = nullptr;
    // Two workers that meet here have found the same series; one of the copies is enough.
    auto& series = *fresh;
    if (!methods_[method].compare_exchange_strong(expected, &series, std::memory_order_acq_rel)) {
        return *expected;
    }
    owned_[method] = std::move(fresh);  // only who won gets here
    return series;
}

Counter& RouteMetrics::resolve(MethodSeries& series, std::size_t method,
                               std::size_t slot) noexcept {
    const fmt::format_int digits(slot + status_first);
    const std::string_view status = slot + 1 == series.requests.size()
                                        ? "none"
                                        : std::string_view(digits.data(), digits.size());
    auto& counter = house_.requests_.with({http_methods[method], handler_, status});
    series.requests[slot].store(&counter, std::memory_order_release);
    return counter;
}

void RouteMetrics::finished(std::size_t method, unsigned status, std::chrono::nanoseconds duration,
                            std::uint64_t bytes_in, std::uint64_t bytes_out,
                            const Exemplar* exemplar) noexcept {
    if (method >= http_methods.size()) method = http_methods.size() - 1;
    auto& series = of(method);
    const std::size_t slot = status >= status_first && status <= status_last
                                 ? status - status_first
                                 : series.requests.size() - 1;
    auto* counter = series.requests[slot].load(std::memory_order_acquire);
    if (counter == nullptr) [[unlikely]]
        counter = &resolve(series, method, slot);
    counter->add(1);
    exemplar != nullptr ? series.duration->observe(*exemplar) : series.duration->observe(duration);
    series.in_progress->sub(1);
    if (bytes_in > 0) bytes_in_.add(bytes_in);
    if (bytes_out > 0) bytes_out_.add(bytes_out);
}

HttpMetrics::HttpMetrics(Registry& registry)
    : requests_(
          registry.counter({.name = "http_requests_total",
                            .help = "Requests answered, by method, route template and status.",
                            .labels = {"method", "handler", "status"},
                            .series_max = series_max})),
      duration_(registry.histogram(
          {.name = "http_request_duration_seconds",
           .help = "From the request's first byte to the last byte of its answer.",
           .labels = {"method", "handler"},
           .series_max = series_max})),
      in_progress_(registry.gauge({.name = "vos_http_requests_inprogress",
                                   .help = "Requests begun and not yet finished.",
                                   .labels = {"method", "handler"},
                                   .series_max = series_max})),
      bytes_in_(registry.counter({.name = "gatehouse_http_request_bytes_total",
                                  .help = "Bytes of request bodies received.",
                                  .labels = {"handler"},
                                  .series_max = routes_max + 1})),
      bytes_out_(registry.counter({.name = "gatehouse_http_response_bytes_total",
                                   .help = "Bytes of response bodies sent.",
                                   .labels = {"handler"},
                                   .series_max = routes_max + 1})),
      queries_(registry.counter({.name = "queries_total",
                                 .help = "Requests of routes whose kind is query, by outcome: "
                                         "success (2xx, 3xx) or error.",
                                 .labels = {"handler", "status"},
                                 .series_max = 2 * routes_max})),
      query_duration_(registry.histogram({.name = "query_duration_seconds",
                                          .help = "The same, from their first byte to the last "
                                                  "byte of the answer.",
                                          .labels = {"handler"},
                                          .series_max = routes_max})) {}

RouteMetrics& HttpMetrics::route(std::string_view handler) {
    const std::scoped_lock lock(mutex_);
    auto found = routes_.find(handler);
    if (found != routes_.end()) return *found->second;
    if (routes_.size() >= routes_max) {
        handler = "other";
        found = routes_.find(handler);
        if (found != routes_.end()) return *found->second;
    }
    auto fresh = std::make_unique<RouteMetrics>(*this, std::string(handler));
    return *routes_.emplace(std::string(handler), std::move(fresh)).first->second;
}

}  // namespace gh::telemetry

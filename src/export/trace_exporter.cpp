#include "export/trace_exporter.hpp"

#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "export/log_queue.hpp"

namespace gh::exporting {

class TraceExporter::Impl {
 public:
    Impl(TraceExporterOptions options, telemetry::Registry& registry, telemetry::Log& log)
        : options_(std::move(options)),
          log_(log),
          exported_(registry.one_counter("gatehouse_trace_spans_exported_total",
                                         "Spans that the collector has taken.")),
          queue_full_(dropped(registry).with({"queue_full"})),
          refused_(dropped(registry).with({"refused"})),
          stopped_(dropped(registry).with({"stopped"})),
          failures_(registry.one_counter(
              "gatehouse_trace_export_failures_total",
              "Attempts to send spans that failed, whether they were tried again or not.")),
          queue_(options_.queue_bytes_max, options_.batch_bytes),
          collector_(loop_, resolver_, options_.endpoint) {
        loop_.post([this] { spawn(rounds()); });
        thread_ = std::jthread([this] { loop_.run(); });
    }
    ~Impl() { close(std::chrono::milliseconds{0}); }

    void append(const telemetry::Trace& trace, const telemetry::SpanRecord& root) noexcept {
        thread_local std::string spans;
        std::size_t count = 1;
        LogQueue::Added added = LogQueue::Added::no_room;
        try {
            spans.clear();
            otlp::append_span(spans, options_.encoding, trace.id(), root, trace.spans_dropped());
            trace.for_each([&](const telemetry::SpanRecord& each) {
                otlp::append_span(spans, options_.encoding, trace.id(), each);
                ++count;
            });
            added = queue_.add(spans);
        } catch (const std::bad_alloc&) {
            // As if there were no room.
        }
        if (added == LogQueue::Added::no_room) queue_full_.add(count);
        if (added == LogQueue::Added::batch_is_full && !ringing_.exchange(true))
            loop_.post([this] { bell_.wake(); });
    }

    void close(std::chrono::milliseconds timeout) noexcept {
        if (!thread_.joinable()) return;
        loop_.post([this, timeout] {
            ends_at_ = loop_.now() + timeout;
            queue_.shut();
            bell_.wake();
            if (pause_) pause_->wake();
        });
        thread_.join();
    }

 private:
    static telemetry::Family<telemetry::Counter>& dropped(telemetry::Registry& registry) {
        return registry.counter({.name = "gatehouse_trace_spans_dropped_total",
                                 .help = "Spans that no collector has got, by why.",
                                 .labels = {"reason"}});
    }

    [[nodiscard]] bool ending() const { return ends_at_ != SteadyTime::max(); }
    [[nodiscard]] bool over() const { return loop_.now() >= ends_at_; }

    Task<> rounds() {
        for (;;) {
            bell_.expire_at(std::min(loop_.now() + options_.interval, ends_at_));
            if (!ending()) co_await bell_.wait();
            ringing_ = false;
            const bool last = ending();
            co_await send_all();
            if (last) break;
        }
        loop_.stop();
    }

    Task<> send_all() {
        LogQueue::Batch batch;
        std::string spans;
        for (std::size_t shard = 0; shard < telemetry::shards_max; ++shard) {
            if (!queue_.take(shard, batch)) continue;
            spans += batch.text;
            // What is on its way counts no more against the bound; it is one body.
            queue_.give_back(batch);
            if (spans.size() >= options_.batch_bytes) co_await send(std::exchange(spans, {}));
        }
        if (!spans.empty()) co_await send(std::move(spans));
    }

    /// Until it is taken, refused, or no time is left.
    Task<> send(std::string spans) {
        const auto count = otlp::count(options_.encoding, spans);
        const auto body = otlp::body(options_.encoding, options_.resource, spans);
        Backoff backoff(options_.retry_first, options_.retry_max);
        while (!ending() || !over()) {
            const auto answer =
                co_await collector_.post(body, otlp::content_type(options_.encoding), patience());
            if (answer.taken) {
                exported_.add(count);
                tell(true, {});
                co_return;
            }
            failures_.add();
            tell(false, answer.why);
            if (!answer.worth_a_retry) {
                refused_.add(count);
                co_return;
            }
            co_await wait(std::max(
                backoff.next(),
                std::chrono::duration_cast<std::chrono::milliseconds>(answer.retry_after)));
        }
        stopped_.add(count);
    }

    /// Of an attempt: as long as it may take, and at the end as long as there is.
    [[nodiscard]] std::chrono::milliseconds patience() const {
        if (!ending()) return options_.timeout;
        return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(ends_at_ - loop_.now()),
                          std::chrono::milliseconds{1}, options_.timeout);
    }

    Task<> wait(std::chrono::milliseconds pause) {
        net::Sleep sleep(loop_, pause);
        sleep.wakeup.expire_at(std::min(loop_.now() + pause, ends_at_));
        pause_ = &sleep.wakeup;
        co_await sleep;
        pause_ = nullptr;
    }

    /// Once for each change.
    void tell(bool well, std::string_view why) {
        if (std::exchange(well_, well) == well) return;
        if (well) {
            log_.info("export", "the trace collector takes spans again");
        } else {
            log_.warning("export",
                         "spans could not be sent; they are kept as long as there is room")
                .field("endpoint", collector_.url().authority)
                .field("detail", why);
        }
    }

    const TraceExporterOptions options_;
    telemetry::Log& log_;
    telemetry::Counter& exported_;
    telemetry::Counter& queue_full_;
    telemetry::Counter& refused_;
    telemetry::Counter& stopped_;
    telemetry::Counter& failures_;
    LogQueue queue_;
    std::atomic<bool> ringing_ = false;
    net::Loop loop_;
    net::Resolver resolver_;
    Collector collector_;
    net::Wakeup bell_{loop_};
    net::Wakeup* pause_ = nullptr;
    SteadyTime ends_at_ = SteadyTime::max();
    bool well_ = true;
    std::jthread thread_;
};

TraceExporter::TraceExporter(TraceExporterOptions options, telemetry::Registry& registry,
                             telemetry::Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), registry, log)) {}
TraceExporter::~TraceExporter() = default;

void TraceExporter::append(const telemetry::Trace& trace,
                           const telemetry::SpanRecord& root) noexcept {
    impl_->append(trace, root);
}

void TraceExporter::close(std::chrono::milliseconds timeout) noexcept { impl_->close(timeout); }

}  // namespace gh::exporting

#include "export/trace_exporter.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "export/log_queue.hpp"
#include "export/push_thread.hpp"

namespace gh::exporting {
namespace {

/// Spans as they may leave: what is personal or secret in their attributes has been replaced, as in the logs.
class Redaction {
 public:
    explicit Redaction(const telemetry::RedactorSource* source)
        : redactor_(source != nullptr ? source->current() : nullptr) {}

    /// Good until the next one.
    telemetry::SpanRecord of(telemetry::SpanRecord span) {
        if (!redactor_) return span;
        attributes_.assign(span.attributes.begin(), span.attributes.end());
        texts_.clear();
        for (auto& attribute : attributes_) {
            const auto* text = std::get_if<std::string_view>(&attribute.value);
            std::string clean;
            if (text != nullptr && redactor_->redact(*text, clean, telemetry::Redactor::Form::text))
                attribute.value = std::string_view(texts_.emplace_back(std::move(clean)));
        }
        span.attributes = attributes_;
        return span;
    }

 private:
    std::shared_ptr<const telemetry::Redactor> redactor_;
    std::vector<telemetry::Attribute> attributes_;
    std::deque<std::string> texts_;
};

}  // namespace

class TraceExporter::Impl {
 public:
    Impl(TraceExporterOptions options, telemetry::Registry& registry, telemetry::Log& log)
        : options_(std::move(options)),
          log_(log),
          exported_(registry.one_counter("gatehouse_trace_spans_exported_total",
                                         "Spans that the collector has taken.")),
          queue_full_(dropped(registry).with({"queue_full"})),
          refused_(dropped(registry).with({"refused"})),
          given_up_(dropped(registry).with({"given_up"})),
          stopped_(dropped(registry).with({"stopped"})),
          failures_(registry.one_counter(
              "gatehouse_trace_export_failures_total",
              "Attempts to send spans that failed, whether they were tried again or not.")),
          queue_(options_.queue_bytes_max, options_.batch_bytes),
          collector_(thread_.loop(), thread_.resolver(), options_.endpoint) {
        thread_.loop().post([this] { spawn(rounds()); });
        thread_.start();
    }
    ~Impl() {
        end(std::chrono::milliseconds{0});
        wait();
    }

    void append(const telemetry::Trace& trace, const telemetry::SpanRecord& root) noexcept {
        thread_local std::string spans;
        std::size_t count = 1;
        LogQueue::Added added = LogQueue::Added::no_room;
        try {
            spans.clear();
            Redaction redaction(options_.redactor);
            otlp::append_span(spans, options_.encoding, trace.id(), redaction.of(root),
                              trace.spans_dropped());
            trace.for_each([&](const telemetry::SpanRecord& each) {
                otlp::append_span(spans, options_.encoding, trace.id(), redaction.of(each));
                ++count;
            });
            added = queue_.add(spans);
            if (added == LogQueue::Added::batch_is_full && !ringing_.exchange(true))
                loop().post([this] { bell_.wake(); });
        } catch (const std::bad_alloc&) {
            // As if there were no room; nobody rings, and the interval has it sent.
        }
        if (added == LogQueue::Added::no_room) queue_full_.add(count);
    }

    void end(std::chrono::milliseconds timeout) noexcept {
        thread_.end(timeout, [this] {
            queue_.shut();
            bell_.wake();
            pause_.wake();
        });
    }
    void wait() noexcept { thread_.wait(); }

 private:
    static telemetry::Family<telemetry::Counter>& dropped(telemetry::Registry& registry) {
        return registry.counter({.name = "gatehouse_trace_spans_dropped_total",
                                 .help = "Spans that no collector has got, by why.",
                                 .labels = {"reason"}});
    }

    [[nodiscard]] net::Loop& loop() { return thread_.loop(); }

    Task<> rounds() {
        for (;;) {
            bell_.expire_at(std::min(loop().now() + options_.interval, thread_.ends_at()));
            if (!thread_.ending()) co_await bell_.wait();
            ringing_ = false;
            const bool last = thread_.ending();
            try {
                co_await send_all();
            } catch (const std::bad_alloc&) {
                tell(false, "memory is short");
            }
            if (last) break;
        }
        loop().stop();
    }

    Task<> send_all() {
        LogQueue::Batch batch;
        std::string spans;
        for (std::size_t shard = 0; shard < telemetry::shards_max; ++shard) {
            if (!queue_.take(shard, batch)) continue;
            // One shard's may be much more than a batch, when nobody took any for long.
            for (std::string_view rest = batch.text; !rest.empty();) {
                const auto some = otlp::first_spans(options_.encoding, rest, options_.batch_bytes);
                spans += some;
                rest.remove_prefix(some.size());
                if (spans.size() >= options_.batch_bytes) co_await send(std::exchange(spans, {}));
            }
            if (!spans.empty()) co_await send(std::exchange(spans, {}));
            queue_.give_back(batch);  // only now: what is on its way is within the bound
        }
    }

    /// Until it is taken, refused, or no time is left.
    Task<> send(std::string spans) {
        const auto count = otlp::count(options_.encoding, spans);
        const auto body = otlp::body(options_.encoding, options_.resource, spans);
        Backoff backoff(options_.retry_first, options_.retry_max);
        const auto given_up_at = loop().now() + options_.give_up;
        while (loop().now() < std::min(given_up_at, thread_.ends_at())) {
            const auto answer = co_await collector_.post(
                body, otlp::content_type(options_.encoding), thread_.patience(options_.timeout));
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
            co_await thread_.pause(
                pause_,
                std::max(backoff.next(), std::chrono::duration_cast<std::chrono::milliseconds>(
                                             answer.retry_after)));
        }
        (thread_.ending() ? stopped_ : given_up_).add(count);
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
    telemetry::Counter& given_up_;
    telemetry::Counter& stopped_;
    telemetry::Counter& failures_;
    LogQueue queue_;
    std::atomic<bool> ringing_ = false;
    PushThread thread_{"traces"};
    Collector collector_;
    net::Wakeup bell_{thread_.loop()}, pause_{thread_.loop()};
    bool well_ = true;
};

TraceExporter::TraceExporter(TraceExporterOptions options, telemetry::Registry& registry,
                             telemetry::Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), registry, log)) {}
TraceExporter::~TraceExporter() = default;

void TraceExporter::append(const telemetry::Trace& trace,
                           const telemetry::SpanRecord& root) noexcept {
    impl_->append(trace, root);
}

void TraceExporter::end(std::chrono::milliseconds timeout) noexcept { impl_->end(timeout); }
void TraceExporter::wait() noexcept { impl_->wait(); }

}  // namespace gh::exporting

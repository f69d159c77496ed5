#include "export/loki_exporter.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "export/loki_backlog.hpp"
#include "export/loki_queue.hpp"
#include "export/push_thread.hpp"

namespace gh::exporting {
namespace {

std::int64_t nanoseconds_now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

class LokiExporter::Impl {
 public:
    Impl(LokiExporterOptions options, telemetry::Registry& registry, telemetry::Log& log)
        : options_(std::move(options)),
          log_(log),
          sent_(registry.one_counter("gatehouse_loki_lines_sent_total",
                                     "Log lines that Loki has taken.")),
          queue_full_(dropped(registry).with({"queue_full"})),
          refused_(dropped(registry).with({"refused"})),
          stopped_(dropped(registry).with({"stopped"})),
          failures_(registry.one_counter("gatehouse_loki_push_failures_total",
                                         "Attempts to push log lines that failed.")),
          duration_(registry
                        .histogram({.name = "gatehouse_loki_push_duration_seconds",
                                    .help = "Time of an attempt to push log lines."})
                        .with({})),
          queue_(options_.queue_bytes_max, options_.batch_bytes),
          backlog_(options_.spool, options_.spool_bytes_max, registry, log),
          collector_(thread_.loop(), thread_.resolver(), options_.endpoint) {
        loop().post([this] { spawn(gather()); });
        loop().post([this] { spawn(send()); });
        thread_.start();
    }
    ~Impl() {
        end(std::chrono::milliseconds{0});
        wait();
    }

    void append(loki::Stream stream, std::string_view lines) noexcept {
        auto added = LogQueue::Added::no_room;
        try {
            added = queue_.add(stream, lines, nanoseconds_now());
            if (added == LogQueue::Added::batch_is_full && !ringing_.exchange(true))
                loop().post([this] { gather_bell_.wake(); });
        } catch (const std::bad_alloc&) {
            // As if there were no room.
        }
        if (added == LogQueue::Added::no_room)
            queue_full_.add(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')));
    }

    void end(std::chrono::milliseconds timeout) noexcept {
        thread_.end(timeout, [this] {
            queue_.shut();
            gather_bell_.wake();
            send_bell_.wake();
        });
    }
    void wait() noexcept { thread_.wait(); }

    struct Sink final : telemetry::LogSink {
        Sink(Impl& to, loki::Stream of) : impl(to), stream(of) {}
        void append(std::string_view line) noexcept override { impl.append(stream, line); }
        Impl& impl;
        loki::Stream stream;
    };
    Sink server{*this, loki::Stream::server}, access{*this, loki::Stream::access};

 private:
    static telemetry::Family<telemetry::Counter>& dropped(telemetry::Registry& registry) {
        return registry.counter({.name = "gatehouse_loki_lines_dropped_total",
                                 .help = "Log lines that Loki has not got, by why.",
                                 .labels = {"reason"}});
    }

    [[nodiscard]] net::Loop& loop() { return thread_.loop(); }
    [[nodiscard]] bool ending() const { return thread_.ending(); }

    /// An attempt that takes longer than this will most likely not end well.
    [[nodiscard]] bool hangs() {
        return sending_since_ && loop().now() - *sending_since_ >= options_.interval;
    }

    Task<> gather() {
        for (;;) {
            gather_bell_.expire_at(std::min(loop().now() + options_.interval, thread_.ends_at()));
            if (!ending()) co_await gather_bell_.wait();
            ringing_ = false;
            const bool last = ending();
            try {
                gather_once(last);
            } catch (const std::exception& e) {
                tell(false, e.what());
            }
            send_bell_.wake();
            if (last) break;
        }
        gathered_ = true;
    }

    void gather_once(bool last) {
        if (last || backlog_.has_room()) {
            for (auto& body : queue_.take(options_.labels)) backlog_.add(std::move(body));
        }
        if (!well_ || hangs() || backlog_.memory_is_full()) backlog_.spill();
    }

    /// @return false: nothing waits, and nothing comes any more
    Task<bool> send_one() {
        const auto* body = backlog_.front();
        if (body != nullptr) {
            co_await attempt(*body);
        } else if (ending() && gathered_) {
            co_return false;
        } else {
            send_bell_.expire_at(thread_.ends_at());
            co_await send_bell_.wait();
        }
        co_return true;
    }

    Task<> send() {
        for (bool more = true; more && !thread_.over();) {
            bool failed = false;
            try {
                more = co_await send_one();
            } catch (const std::exception& e) {
                failed = true;
                sending_since_.reset();
                tell(false, e.what());
            }
            if (failed) co_await thread_.pause(send_bell_, options_.retry_first);
        }
        while (!gathered_) {
            send_bell_.never_expire();
            co_await send_bell_.wait();
        }
        if (const auto lines = backlog_.keep(); lines > 0) stopped_.add(lines);
        loop().stop();
    }

    /// These lines, now and for ever; everything else may be another thing tomorrow, a wrong token included.
    static bool refuses(const Collector::Answer& answer) {
        return answer.status == 400 || answer.status == 413 || answer.status == 422;
    }

    Task<> attempt(const LokiQueue::Body& body) {
        const auto lines = body.lines;
        const auto began = loop().now();
        sending_since_ = began;
        const auto answer = co_await collector_.post(body.text, loki::content_type,
                                                     thread_.patience(options_.timeout));
        sending_since_.reset();
        duration_.observe(std::chrono::steady_clock::now() - began);
        if (!answer.taken) failures_.add();
        tell(answer.taken, answer.why);
        if (answer.taken) {
            sent_.add(lines);
        } else if (!refuses(answer)) {
            backlog_.spill();
            co_await thread_.pause(
                send_bell_,
                std::max(backoff_.next(), std::chrono::duration_cast<std::chrono::milliseconds>(
                                              answer.retry_after)));
            co_return;
        } else {
            refused_.add(lines);
        }
        backoff_.reset();
        backlog_.done();
    }

    /// Once for each change.
    void tell(bool well, std::string_view why) {
        if (std::exchange(well_, well) == well) return;
        if (well) {
            log_.info("export", "Loki takes log lines again");
        } else {
            log_.warning("export", "log lines could not be pushed to Loki; they wait in the spool")
                .field("endpoint", collector_.url().authority)
                .field("detail", why);
        }
    }

    const LokiExporterOptions options_;
    telemetry::Log& log_;
    telemetry::Counter& sent_;
    telemetry::Counter& queue_full_;
    telemetry::Counter& refused_;
    telemetry::Counter& stopped_;
    telemetry::Counter& failures_;
    telemetry::Histogram& duration_;
    LokiQueue queue_;
    LokiBacklog backlog_;
    Backoff backoff_{options_.retry_first, options_.retry_max};
    std::atomic<bool> ringing_ = false;
    PushThread thread_{"loki"};
    Collector collector_;
    net::Wakeup gather_bell_{thread_.loop()}, send_bell_{thread_.loop()};
    std::optional<SteadyTime> sending_since_;
    bool gathered_ = false;
    bool well_ = true;
};

LokiExporter::LokiExporter(LokiExporterOptions options, telemetry::Registry& registry,
                           telemetry::Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), registry, log)) {}
LokiExporter::~LokiExporter() = default;

telemetry::LogSink& LokiExporter::sink(loki::Stream stream) {
    return stream == loki::Stream::access ? impl_->access : impl_->server;
}
void LokiExporter::end(std::chrono::milliseconds timeout) noexcept { impl_->end(timeout); }
void LokiExporter::wait() noexcept { impl_->wait(); }

}  // namespace gh::exporting

#include "export/sentry_exporter.hpp"

#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "export/push_thread.hpp"

namespace gh::exporting {
namespace {

/// On its way: a line that is to become an event, or an event.
struct Item {
    std::string line;  ///< empty: it is an event
    std::uint64_t kind = 0, before = 0;
    std::string id = {}, event = {};
    std::move_only_function<void()> taken = {};

    [[nodiscard]] std::size_t bytes() const { return line.size() + event.size(); }
};

}  // namespace

class SentryExporter::Impl {
 public:
    Impl(SentryExporterOptions options, telemetry::Registry& registry, telemetry::Log& log)
        : options_(std::move(options)),
          log_(log),
          sent_(registry.one_counter("gatehouse_sentry_events_sent_total",
                                     "Events that Sentry has taken.")),
          repeated_(dropped(registry).with({"repeated"})),
          queue_full_(dropped(registry).with({"queue_full"})),
          rate_limited_(dropped(registry).with({"rate_limited"})),
          refused_(dropped(registry).with({"refused"})),
          stopped_(dropped(registry).with({"stopped"})),
          failures_(registry.one_counter("gatehouse_sentry_failures_total",
                                         "Attempts to send an event that failed.")),
          collector_(thread_.loop(), thread_.resolver(), options_.endpoint) {
        thread_.loop().post([this] { spawn(run()); });
        thread_.start();
    }
    ~Impl() {
        end(std::chrono::milliseconds{0});
        thread_.wait();
    }

    void append(std::string_view line) noexcept {
        if (!sentry::is_error(line)) return;
        try {
            const std::scoped_lock lock(mutex_);
            const auto kind = sentry::kind_of(line);
            const auto verdict = repeats_.look_at(kind, std::chrono::steady_clock::now());
            if (!verdict.passes) return repeated_.add();
            add({.line = std::string(line), .kind = kind, .before = verdict.before});
        } catch (const std::bad_alloc&) {
            queue_full_.add();
        }
    }

    void report(Item item) {
        const std::scoped_lock lock(mutex_);
        add(std::move(item));
    }

    void end(std::chrono::milliseconds timeout) noexcept {
        thread_.end(timeout, [this] {
            const std::scoped_lock lock(mutex_);
            shut_ = true;
            bell_.wake();
        });
    }
    void wait() noexcept { thread_.wait(); }
    [[nodiscard]] const sentry::About& about() const { return options_.about; }

 private:
    static telemetry::Family<telemetry::Counter>& dropped(telemetry::Registry& registry) {
        return registry.counter({.name = "gatehouse_sentry_events_dropped_total",
                                 .help = "Errors that Sentry has not got, by why.",
                                 .labels = {"reason"}});
    }

    /// Under the mutex.
    void add(Item item) {
        if (shut_) return stopped_.add();
        if (queue_.size() >= options_.queue_max ||
            queue_bytes_ + item.bytes() > options_.queue_bytes_max) {
            give_back(item);
            return queue_full_.add();
        }
        queue_bytes_ += item.bytes();
        queue_.push_back(std::move(item));
        thread_.loop().post([this] { bell_.wake(); });
    }

    /// Under the mutex. What it would have told of, the next one tells of.
    void give_back(const Item& item) {
        if (!item.line.empty()) repeats_.give_back(item.kind, item.before);
    }

    void drop(const Item& item, telemetry::Counter& why) {
        why.add();
        const std::scoped_lock lock(mutex_);
        give_back(item);
    }

    std::optional<Item> take() {
        const std::scoped_lock lock(mutex_);
        if (queue_.empty()) return std::nullopt;
        auto item = std::move(queue_.front());
        queue_.pop_front();
        queue_bytes_ -= item.bytes();
        return item;
    }

    Task<> run() {
        while (!thread_.over()) {
            bool failed = false;
            try {
                auto item = take();
                if (item) {
                    co_await send(std::move(*item));
                } else if (thread_.ending()) {
                    break;
                } else {
                    bell_.expire_at(thread_.ends_at());
                    co_await bell_.wait();
                }
            } catch (const std::exception& trouble) {
                tell(false, trouble.what());
                failed = true;
            }
            if (failed) co_await thread_.pause(bell_, options_.retry_first);
        }
        while (take()) stopped_.add();
        thread_.loop().stop();
    }

    /// A line becomes an event here: redacted, whatever the logs keep.
    [[nodiscard]] bool make_event(Item& item) const {
        if (item.line.empty()) return true;
        std::string clean;
        if (options_.redactor->redact(item.line, clean)) item.line = std::move(clean);
        item.id = sentry::new_event_id();
        auto event = sentry::event_of(item.line, options_.about, item.id, item.before);
        if (event) item.event = *std::move(event);
        return event.has_value();
    }

    /// Until it is taken, refused, or no time is left.
    Task<> send(Item item) {
        if (!make_event(item)) {
            drop(item, refused_);
            co_return;
        }
        while (!thread_.over()) {
            if (thread_.loop().now() < forbidden_until_) {
                drop(item, rate_limited_);
                co_return;
            }
            auto body = sentry::envelope(item.id, item.event, options_.about,
                                         std::chrono::system_clock::now());
            const auto answer = co_await collector_.post(std::move(body), sentry::content_type,
                                                         thread_.patience(options_.timeout));
            if (answer.status != 0 || !answer.worth_a_retry) {
                answered(answer, item);
                co_return;
            }
            failures_.add();
            tell(false, answer.why);
            co_await thread_.pause(bell_, backoff_.next());
        }
        stopped_.add();
    }

    void answered(const Collector::Answer& answer, Item& item) {
        backoff_.reset();
        const auto forbidden =
            sentry::forbidden_for(answer.status, answer.limits, answer.retry_after);
        forbidden_until_ = std::max(forbidden_until_, thread_.loop().now() + forbidden);
        tell(answer.taken, answer.why);
        if (answer.taken) {
            sent_.add();
            if (item.taken) item.taken();
            return;
        }
        failures_.add();
        drop(item, answer.status == 429 ? rate_limited_ : refused_);
    }

    /// Once for each change, and never as an error: that would be an event.
    void tell(bool well, std::string_view why) {
        if (std::exchange(well_, well) == well) return;
        if (well) {
            log_.info("export", "Sentry takes events again");
        } else {
            log_.warning("export", "errors could not be sent to Sentry")
                .field("endpoint", collector_.url().authority)
                .field("detail", why);
        }
    }

    const SentryExporterOptions options_;
    telemetry::Log& log_;
    telemetry::Counter& sent_;
    telemetry::Counter& repeated_;
    telemetry::Counter& queue_full_;
    telemetry::Counter& rate_limited_;
    telemetry::Counter& refused_;
    telemetry::Counter& stopped_;
    telemetry::Counter& failures_;
    Backoff backoff_{options_.retry_first, options_.retry_max};

    std::mutex mutex_;  // what follows is under it
    sentry::Repeats repeats_;
    std::deque<Item> queue_;
    std::size_t queue_bytes_ = 0;
    bool shut_ = false;

    PushThread thread_{"sentry"};
    Collector collector_;  // this and what follows belongs to the thread
    net::Wakeup bell_{thread_.loop()};
    SteadyTime forbidden_until_ = SteadyTime::min();
    bool well_ = true;
};

SentryExporter::SentryExporter(SentryExporterOptions options, telemetry::Registry& registry,
                               telemetry::Log& log)
    : impl_(std::make_unique<Impl>(std::move(options), registry, log)) {}
SentryExporter::~SentryExporter() = default;

void SentryExporter::append(std::string_view lines) noexcept {
    while (!lines.empty()) {
        const auto end = lines.find('\n');
        impl_->append(lines.substr(0, end));
        lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
    }
}

void SentryExporter::report(std::string event_id, std::string event,
                            std::move_only_function<void()> taken) {
    impl_->report({.line = {},
                   .before = 0,
                   .id = std::move(event_id),
                   .event = std::move(event),
                   .taken = std::move(taken)});
}

const sentry::About& SentryExporter::about() const { return impl_->about(); }
void SentryExporter::end(std::chrono::milliseconds timeout) noexcept { impl_->end(timeout); }
void SentryExporter::wait() noexcept { impl_->wait(); }

}  // namespace gh::exporting

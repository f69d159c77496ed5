#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ambient.hpp"
#include "base/arena.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "telemetry/trace_context.hpp"

// What was done for one request or one job, and how long each step took: spans, as OpenTelemetry has them.

namespace gh::telemetry {

/// As OTLP numbers them.
enum class SpanKind : std::uint8_t { internal = 1, server = 2, client = 3 };

/// A fact about a span. Keys are literals: OpenTelemetry's semantic conventions, or ours ("gatehouse.route").
struct Attribute {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;
};

/// A span that has ended.
struct SpanRecord {
    std::string_view name;
    SpanKind kind = SpanKind::internal;
    SpanId id{};
    std::optional<SpanId> parent;
    SystemTime begins;
    std::chrono::nanoseconds duration{0};
    bool failed = false;
    std::string_view why;  ///< of a failure: a stable token
    std::span<const Attribute> attributes;
    std::span<const TraceContext> links;  ///< spans of other traces that it has to do with
};

class Tracer;

/// The spans of one request or job, on their way from its beginning to its end. One thread at a time. Nothing is recorded
/// before Tracer::begin() and after Tracer::end(). Memory is kept for the next one.
class Trace final : public Ambient {
 public:
    static constexpr std::size_t spans_max = 128;       ///< besides the root; more are counted only
    static constexpr std::size_t attributes_max = 512;  ///< of all spans
    static constexpr std::size_t text_bytes_max = 1024;  ///< of one attribute; longer text is cut
    static constexpr std::size_t links_max = 128;        ///< of all spans

    Trace() = default;
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    /// The one that the running code works for; null: nobody records.
    [[nodiscard]] static Trace* current() noexcept {
        return static_cast<Trace*>(Ambient::current());
    }

    [[nodiscard]] bool recording() const noexcept { return tracer_ != nullptr; }
    /// Of the span that is open innermost: what the next hop is told.
    [[nodiscard]] TraceContext context() const;
    [[nodiscard]] const TraceId& id() const noexcept { return root_.trace_id; }
    [[nodiscard]] bool sampled() const noexcept { return root_.sampled; }
    [[nodiscard]] std::uint64_t spans_dropped() const noexcept { return dropped_; }

    /// A span that was measured elsewhere, below the innermost open one.
    void add(std::string_view name, SpanKind kind, SteadyTime begins, std::chrono::nanoseconds took,
             std::string_view failure, std::span<const Attribute> attributes);

    /// Ended spans, root excluded, in the order of their beginnings.
    template <class Call>
    void for_each(const Call& call) const {
        for (const auto& each : spans_) {
            if (each.ended) call(record_of(each));
        }
    }

 private:
    friend class Span;
    friend class Tracer;
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    struct Entry {
        std::string_view name;
        SpanKind kind;
        SpanId id;
        SpanId parent;
        SteadyTime begins;
        std::chrono::nanoseconds duration;
        std::string_view why;
        std::uint32_t before;  // the innermost one before it was opened
        std::uint32_t attributes_at, attributes_count;
        std::uint32_t links_at, links_count;
        bool failed, ended;
    };

    [[nodiscard]] std::uint32_t open(std::string_view name, SpanKind kind, SteadyTime now);
    void close(std::uint32_t index, SteadyTime now);
    [[nodiscard]] SpanRecord record_of(const Entry& entry) const;
    void attribute(std::uint32_t index, const Attribute& attribute);
    void link(std::uint32_t index, const TraceContext& to);
    void reset() noexcept;

    const Tracer* tracer_ = nullptr;
    TraceContext root_;
    std::optional<SpanId> parent_;
    SteadyTime begins_;
    SystemTime begins_at_;
    std::vector<Entry> spans_;
    std::vector<Attribute> attributes_;
    std::vector<TraceContext> links_;
    Arena texts_;
    std::uint32_t innermost_ = none;
    std::uint64_t dropped_ = 0;
};

/// A step, from its making to its end, in the trace that the running code works for; without one, two compares.
///   telemetry::Span span("vault.unwrap");
class Span {
 public:
    explicit Span(std::string_view name, SpanKind kind = SpanKind::internal);
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

    /// Text is copied.
    Span& attribute(std::string_view key, std::string_view value) { return add({key, value}); }
    Span& attribute(std::string_view key, std::int64_t value) { return add({key, value}); }
    /// A span of another trace that this one has to do with: of a message that is given out. All links of a span before
    /// another span has any.
    Span& link(const TraceContext& to);
    /// @param why  a stable token, which outlives the trace: the reason of an error
    void fail(std::string_view why);

 private:
    Span& add(const Attribute& attribute);
    Trace* trace_;
    std::uint32_t index_ = Trace::none;
};

/// Takes traces whose end has come. Thread-safe; never blocks and never throws.
class TraceSink {
 public:
    virtual ~TraceSink() = default;
    virtual void append(const Trace& trace, const SpanRecord& root) noexcept = 0;
};

/// Decides which traces are kept: those that the caller's trace keeps (W3C's sampled flag), a share of the others by their
/// id, and whatever has failed or was slow.
class Tracer {
 public:
    struct Options {
        double share = 1.0;  ///< of traces that begin here: 0 to 1
        std::chrono::nanoseconds slow{
            std::chrono::seconds(1)};  ///< kept from here on; 0: not for that
        bool failures = true;          ///< keep what has failed
    };
    Tracer(TraceSink& sink, Options options);

    /// @param parent  of the caller; nothing: a trace begins here
    void begin(Trace& trace, const std::optional<TraceContext>& parent, SteadyTime now,
               SystemTime now_at) const;
    /// One that nobody asked for, kept only when it failed or was slow.
    void begin_unsampled(Trace& trace, SteadyTime now, SystemTime now_at) const;
    /// Whether end() would keep it: what is only told of kept ones need not be gathered for the others.
    [[nodiscard]] bool keeps(const Trace& trace, bool failed, SteadyTime now) const noexcept;
    /// Hands it over where it is kept, and makes it ready for the next. `root` has name, kind, failure and attributes; the
    /// rest is filled in.
    /// @return whether it is kept
    bool end(Trace& trace, SpanRecord root, SteadyTime now) const;

 private:
    [[nodiscard]] bool in_share(const TraceId& id) const noexcept;
    TraceSink& sink_;
    Options options_;
    std::uint64_t threshold_;
};

/// A trace of something the house does by itself, in the coroutine that it stands in: begins with it, ends with it.
class JobTrace {
 public:
    /// A poll mostly finds nothing to do: it is kept when it failed or was slow.
    enum class Kind : std::uint8_t { job, poll };
    /// @param tracer  null: nothing is recorded
    JobTrace(const Tracer* tracer, std::string_view name, Kind kind = Kind::job);
    ~JobTrace();
    JobTrace(const JobTrace&) = delete;
    JobTrace& operator=(const JobTrace&) = delete;
    void fail(std::string_view why) { why_ = why; }
    /// By what it returned.
    template <class T>
    void heed(const Result<T>& outcome) {
        if (!outcome) fail(outcome.error().reason);
    }

 private:
    const Tracer* tracer_;
    std::string_view name_, why_;
    Trace trace_;
};

}  // namespace gh::telemetry

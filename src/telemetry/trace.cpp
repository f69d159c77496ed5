#include "telemetry/trace.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gh::telemetry {

TraceContext Trace::context() const {
    auto context = root_;
    if (innermost_ != none) context.span_id = spans_[innermost_].id;
    return context;
}

std::uint32_t Trace::open(std::string_view name, SpanKind kind, SteadyTime now) {
    if (spans_.size() >= spans_max) {
        ++dropped_;
        return none;
    }
    spans_.push_back({.name = name,
                      .kind = kind,
                      .id = new_span_id(),
                      .parent = context().span_id,
                      .begins = now,
                      .duration = {},
                      .why = {},
                      .before = innermost_,
                      .attributes_at = 0,
                      .attributes_count = 0,
                      .links_at = 0,
                      .links_count = 0,
                      .failed = false,
                      .ended = false});
    innermost_ = static_cast<std::uint32_t>(spans_.size() - 1);
    return innermost_;
}

void Trace::close(std::uint32_t index, SteadyTime now) {
    auto& entry = spans_[index];
    entry.duration = now - entry.begins;
    entry.ended = true;
    // Steps that ran side by side may end in any order.
    if (innermost_ == index) innermost_ = entry.before;
    while (innermost_ != none && spans_[innermost_].ended) innermost_ = spans_[innermost_].before;
}

void Trace::attribute(std::uint32_t index, const Attribute& attribute) {
    auto& entry = spans_[index];
    const auto count = entry.attributes_count;
    if (attributes_.size() + count >= attributes_max) return;
    if (entry.attributes_at + count != attributes_.size()) {  // others came meanwhile
        const auto at = static_cast<std::uint32_t>(attributes_.size());
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto moved = attributes_[entry.attributes_at + i];
            attributes_.push_back(moved);
        }
        entry.attributes_at = at;
    }
    auto copy = attribute;
    if (auto* text = std::get_if<std::string_view>(&copy.value))
        *text = texts_.copy(text->substr(0, text_bytes_max));
    attributes_.push_back(copy);
    ++entry.attributes_count;
}

void Trace::link(std::uint32_t index, const TraceContext& to) {
    auto& entry = spans_[index];
    if (links_.size() >= links_max) return;
    if (entry.links_count == 0) entry.links_at = static_cast<std::uint32_t>(links_.size());
    if (entry.links_at + entry.links_count != links_.size()) return;  // others came meanwhile
    links_.push_back(to);
    ++entry.links_count;
}

void Trace::add(std::string_view name, SpanKind kind, SteadyTime begins,
                std::chrono::nanoseconds took, std::string_view failure,
                std::span<const Attribute> attributes) {
    const auto index = open(name, kind, begins);
    if (index == none) return;
    for (const auto& each : attributes) attribute(index, each);
    spans_[index].failed = !failure.empty();
    spans_[index].why = failure;
    close(index, begins + took);
}

SpanRecord Trace::record_of(const Entry& entry) const {
    return {
        .name = entry.name,
        .kind = entry.kind,
        .id = entry.id,
        .parent = entry.parent,
        .begins =
            begins_at_ + std::chrono::duration_cast<SystemTime::duration>(entry.begins - begins_),
        .duration = entry.duration,
        .failed = entry.failed,
        .why = entry.why,
        .attributes = std::span(attributes_).subspan(entry.attributes_at, entry.attributes_count),
        .links = std::span(links_).subspan(entry.links_at, entry.links_count)};
}

void Trace::reset() noexcept {
    tracer_ = nullptr;
    parent_.reset();
    spans_.clear();
    attributes_.clear();
    links_.clear();
    texts_.clear();
    innermost_ = none;
    dropped_ = 0;
}

Span::Span(std::string_view name, SpanKind kind) : trace_(Trace::current()) {
    if (trace_ != nullptr) index_ = trace_->open(name, kind, std::chrono::steady_clock::now());
}

Span::~Span() {
    if (index_ != Trace::none) trace_->close(index_, std::chrono::steady_clock::now());
}

Span& Span::add(const Attribute& attribute) {
    if (index_ != Trace::none) trace_->attribute(index_, attribute);
    return *this;
}

Span& Span::link(const TraceContext& to) {
    if (index_ != Trace::none) trace_->link(index_, to);
    return *this;
}

void Span::fail(std::string_view why) {
    if (index_ == Trace::none) return;
    trace_->spans_[index_].failed = true;
    trace_->spans_[index_].why = why;
}

Tracer::Tracer(TraceSink& sink, Options options) : sink_(sink), options_(options) {
    constexpr double ids = 0x1p56;
    const auto share = std::clamp(options.share, 0.0, 1.0);
    threshold_ = static_cast<std::uint64_t>(std::llround(share * ids));
}

/// By the trace's own randomness (W3C Trace Context level 2, the last 56 bits), so that every hop decides alike.
bool Tracer::in_share(const TraceId& id) const noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 9; i < id.size(); ++i) value = value << 8 | id[i];
    return value >=
           (std::uint64_t{1} << 56) - threshold_;  // as OpenTelemetry's consistent sampling
}

void Tracer::begin(Trace& trace, const std::optional<TraceContext>& parent, SteadyTime now,
                   SystemTime now_at) const {
    trace.reset();
    trace.tracer_ = this;
    trace.begins_ = now;
    trace.begins_at_ = now_at;
    if (parent) {
        trace.root_ = *parent;
        trace.parent_ = parent->span_id;
    } else {
        trace.root_.trace_id = new_trace_id();
        trace.root_.sampled = in_share(trace.root_.trace_id);
    }
    trace.root_.span_id = new_span_id();
}

void Tracer::begin_unsampled(Trace& trace, SteadyTime now, SystemTime now_at) const {
    begin(trace, {}, now, now_at);
    trace.root_.sampled = false;
}

bool Tracer::keeps(const Trace& trace, bool failed, SteadyTime now) const noexcept {
    const bool slow = options_.slow.count() > 0 && now - trace.begins_ >= options_.slow;
    return trace.sampled() || slow || (options_.failures && failed);
}

bool Tracer::end(Trace& trace, SpanRecord root, SteadyTime now) const {
    root.id = trace.root_.span_id;
    root.parent = trace.parent_;
    root.begins = trace.begins_at_;
    root.duration = now - trace.begins_;
    const bool kept = keeps(trace, root.failed, now);
    if (kept) {
        // The clock of a loop stands still within a turn; that of steps does not.
        for (const auto& each : trace.spans_)
            root.duration = std::max(root.duration, each.begins + each.duration - trace.begins_);
        sink_.append(trace, root);
    }
    trace.reset();
    return kept;
}

JobTrace::JobTrace(const Tracer* tracer, std::string_view name, Kind kind)
    : tracer_(tracer), name_(name) {
    if (tracer_ == nullptr) return;
    const auto now = std::chrono::steady_clock::now();
    const auto now_at = std::chrono::system_clock::now();
    kind == Kind::poll ? tracer_->begin_unsampled(trace_, now, now_at)
                       : tracer_->begin(trace_, {}, now, now_at);
    Ambient::set_current(&trace_);
}

JobTrace::~JobTrace() {
    if (tracer_ == nullptr) return;
    Ambient::set_current(nullptr);
    tracer_->end(trace_, {.name = name_, .failed = !why_.empty(), .why = why_},
                 std::chrono::steady_clock::now());
}

}  // namespace gh::telemetry

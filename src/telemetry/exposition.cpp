#include "telemetry/exposition.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <stdexcept>

#include "telemetry/json_text.hpp"

namespace gh::telemetry {
namespace {

constexpr std::size_t labels_max = 8;
constexpr std::string_view total = "_total";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view text, bool colons) {
    if (text.empty() || is_digit(text.front())) return false;
    for (const char c : text) {
        if (!is_letter(c) && !is_digit(c) && !(colons && c == ':')) return false;
    }
    return true;
}

/// Names that the format makes itself, beside a histogram.
bool has_reserved_ending(std::string_view name) {
    return name.ends_with("_bucket") || name.ends_with("_sum") || name.ends_with("_count");
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    while (!text.empty()) {
        const auto sequence = utf8_sequence(text);
        const char c = text.front();
        if (sequence.length == 0) {
            out += "\xef\xbf\xbd";
        } else if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '"' && quotes) {
            out += "\\\"";
        } else {
            out.append(text.substr(0, sequence.length));
        }
        text.remove_prefix(sequence.skip);
    }
}

std::string_view text_of(MetricType type) {
    switch (type) {
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: return "histogram";
    }
    return "untyped";
}

void append_name(std::string& page, const SampleName& sample) {
    page.append(sample.name).append(sample.suffix);
    if (!sample.labels.empty() || !sample.more.empty()) {
        page += '{';
        page.append(sample.labels);
        if (!sample.labels.empty() && !sample.more.empty()) page += ',';
        page.append(sample.more);
        page += '}';
    }
    page += ' ';
}

/// In the place of the line's end.
void append_exemplar(std::string& page, const Exemplar& exemplar, double ticks_per_unit) {
    const auto context = to_traceparent({exemplar.trace_id, exemplar.span_id, true});
    const auto at =
        std::chrono::duration_cast<std::chrono::milliseconds>(exemplar.at.time_since_epoch());
    page.pop_back();
    fmt::format_to(std::back_inserter(page), " # {{trace_id=\"{}\",span_id=\"{}\"}} {} {:.3f}\n",
                   context.trace_id(), context.span_id(),
                   static_cast<double>(exemplar.ticks) / ticks_per_unit,
                   static_cast<double>(at.count()) / 1000.0);
}

void append_whole(std::string& page, const SampleName& name, const fmt::format_int& value) {
    append_name(page, name);
    page.append(value.data(), value.size());
    page += '\n';
}

}  // namespace

void check_description(const Description& description, MetricType type) {
    const auto& name = description.name;
    bool good = is_name(name, true) && name.ends_with(total) == (type == MetricType::counter) &&
                !has_reserved_ending(name) && !description.help.empty() &&
                description.series_max > 0 && description.labels.size() <= labels_max;
    for (std::size_t i = 0; i < description.labels.size(); ++i) {
        const auto& label = description.labels[i];
        good = good && is_name(label, false) && label != "le" && !label.starts_with("__");
        for (std::size_t k = 0; k < i; ++k) good = good && description.labels[k] != label;
    }
    if (!good) throw std::logic_error("telemetry: unfit description of metric " + name);
}

std::string label_text(std::span<const std::string> names,
                       std::span<const std::string_view> values) {
    if (names.size() != values.size())
        throw std::logic_error("telemetry: label values unlike label names");
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += ',';
        text.append(names[i]).append("=\"");
        append_escaped(text, cut_utf8(values[i], label_value_bytes_max), true);
        text += '"';
    }
    return text;
}

void append_header(std::string& page, const Description& description, MetricType type,
                   PageFormat format) {
    std::string_view name = description.name;
    const bool open = format == PageFormat::open_metrics;
    if (open && type == MetricType::counter) name.remove_suffix(total.size());
    page.append("# HELP ").append(name) += ' ';
    append_escaped(page, description.help, open);
    page.append("\n# TYPE ").append(name) += ' ';
    page.append(text_of(type)) += '\n';
}

void append_sample(std::string& page, const SampleName& name, std::uint64_t value) {
    append_whole(page, name, fmt::format_int(value));
}

void append_sample(std::string& page, const SampleName& name, std::int64_t value) {
    append_whole(page, name, fmt::format_int(value));
}

void append_sample(std::string& page, const SampleName& name, double value) {
    append_name(page, name);
    if (std::isnan(value)) {
        page += "NaN";
    } else if (std::isinf(value)) {
        page += value > 0 ? "+Inf" : "-Inf";
    } else {
        fmt::format_to(std::back_inserter(page), "{}", value);
    }
    page += '\n';
}

void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Counter& counter) {
    append_sample(page, {name, "", labels, ""}, counter.value());
}

void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Gauge& gauge) {
    append_sample(page, {name, "", labels, ""}, gauge.value());
}

void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Histogram& histogram, PageFormat format) {
    const auto& buckets = histogram.buckets();
    const bool open = format == PageFormat::open_metrics;
    std::uint64_t below = 0;
    std::string bound;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        below += histogram.bucket(i);
        const auto& text = buckets.text(i);
        bound.assign("le=\"").append(text);
        // A number with a point, there (OpenMetrics 1.0, "Considerations: Canonical Numbers").
        if (open && text.find_first_of(".Ie") == std::string::npos) bound += ".0";
        bound += '"';
        append_sample(page, {name, "_bucket", labels, bound}, below);
        if (!open) continue;
        if (const auto found = histogram.exemplar(i))
            append_exemplar(page, *found, buckets.ticks_per_unit());
    }
    const double sum = static_cast<double>(histogram.sum_ticks()) / buckets.ticks_per_unit();
    append_sample(page, {name, "_sum", labels, ""}, sum);
    append_sample(page, {name, "_count", labels, ""},
                  below);  // equals +Inf even while others count on
}

}  // namespace gh::telemetry

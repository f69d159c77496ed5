#include "telemetry/metrics.hpp"

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "telemetry/exposition.hpp"

namespace gh::telemetry {
namespace {

template <class Series>
constexpr MetricType type_of = std::is_same_v<Series, Counter> ? MetricType::counter
                               : std::is_same_v<Series, Gauge> ? MetricType::gauge
                                                               : MetricType::histogram;

/// Numbers that a collector reports at every scrape.
class CollectedFamily final : public FamilyBase {
 public:
    CollectedFamily(Description description, MetricType type, Collector collector)
        : FamilyBase(std::move(description)), type_(type), collector_(std::move(collector)) {}

    void replace(Collector collector) { collector_ = std::move(collector); }
    MetricType type() const noexcept override { return type_; }
    void render(std::string& page, PageFormat) const override {
        Samples samples(page, description());
        collector_(samples);
        overflows_ += samples.left_out();
    }
    std::uint64_t overflows() const override { return overflows_; }

 private:
    MetricType type_;
    Collector collector_;
    mutable std::uint64_t overflows_ = 0;  // the registry renders under its lock
};

}  // namespace

std::uint64_t Histogram::count() const noexcept {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < buckets_->size(); ++i) total += bucket(i);
    return total;
}

std::uint64_t Histogram::sum_ticks() const noexcept {
    return place_.block->sum(place_.slot + buckets_->size());
}

std::uint64_t Histogram::bucket(std::size_t index) const noexcept {
    return place_.block->sum(place_.slot + index);
}

template <class Series>
Family<Series>::Family(Description description, CellStore& cells, Buckets buckets)
    : FamilyBase(std::move(description)), cells_(cells), buckets_(std::move(buckets)) {}

template <class Series>
MetricType Family<Series>::type() const noexcept {
    return type_of<Series>;
}

template <class Series>
auto Family<Series>::add(std::string labels) -> Entry& {
    if constexpr (std::is_same_v<Series, Histogram>) {
        entries_.push_back({std::move(labels), Series(cells_.take(buckets_.size() + 1), buckets_)});
    } else {
        entries_.push_back({std::move(labels), Series(cells_.take(1))});
    }
    return entries_.back();
}

template <class Series>
Series& Family<Series>::with(std::span<const std::string_view> values) {
    auto labels = label_text(description().labels, values);
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_labels_.find(labels); found != by_labels_.end())
        return found->second->series;
    if (by_labels_.size() < description().series_max) {
        Entry& entry = add(std::move(labels));
        by_labels_.emplace(entry.labels, &entry);
        return entry.series;
    }
    ++overflows_;
    if (overflow_ == nullptr) {
        const std::vector<std::string_view> others(values.size(), "other");
        auto text = label_text(description().labels, others);
        const auto found = by_labels_.find(text);
        overflow_ = found != by_labels_.end() ? found->second : &add(std::move(text));
    }
    return overflow_->series;
}

template <class Series>
void Family<Series>::render(std::string& page, PageFormat format) const {
    std::vector<const Entry*> entries;
    {
        // Entries never move or change; so that nobody waits for the page, the lock ends here.
        const std::scoped_lock lock(mutex_);
        entries.reserve(entries_.size());
        for (const auto& entry : entries_) entries.push_back(&entry);
    }
    for (const auto* entry : entries) {
        if constexpr (std::is_same_v<Series, Histogram>) {
            append_series(page, description().name, entry->labels, entry->series, format);
        } else {
            append_series(page, description().name, entry->labels, entry->series);
        }
    }
}

template <class Series>
std::uint64_t Family<Series>::overflows() const {
    const std::scoped_lock lock(mutex_);
    return overflows_;
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

void Samples::add(std::span<const std::string_view> values, double value) {
    if (count_ == description_.series_max) {
        ++left_out_;
        return;
    }
    ++count_;
    append_sample(page_, {description_.name, "", label_text(description_.labels, values), ""},
                  value);
}

template <class Series>
Family<Series>& Registry::family(Description description, Buckets buckets) {
    check_description(description, type_of<Series>);
    const std::scoped_lock lock(mutex_);
    auto& place = families_[description.name];
    if (!place) {
        auto fresh =
            std::make_unique<Family<Series>>(std::move(description), cells_, std::move(buckets));
        auto& family = *fresh;
        place = std::move(fresh);
        if (family.description().labels.empty()) static_cast<void>(family.with({}));
        return family;
    }
    auto* family = dynamic_cast<Family<Series>*>(place.get());
    if (family == nullptr || family->description().labels != description.labels) {
        throw std::logic_error("telemetry: metric " + description.name +
                               " is something else already");
    }
    return *family;
}

Family<Counter>& Registry::counter(Description description) {
    return family<Counter>(std::move(description), {});
}

Family<Gauge>& Registry::gauge(Description description) {
    return family<Gauge>(std::move(description), {});
}

Family<Histogram>& Registry::histogram(Description description, Buckets buckets) {
    return family<Histogram>(std::move(description), std::move(buckets));
}

Counter& Registry::one_counter(std::string name, std::string help) {
    return counter({.name = std::move(name), .help = std::move(help), .labels = {}}).with({});
}

Gauge& Registry::one_gauge(std::string name, std::string help) {
    return gauge({.name = std::move(name), .help = std::move(help), .labels = {}}).with({});
}

void Registry::collect(Description description, MetricType type, Collector collector) {
    check_description(description, type);
    if (type == MetricType::histogram)
        throw std::logic_error("telemetry: a collector reports no histogram");
    const std::scoped_lock lock(mutex_);
    auto& place = families_[description.name];
    if (!place) {
        place =
            std::make_unique<CollectedFamily>(std::move(description), type, std::move(collector));
        return;
    }
    auto* family = dynamic_cast<CollectedFamily*>(place.get());
    if (family == nullptr || family->type() != type ||
        family->description().labels != description.labels) {
        throw std::logic_error("telemetry: metric " + description.name +
                               " is something else already");
    }
    family->replace(std::move(collector));
}

void Registry::render(std::string& page, PageFormat format) const {
    const Description overflow{
        .name = "gatehouse_metric_series_overflow_total",
        .help = "Look-ups of a series that found the metric full and got its series \"other\".",
        .labels = {"metric"}};
    std::string overflows;
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, family] : families_) {
        const auto begin = page.size();
        append_header(page, family->description(), family->type(), format);
        const auto samples = page.size();
        family->render(page, format);
        if (page.size() == samples) page.resize(begin);  // no series, no headline
        if (const auto count = family->overflows(); count > 0) {
            const std::string_view values[] = {name};
            append_sample(overflows, {overflow.name, "", label_text(overflow.labels, values), ""},
                          count);
        }
    }
    if (!overflows.empty()) {
        append_header(page, overflow, MetricType::counter, format);
        page += overflows;
    }
    if (format == PageFormat::open_metrics) page += "# EOF\n";
}

}  // namespace gh::telemetry

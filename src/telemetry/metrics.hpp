#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "telemetry/buckets.hpp"
#include "telemetry/cells.hpp"
#include "telemetry/exemplars.hpp"

// Instruments. Look a series up once, keep the reference, count through it: a count is a few
// nanoseconds, a look-up takes a lock. References stay valid as long as the registry.

namespace gh::telemetry {

/// Only grows.
class Counter {
 public:
    explicit Counter(CellStore::Place place) noexcept : place_(place) {}
    void add(std::uint64_t n = 1) noexcept { place_.block->local().add(place_.slot, n); }
    [[nodiscard]] std::uint64_t value() const noexcept { return place_.block->sum(place_.slot); }

 private:
    CellStore::Place place_;
};

/// Goes up and down, in whole numbers. What is known only when asked is a collector's
/// (Registry::collect).
class Gauge {
 public:
    explicit Gauge(CellStore::Place place) noexcept : place_(place) {}
    void add(std::int64_t n = 1) noexcept {
        place_.block->local().add(place_.slot, static_cast<std::uint64_t>(n));
    }
    void sub(std::int64_t n = 1) noexcept { add(-n); }
    /// Reads every shard, so it costs more than add(). Additions on other threads at the same
    /// moment count as before or after it.
    void set(std::int64_t value) noexcept {
        place_.block->set(place_.slot, static_cast<std::uint64_t>(value));
    }
    [[nodiscard]] std::int64_t value() const noexcept {
        return static_cast<std::int64_t>(place_.block->sum(place_.slot));
    }

 private:
    CellStore::Place place_;
};

/// Counts observations into fixed buckets and sums them without rounding.
class Histogram {
 public:
    Histogram(CellStore::Place place, const Buckets& buckets) noexcept
        : place_(place), buckets_(&buckets), exemplars_(std::make_shared<Exemplars>()) {}

    /// @param ticks  nanoseconds with duration buckets, otherwise what the buckets say
    void observe(std::uint64_t ticks) noexcept {
        const auto cells = place_.block->local();
        cells.add(place_.slot + buckets_->index_of(ticks), 1);
        cells.add(place_.slot + buckets_->size(), ticks);
    }
    /// Negative counts as zero.
    void observe(std::chrono::nanoseconds duration) noexcept {
        observe(duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) : 0);
    }

    /// The same, and remembers it by its trace. Its `ticks` are what is observed.
    void observe(const Exemplar& exemplar) {
        observe(exemplar.ticks);
        exemplars_->offer(buckets_->index_of(exemplar.ticks), buckets_->size(), exemplar);
    }

    [[nodiscard]] std::uint64_t count() const noexcept;
    [[nodiscard]] std::uint64_t sum_ticks() const noexcept;
    /// Observations in bucket `index` alone, not cumulated; the last one is +Inf's.
    [[nodiscard]] std::uint64_t bucket(std::size_t index) const noexcept;
    [[nodiscard]] const Buckets& buckets() const noexcept { return *buckets_; }
    [[nodiscard]] std::optional<Exemplar> exemplar(std::size_t index) const {
        return exemplars_->of(index);
    }

 private:
    CellStore::Place place_;
    const Buckets* buckets_;
    std::shared_ptr<Exemplars> exemplars_;
};

enum class MetricType : std::uint8_t { counter, gauge, histogram };

/// Of a page: text format 0.0.4 of Prometheus, or OpenMetrics 1.0, which has exemplars.
enum class PageFormat : std::uint8_t { prometheus, open_metrics };

struct Description {
    std::string name;  ///< [a-zA-Z_:][a-zA-Z0-9_:]*; a counter's ends in "_total"
    std::string help;
    std::vector<std::string>
        labels;  ///< names, at most 8: [a-zA-Z_][a-zA-Z0-9_]*, not "le", no leading "__"
    std::size_t series_max =
        1000;  ///< beyond it, one more series whose label values are all "other"
};

/// Label values longer than this are cut.
inline constexpr std::size_t label_value_bytes_max = 256;

/// What the registry knows about a family, whatever it counts.
class FamilyBase {
 public:
    explicit FamilyBase(Description description) : description_(std::move(description)) {}
    virtual ~FamilyBase() = default;
    [[nodiscard]] const Description& description() const noexcept { return description_; }
    [[nodiscard]] virtual MetricType type() const noexcept = 0;
    /// Appends the sample lines of every series, in order of their making.
    virtual void render(std::string& page, PageFormat format) const = 0;
    /// How often a look-up found the family full.
    [[nodiscard]] virtual std::uint64_t overflows() const = 0;

 private:
    Description description_;
};

/// All series of one name.
template <class Series>
class Family final : public FamilyBase {
 public:
    Family(Description description, CellStore& cells, Buckets buckets = {});

    /// Finds or makes the series with these label values, in the order of the names. Takes a lock:
    /// keep the result. Values are made valid UTF-8. Throws std::logic_error when their number is
    /// not that of the names.
    [[nodiscard]] Series& with(std::span<const std::string_view> values);
    [[nodiscard]] Series& with(std::initializer_list<std::string_view> values) {
        return with(std::span(values.begin(), values.size()));
    }

    [[nodiscard]] MetricType type() const noexcept override;
    void render(std::string& page, PageFormat format) const override;
    [[nodiscard]] std::uint64_t overflows() const override;

 private:
    struct Entry {
        std::string labels;  // as rendered, without braces
        Series series;
    };
    [[nodiscard]] Entry& add(std::string labels);

    CellStore& cells_;
    const Buckets buckets_;
    mutable std::mutex mutex_;
    std::deque<Entry> entries_;
    std::unordered_map<std::string_view, Entry*> by_labels_;
    Entry* overflow_ = nullptr;
    std::uint64_t overflows_ = 0;
};

/// Takes what a collector reports.
class Samples {
 public:
    Samples(std::string& page, const Description& description) noexcept
        : page_(page), description_(description) {}
    /// Samples beyond `series_max` are left out; the same label values twice make the page invalid.
    void add(std::span<const std::string_view> values, double value);
    void add(std::initializer_list<std::string_view> values, double value) {
        add(std::span(values.begin(), values.size()), value);
    }
    void add(double value) { add(std::span<const std::string_view>{}, value); }
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
    std::string& page_;
    const Description& description_;
    std::size_t count_ = 0;
    std::uint64_t left_out_ = 0;
};

/// Reports numbers that are known only when asked. Runs on the scraping thread, one at a time.
using Collector = std::function<void(Samples&)>;

/// Every instrument of the process. Made once, handed to whoever counts; outlives them all. All
/// calls are thread-safe.
///
/// Asking twice for the same name, type and labels gives the same family. A name that is malformed
/// or stands for something else already is a bug of ours: std::logic_error.
class Registry {
 public:
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// A family without labels has its one series from the start, so that it shows as 0.
    [[nodiscard]] Family<Counter>& counter(Description description);
    [[nodiscard]] Family<Gauge>& gauge(Description description);
    [[nodiscard]] Family<Histogram>& histogram(Description description,
                                               Buckets buckets = duration_buckets());

    /// For families without labels.
    [[nodiscard]] Counter& one_counter(std::string name, std::string help);
    [[nodiscard]] Gauge& one_gauge(std::string name, std::string help);

    /// @param type       counter or gauge
    /// @param collector  must not call the registry; replaces an earlier one of the same name, type
    /// and labels
    void collect(Description description, MetricType type, Collector collector);

    /// Appends all families by name. Families without series are left out.
    void render(std::string& page, PageFormat format = PageFormat::prometheus) const;

 private:
    template <class Series>
    Family<Series>& family(Description description, Buckets buckets);

    mutable std::mutex mutex_;
    CellStore cells_;
    std::map<std::string, std::unique_ptr<FamilyBase>, std::less<>> families_;
};

}  // namespace gh::telemetry

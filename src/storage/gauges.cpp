#include "storage/gauges.hpp"

#include <mutex>

#include "storage/database.hpp"

namespace gh::storage {

struct Gauges::Shown {
    std::mutex mutex;
    const Database* database = nullptr;  // under it
};

Gauges::Gauges(telemetry::Registry& registry, std::string_view pool, const Database& database)
    : shown_(std::make_shared<Shown>()) {
    shown_->database = &database;
    auto collector = [shown = shown_, pool](telemetry::Samples& samples) {
        const std::scoped_lock lock(shown->mutex);
        if (shown->database == nullptr) return;
        const auto now = shown->database->statistics();
        samples.add({pool, "active"}, static_cast<double>(now.active));
        samples.add({pool, "idle"}, static_cast<double>(now.idle));
    };
    registry.collect({.name = "database_connections",
                      .help = "Connections to the database, lent out or waiting to be.",
                      .labels = {"pool", "state"}},
                     telemetry::MetricType::gauge, std::move(collector));
}

Gauges::~Gauges() {
    const std::scoped_lock lock(shown_->mutex);
    shown_->database = nullptr;
}

}  // namespace gh::storage

#include "app/log_exports.hpp"

#include <utility>

#include "base/try.hpp"

namespace gh::app {
namespace {

using exporting::loki::Stream;

constexpr std::chrono::seconds close_timeout{2};

exporting::loki::Labels labels_of(const exporting::LokiConfig& config) {
    auto labels = config.labels;
    labels.emplace_back("container", config.container.empty() ? config.service : config.container);
    labels.emplace_back("service", config.service);
    return labels;
}

}  // namespace

Result<std::unique_ptr<LogExports>> LogExports::open(const Settings& settings,
                                                     telemetry::Registry& registry, Logs& logs) {
    std::unique_ptr<LogExports> exports(new LogExports(logs));
    const auto& config = settings.telemetry.loki;
    if (config.url.empty()) return exports;
    exporting::LokiExporterOptions options;
    GH_TRY(options.endpoint, exporting::loki_endpoint(config));
    options.labels = labels_of(config);
    options.spool = settings.data_dir / "loki";
    options.spool_bytes_max = config.spool.bytes_max;
    options.batch_bytes = config.batch_bytes;
    options.interval = config.interval;
    exports->loki_ =
        std::make_unique<exporting::LokiExporter>(std::move(options), registry, logs.server());
    logs.join(exports->loki_->sink(Stream::server), exports->loki_->sink(Stream::access));
    return exports;
}

LogExports::~LogExports() {
    if (loki_) logs_.leave(loki_->sink(Stream::server), loki_->sink(Stream::access));
}

void LogExports::close() {
    if (!loki_) return;
    loki_->end(close_timeout);
    loki_->wait();
}

}  // namespace gh::app

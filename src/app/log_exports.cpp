#include "app/log_exports.hpp"

#include <utility>

#include "app/version.hpp"
#include "base/try.hpp"
#include "codec/hex.hpp"
#include "crypto/bytes.hpp"
#include "crypto/digest.hpp"
#include "export/sentry_crash.hpp"

namespace gh::app {
namespace {

using exporting::loki::Stream;

constexpr std::chrono::seconds end_timeout{2};  // for all of them together

exporting::loki::Labels labels_of(const exporting::LokiConfig& config) {
    auto labels = config.labels;
    labels.emplace_back("container", config.container.empty() ? config.service : config.container);
    labels.emplace_back("service", config.service);
    return labels;
}

/// For what leaves to a tracker of errors: everything that is known, whatever the logs keep, and no exceptions.
Result<std::shared_ptr<const telemetry::Redactor>> strict_redactor() {
    using Kind = telemetry::RedactedKind;
    return telemetry::Redactor::make(
        {.kinds = {Kind::email, Kind::card, Kind::ssn, Kind::secret, Kind::token, Kind::ip},
         .allow = {},
         .pseudonym = {}});
}

/// The same at each start: Sentry keeps one event of an id, and one that is sent again is not a second.
std::string event_id_of(const FoundCrash& crash) {
    const auto digest =
        crypto::sha256(crash.file.filename().native() + '\n' + crash.report.build_id);
    return codec::encode_hex(crypto::text_of(digest)).substr(0, 32);
}

}  // namespace

Result<std::unique_ptr<LogExports>> LogExports::open(const Settings& settings,
                                                     telemetry::Registry& registry, Logs& logs) {
    std::unique_ptr<LogExports> exports(new LogExports(logs));
    if (!settings.telemetry.loki.url.empty()) GH_TRY_VOID(exports->open_loki(settings, registry));
    // Said before Sentry has the lines: it gets the crashes themselves.
    auto crashes = find_crashes(settings.data_dir / crash_folder, registry, logs.server());
    if (!settings.telemetry.sentry.dsn.empty())
        GH_TRY_VOID(exports->open_sentry(settings, registry));
    for (const auto& crash : crashes) exports->report(crash);
    return exports;
}

Result<void> LogExports::open_loki(const Settings& settings, telemetry::Registry& registry) {
    const auto& config = settings.telemetry.loki;
    exporting::LokiExporterOptions options;
    GH_TRY(options.endpoint, exporting::loki_endpoint(config));
    options.labels = labels_of(config);
    options.spool = settings.data_dir / "loki";
    options.spool_bytes_max = config.spool.bytes_max;
    options.batch_bytes = config.batch_bytes;
    options.interval = config.interval;
    loki_ = std::make_unique<exporting::LokiExporter>(std::move(options), registry, logs_.server());
    logs_.join(loki_->sink(Stream::server), loki_->sink(Stream::access));
    return {};
}

Result<void> LogExports::open_sentry(const Settings& settings, telemetry::Registry& registry) {
    const auto& config = settings.telemetry;
    exporting::SentryExporterOptions options;
    GH_TRY(options.endpoint, exporting::sentry_endpoint(config.sentry, version()));
    GH_TRY(options.redactor, strict_redactor());
    options.about = {.version = std::string(version()),
                     .release = config.release,
                     .environment = config.environment,
                     .server_name = config.sentry.server_name};
    sentry_ =
        std::make_unique<exporting::SentryExporter>(std::move(options), registry, logs_.server());
    logs_.join_server(*sentry_);
    return {};
}

void LogExports::report(const FoundCrash& crash) {
    if (!sentry_) return told(crash.file);
    auto id = event_id_of(crash);
    auto event = exporting::sentry::event_of_crash(crash.report, sentry_->about(), id);
    sentry_->report(std::move(id), std::move(event), [file = crash.file] { told(file); });
}

LogExports::~LogExports() {
    if (loki_) logs_.leave(loki_->sink(Stream::server), loki_->sink(Stream::access));
    if (sentry_) logs_.leave_server(*sentry_);
}

void LogExports::end(std::chrono::milliseconds timeout) {
    if (loki_) loki_->end(timeout);
    if (sentry_) sentry_->end(timeout);
}

void LogExports::wait() {
    if (loki_) loki_->wait();
    if (sentry_) sentry_->wait();
}

void end_exports(Traces* traces, LogExports& lines, telemetry::Log& log) {
    if (traces != nullptr) traces->end(end_timeout);
    log.info("app", "stopped");
    lines.end(end_timeout);
    if (traces != nullptr) traces->wait();
    lines.wait();
}

}  // namespace gh::app

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "app/inherited_variable.hpp"
#include "codec/https_url.hpp"
#include "config/text.hpp"
#include "config/types.hpp"

namespace gh::app::inherited {
namespace {

std::optional<std::string> label(const Overlay& overlay, std::string_view value) {
    return typed(overlay, config::text({.bytes_max = 128}), std::string(config::trim(value)));
}

}  // namespace

void log_level(const Overlay& overlay, std::string_view value) {
    using telemetry::LogLevel;
    constexpr std::pair<std::string_view, LogLevel> known[] = {
        {"debug", LogLevel::debug},  {"info", LogLevel::info},   {"warning", LogLevel::warning},
        {"warn", LogLevel::warning}, {"error", LogLevel::error}, {"critical", LogLevel::error}};
    const auto word = config::lower(config::trim(value));
    const auto* found =
        std::ranges::find(known, word, &std::pair<std::string_view, LogLevel>::first);
    if (found == std::end(known)) {
        overlay.refuse(fmt::format("{} is unknown, allowed: DEBUG, INFO, WARNING, ERROR, CRITICAL",
                                   config::quote(value)));
        return;
    }
    overlay.settings.telemetry.log_level = found->second;
    overlay.decide("telemetry.log_level");
}

void environment_label(const Overlay& overlay, std::string_view value) {
    if (auto text = label(overlay, value))
        overlay.settings.telemetry.environment = *std::move(text);
    overlay.decide("telemetry.environment");
}

void release_label(const Overlay& overlay, std::string_view value) {
    if (auto text = label(overlay, value)) overlay.settings.telemetry.release = *std::move(text);
    overlay.decide("telemetry.release");
}

void sentry_dsn(const Overlay& overlay, std::string_view value) {
    auto& sentry = overlay.settings.telemetry.sentry;
    const auto dsn = config::trim(value);
    overlay.decide("telemetry.sentry_dsn");
    if (auto checked = exporting::check_sentry_dsn(dsn, sentry.insecure); !checked) {
        overlay.refuse(checked.error().detail);
        return;
    }
    sentry.dsn = config::Secret(std::string(dsn));
}

void jaeger_host(const Overlay& overlay, std::string_view value) {
    auto& traces = overlay.settings.telemetry.traces;
    const auto endpoint = fmt::format("http://{}:4318", config::trim(value));
    if (!codec::parse_https_url(endpoint, codec::PlainHttp::anywhere)) {
        overlay.refuse(fmt::format("{} is no host", config::quote(value)));
        return;
    }
    if (!traces.otlp_endpoint.empty()) {
        overlay.warn("is passed over: telemetry.traces.otlp_endpoint is set");
        return;
    }
    traces.otlp_endpoint = endpoint;
    traces.insecure = true;
    overlay.decide("telemetry.traces.otlp_endpoint");
    overlay.warn(
        fmt::format("stands for Jaeger's agent, which is no more: spans go to {} by OTLP; set "
                    "telemetry.traces.otlp_endpoint instead",
                    endpoint));
}

void jaeger_port(const Overlay& overlay, std::string_view /*value*/) {
    overlay.warn("is passed over: it was a port of Jaeger's agent, and spans go by OTLP");
}

}  // namespace gh::app::inherited

#include "app/logs.hpp"

#include <algorithm>
#include <utility>

#include "app/state.hpp"
#include "base/try.hpp"
#include "crypto/hmac.hpp"

namespace gh::app {
namespace {

constexpr std::string_view pseudonym_key = "log-pseudonyms";

/// The first 32 bits of HMAC-SHA-256.
telemetry::PseudonymOf pseudonyms_under(crypto::Secret secret) {
    auto key = std::make_shared<const crypto::HmacKey>(crypto::HmacHash::sha256, std::move(secret));
    return [key = std::move(key)](std::string_view value) {
        const auto code = key->code_of(value);
        std::uint32_t out = 0;
        for (std::size_t i = 0; i < sizeof out; ++i) out = (out << 8) | code.data[i];
        return out;
    };
}

}  // namespace

Result<std::unique_ptr<Logs>> Logs::open(const exporting::TelemetryConfig& config,
                                         telemetry::Registry& registry) {
    std::unique_ptr<Logs> logs(new Logs());
    GH_TRY(auto redactor, logs->redactor_for(config.redaction));
    logs->redactor_.publish(std::move(redactor));
    GH_TRY(logs->server_writer_,
           exporting::LogWriter::open({.name = "server", .path = "stderr"}, registry));
    logs->server_tee_ = std::make_unique<telemetry::TeeSink>(*logs->server_writer_);
    logs->server_sink_ =
        std::make_unique<telemetry::RedactingSink>(*logs->server_tee_, logs->redactor_);
    logs->log_ = std::make_unique<telemetry::Log>(*logs->server_sink_, config.log_level);
    if (!config.environment.empty()) logs->log_->add_common("environment", config.environment);
    if (!config.release.empty()) logs->log_->add_common("release", config.release);
    if (config.access_log.path == "stderr") {
        logs->access_ = logs->server_sink_.get();
    } else if (config.access_log.path != "none") {
        GH_TRY(logs->access_writer_,
               exporting::LogWriter::open({.name = "access", .path = config.access_log.path},
                                          registry));
        logs->access_tee_ = std::make_unique<telemetry::TeeSink>(*logs->access_writer_);
        logs->access_sink_ =
            std::make_unique<telemetry::RedactingSink>(*logs->access_tee_, logs->redactor_);
        logs->access_ = logs->access_sink_.get();
    }
    return logs;
}

Result<std::shared_ptr<const telemetry::Redactor>> Logs::redactor_for(
    const exporting::RedactionConfig& config) {
    if (!config.enabled) return nullptr;
    telemetry::RedactionRules rules{.kinds = config.kinds, .allow = config.allow, .pseudonym = {}};
    if (config.ip_addresses) rules.kinds.push_back(telemetry::RedactedKind::ip);
    if (config.pseudonyms && keys_ != nullptr) {
        GH_TRY(auto secret, kept_secret(*keys_, pseudonym_key));
        rules.pseudonym = pseudonyms_under(std::move(secret));
    }
    return telemetry::Redactor::make(std::move(rules));
}

Result<void> Logs::use_keys(crypto::KeyStore& keys, const exporting::TelemetryConfig& config) {
    keys_ = &keys;
    if (!config.redaction.pseudonyms) return {};
    GH_TRY(auto redactor, redactor_for(config.redaction));
    redactor_.publish(std::move(redactor));
    return {};
}

void Logs::apply(const exporting::TelemetryConfig& config,
                 std::shared_ptr<const telemetry::Redactor> redactor) {
    redactor_.publish(std::move(redactor));
    log_->set_threshold(config.log_level);
}

void Logs::join(telemetry::LogSink& server, telemetry::LogSink& access) {
    server_tee_->join(server);
    if (access_tee_) access_tee_->join(access);
}

void Logs::leave(telemetry::LogSink& server, telemetry::LogSink& access) {
    server_tee_->leave(server);
    if (access_tee_) access_tee_->leave(access);
}

void Logs::reopen() {
    if (access_writer_) access_writer_->reopen();
}

void Logs::close() {
    if (access_writer_) access_writer_->close();
    server_writer_->close();
}

}  // namespace gh::app

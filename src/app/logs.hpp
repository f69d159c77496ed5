#pragma once

#include <memory>

#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "export/config.hpp"
#include "export/log_writer.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/redacting_sink.hpp"
#include "telemetry/tee_sink.hpp"

namespace gh::app {

/// The server log and the access log, each behind redaction.
class Logs {
 public:
    /// Opens both. Until use_keys() personal values are masked, whatever the configuration says of pseudonyms.
    /// @return errors of the writers
    [[nodiscard]] static Result<std::unique_ptr<Logs>> open(
        const exporting::TelemetryConfig& config, telemetry::Registry& registry);

    [[nodiscard]] telemetry::Log& server() { return *log_; }
    /// @return null: no access log is wanted
    [[nodiscard]] telemetry::LogSink* access() { return access_; }

    /// What else leaves the house passes it, too.
    [[nodiscard]] const telemetry::RedactorSource& redactor() const { return redactor_; }

    /// From now on pseudonyms can be made, and are where the configuration wants them: their key is in the key store as
    /// "log-pseudonyms", made when it is first needed.
    /// @param keys  outlives this object
    /// @return      errors of the key store
    [[nodiscard]] Result<void> use_keys(crypto::KeyStore& keys,
                                        const exporting::TelemetryConfig& config);

    /// What a reloaded configuration needs; nothing has changed yet. Null: nobody redacts.
    /// @return errors of the key store
    [[nodiscard]] Result<std::shared_ptr<const telemetry::Redactor>> redactor_for(
        const exporting::RedactionConfig& config);
    /// Its level, and what redactor_for() gave.
    void apply(const exporting::TelemetryConfig& config,
               std::shared_ptr<const telemetry::Redactor> redactor);

    /// Others have the lines, too, redacted, from now on and until they leave; `access` those of an access log that goes
    /// elsewhere than the server log. They leave when nobody logs any more.
    void join(telemetry::LogSink& server, telemetry::LogSink& access);
    void leave(telemetry::LogSink& server, telemetry::LogSink& access);

    /// The same for one who wants the server log alone.
    void join_server(telemetry::LogSink& server) { server_tee_->join(server); }
    void leave_server(telemetry::LogSink& server) { server_tee_->leave(server); }

    void flush() { server_writer_->flush(); }
    void reopen();
    void close();

 private:
    Logs() = default;

    std::unique_ptr<exporting::LogWriter> server_writer_, access_writer_;
    std::unique_ptr<telemetry::TeeSink> server_tee_, access_tee_;
    telemetry::RedactorSource redactor_;
    std::unique_ptr<telemetry::RedactingSink> server_sink_, access_sink_;
    telemetry::LogSink* access_ = nullptr;
    std::unique_ptr<telemetry::Log> log_;
    crypto::KeyStore* keys_ = nullptr;
};

}  // namespace gh::app

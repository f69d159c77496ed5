#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/secret.hpp"
#include "config/type.hpp"
#include "export/collector.hpp"

namespace gh::exporting {

/// `telemetry.sentry_dsn` and `telemetry.sentry` of gatehouse.yaml.
struct SentryConfig {
    config::Secret dsn;       ///< empty: errors are not reported
    std::string server_name;  ///< of every event; empty: none, for a host's name may be a person's
    bool insecure = false;    ///< http to elsewhere than loopback
    std::optional<std::filesystem::path> ca_file;
    friend bool operator==(const SentryConfig&, const SentryConfig&) = default;
};

/// How `telemetry.sentry` is read, shown and described: all but the DSN.
[[nodiscard]] config::Type<SentryConfig> sentry_type();
/// How `telemetry.sentry_dsn` is: a secret, which may be empty.
[[nodiscard]] config::Type<config::Secret> sentry_dsn_type();

/// May events go where this DSN leads?
/// @return `invalid_argument` "sentry.dsn", or "sentry.insecure" where plain http leads to another machine and `insecure`
///         does not say so; the detail continues "telemetry.sentry_dsn ..."
[[nodiscard]] Result<void> check_sentry_dsn(std::string_view dsn, bool insecure);

/// Where events go, with the field that says whose they are.
/// @param version  of the house: "0.1.0"
/// @return errors of parse_sentry_dsn() and of make_endpoint()
[[nodiscard]] Result<Endpoint> sentry_endpoint(const SentryConfig& config,
                                               std::string_view version);

}  // namespace gh::exporting

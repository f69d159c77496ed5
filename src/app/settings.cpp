#include "app/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/try.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::app {
namespace {

using config::Object;
using config::Type;

Type<exporting::RedactionConfig> redaction_type() {
    using exporting::RedactionConfig;
    using telemetry::RedactedKind;
    const auto kind = config::choice<RedactedKind>({{"email", RedactedKind::email},
                                                    {"card", RedactedKind::card},
                                                    {"ssn", RedactedKind::ssn},
                                                    {"secret", RedactedKind::secret},
                                                    {"token", RedactedKind::token}});
    const auto allowed = config::mapped<std::string, std::string>(
        config::text({.bytes_max = 256}),
        [](const std::string& entry) -> Result<std::string> {
            GH_TRY_VOID(
                telemetry::Redactor::make({.kinds = {}, .allow = {entry}, .pseudonym = {}}));
            return entry;
        },
        [](const std::string& entry) { return entry; });
    Object<RedactionConfig> table;
    table.key("enabled", &RedactionConfig::enabled, config::boolean(),
              "Takes personal and secret values out of both logs.");
    table.key("kinds", &RedactionConfig::kinds, config::list_of(kind, {.items_max = 5}),
              "Which: email, card, ssn, secret, token.");
    table.key("ip_addresses", &RedactionConfig::ip_addresses, config::boolean(),
              "Addresses of IPv4 and IPv6, too, client_ip among them.");
    table.key("pseudonyms", &RedactionConfig::pseudonyms, config::boolean(),
              "[email:3f9a1c02], the same for the same value, in the place of [email].");
    table.key("allow", &RedactionConfig::allow, config::list_of(allowed, {.items_max = 1000}),
              "Values, *@DOMAIN and ranges of addresses that pass as they are.");
    return table.type();
}

void add_sentry(Object<exporting::TelemetryConfig>& table) {
    using exporting::TelemetryConfig;
    table.part<config::Secret>(
        "sentry_dsn",
        [](TelemetryConfig& into, config::Secret dsn) { into.sentry.dsn = std::move(dsn); },
        [](const TelemetryConfig& from) { return from.sentry.dsn; }, exporting::sentry_dsn_type(),
        "Errors and crashes go to this project of Sentry: https://PUBLIC_KEY@HOST/PROJECT_ID. Left "
        "out, or empty: nowhere.");
    table.key("sentry", &TelemetryConfig::sentry, exporting::sentry_type(), "How they get there.");
    table.check([](const config::Node& node, config::Reader& reader, const TelemetryConfig& read) {
        const auto* written = node.find("sentry_dsn");
        if (written == nullptr || read.sentry.dsn.empty()) return true;
        const auto checked =
            exporting::check_sentry_dsn(read.sentry.dsn.view(), read.sentry.insecure);
        if (checked) return true;
        const auto step = reader.enter("sentry_dsn");
        reader.refuse(*written, checked.error().detail);
        return false;
    });
}

Type<exporting::TelemetryConfig> telemetry_type() {
    using exporting::AccessLogConfig;
    using exporting::TelemetryConfig;
    using telemetry::LogLevel;
    const auto label = config::text({.bytes_max = 128});

    // "stdout", "stderr" and "none" are words; anything else is a path.
    const auto path = config::or_word<std::string>(
        "stdout", "stdout",
        config::or_word<std::string>(
            "stderr", "stderr",
            config::or_word<std::string>(
                "none", "none",
                config::mapped<std::filesystem::path, std::string>(
                    config::file_path(),
                    [](const std::filesystem::path& read) -> Result<std::string> {
                        return read.native();
                    },
                    [](const std::string& text) { return std::filesystem::path(text); }))));
    Object<AccessLogConfig> access_log;
    access_log.key("path", &AccessLogConfig::path, path,
                   "stdout, stderr, none, or a file, opened anew on SIGUSR1.");
    access_log.key(
        "format", &AccessLogConfig::format,
        config::choice<AccessLogConfig::Format>({{"json", AccessLogConfig::Format::json}}),
        "One JSON object a line.");

    Object<TelemetryConfig> table;
    table.key("access_log", &TelemetryConfig::access_log, access_log.type(),
              "A line for every request.");
    table.key("log_level", &TelemetryConfig::log_level,
              config::choice<LogLevel>({{"debug", LogLevel::debug},
                                        {"info", LogLevel::info},
                                        {"warning", LogLevel::warning},
                                        {"error", LogLevel::error}}),
              "Less than this is not logged.");
    table.key("redaction", &TelemetryConfig::redaction, redaction_type(),
              "What both logs do not keep.");
    table.key("environment", &TelemetryConfig::environment, label,
              "A label for log lines and /system/info, such as staging. It changes no behaviour.");
    table.key("release", &TelemetryConfig::release, label,
              "The same, for what is deployed behind the gateway.");
    table.key("traces", &TelemetryConfig::traces, exporting::traces_type(),
              "Spans of requests, statements and jobs, for a collector of OpenTelemetry.");
    table.key("loki", &TelemetryConfig::loki, exporting::loki_type(),
              "Lines of both logs, for Grafana Loki.");
    add_sentry(table);
    return table.type();
}

}  // namespace

bool Settings::loopback_only() const {
    return std::ranges::all_of(listeners,
                               [](const auto& listener) { return listener.bind.loopback(); });
}

bool Settings::relaxed() const { return profile == Profile::development && loopback_only(); }

const net::ListenerConfig* Settings::find_listener(std::string_view name) const {
    const auto found = std::ranges::find(listeners, name, &net::ListenerConfig::name);
    return found == listeners.end() ? nullptr : &*found;
}

const gateway::UpstreamConfig* Settings::find_upstream(std::string_view name) const {
    const auto found = std::ranges::find(upstreams, name, &gateway::UpstreamConfig::name);
    return found == upstreams.end() ? nullptr : &*found;
}

Type<Settings> settings_type() {
    constexpr std::uint32_t workers_max = 256;
    Object<Settings> table;
    table.key("data_dir", &Settings::data_dir, config::file_path(),
              "Keys and state, 0700. Relative paths start at this file's folder.");
    table.key("profile", &Settings::profile,
              config::choice<Profile>(
                  {{"production", Profile::production}, {"development", Profile::development}}),
              "development relaxes, on loopback only.");
    table.key("workers", &Settings::workers,
              config::or_word("auto", 0U, config::integer(1U, workers_max)),
              "Threads of the request path; auto: one a core.");
    table.key("limits", &Settings::limits, net::limits_type(),
              "What the process and each connection may cost.");
    table.key("listeners", &Settings::listeners,
              config::list_of(net::listener_type(), {.items_min = 1, .items_max = 100}),
              "Where Gatehouse listens, and what answers there.");
    table.key("trusted_proxies", &Settings::trusted_proxies,
              config::list_of(net::address_range_type(), {.items_max = 1000}),
              "Whose X-Forwarded-For counts.");
    table.key("allowed_hosts", &Settings::allowed_hosts,
              config::list_of(gateway::host_type(), {.items_max = 1000}),
              "Hosts that requests may name; others get 421. Left out: the names of the "
              "certificates, localhost and "
              "the bound addresses.");
    table.key("upstreams", &Settings::upstreams,
              config::list_of(gateway::upstream_type(), {.items_max = 1000}),
              "What Gatehouse stands in front of.");
    table.key("routes", &Settings::routes,
              config::list_of(gateway::route_type(), {.items_max = 10'000}),
              "Which requests go where; the first match wins.");
    table.key("auth", &Settings::auth, identity::auth_type(), "Whose credentials are believed.");
    table.key("audit", &Settings::audit, audit::audit_type(), "The log that shows tampering.");
    table.key("storage", &Settings::storage, storage::storage_type(),
              "Where everything durable is.");
    table.key("vault", &Settings::vault, vault::vault_type(), "What opens the seal of the keys.");
    table.key("pki", &Settings::pki, pki::pki_type(), "The internal CA.");
    table.key("agents", &Settings::agents, agents::agents_type(), "Programs that come to work.");
    table.key("bus", &Settings::bus, bus::bus_type(), "Messages, notifications and tasks.");
    table.key("plans", &Settings::plans, plan::plans_type(), "How agents work on plans.");
    table.key("health", &Settings::health, health_type(), "When Gatehouse calls itself ready.");
    table.key("telemetry", &Settings::telemetry, telemetry_type(), "What is written down.");
    return table.type();
}

Result<void> check_reload(const Settings& current, const Settings& next) {
    if (current.data_dir != next.data_dir) {
        return fail(
            ErrorKind::invalid_argument, "config.reload",
            fmt::format("data_dir: cannot change from {} to {} while running, wanted: a restart",
                        config::quote(current.data_dir.native()),
                        config::quote(next.data_dir.native())));
    }
    if (current.storage.url != next.storage.url) {
        const auto shown = [](const std::optional<storage::StorageUrl>& url) {
            return url ? config::quote(storage::text_of(*url)) : "the file in data_dir";
        };
        return fail(
            ErrorKind::invalid_argument, "config.reload",
            fmt::format("storage.url: cannot change from {} to {} while running, wanted: a restart",
                        shown(current.storage.url), shown(next.storage.url)));
    }
    return {};
}

std::vector<std::string_view> keys_for_next_start(const Settings& current, const Settings& next) {
    std::vector<std::string_view> keys;
    const auto& [before, after] = std::tie(current.telemetry, next.telemetry);
    if (current.workers != next.workers) keys.emplace_back("workers");
    if (before.access_log != after.access_log) keys.emplace_back("telemetry.access_log");
    if (before.traces != after.traces) keys.emplace_back("telemetry.traces");
    if (before.loki != after.loki) keys.emplace_back("telemetry.loki");
    if (before.sentry != after.sentry) keys.emplace_back("telemetry.sentry");
    if (before.environment != after.environment) keys.emplace_back("telemetry.environment");
    if (before.release != after.release) keys.emplace_back("telemetry.release");
    if (current.audit != next.audit) keys.emplace_back("audit.origin");
    if (current.storage.password != next.storage.password) keys.emplace_back("storage.password");
    if (current.storage.pool != next.storage.pool) keys.emplace_back("storage.pool");
    if (current.storage.slow_query != next.storage.slow_query)
        keys.emplace_back("storage.slow_query");
    if (current.vault != next.vault) keys.emplace_back("vault");
    if (current.pki.url != next.pki.url) keys.emplace_back("pki.url");
    if (current.pki.acme != next.pki.acme) keys.emplace_back("pki.acme");
    if (current.agents != next.agents) keys.emplace_back("agents");
    if (current.bus != next.bus) keys.emplace_back("bus");
    if (current.plans != next.plans) keys.emplace_back("plans");
    const auto& [auth, next_auth] = std::tie(current.auth, next.auth);
    if (auth.issuer != next_auth.issuer) keys.emplace_back("auth.issuer");
    if (auth.access_token_ttl != next_auth.access_token_ttl)
        keys.emplace_back("auth.access_token_ttl");
    if (auth.login_token_ttl != next_auth.login_token_ttl)
        keys.emplace_back("auth.login_token_ttl");
    if (auth.signing_algorithm != next_auth.signing_algorithm)
        keys.emplace_back("auth.signing_algorithm");
    if (auth.password_hash != next_auth.password_hash) keys.emplace_back("auth.password_hash");
    if (auth.password_grant != next_auth.password_grant) keys.emplace_back("auth.password_grant");
    return keys;
}

}  // namespace gh::app

#include "app/inherited_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "config/text.hpp"
#include "config/unit.hpp"

namespace gh::app {
namespace {

using namespace inherited;

constexpr InheritedVariable table[] = {
    {"JWT_SECRET_KEY", "JWT_SECRET", "auth.trusted_issuers[].secret", "",
     "Secret of bearer tokens, 32 random bytes or more (openssl rand -hex 32), for the issuer that "
     "refers to it or "
     "\"legacy\".",
     jwt_secret},
    {"JWT_ALGORITHM", "", "auth.trusted_issuers[].algorithm", "HS256",
     "Algorithm of that issuer: HS256, HS384 or HS512. Longer hashes want longer secrets.",
     jwt_algorithm},
    {"API_KEYS", "", "no key", "",
     "Keys for X-API-Key, separated by commas, taken over into the database with the role user "
     "where "
     "they are not known yet; take it out afterwards.",
     api_keys},
    {"JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "", "auth.access_token_ttl", "30",
     "How long an access token of ours is good, in minutes.", token_minutes},
    {"VALID_USERS", "", "no key", "",
     "name:password pairs, separated by commas, taken over as users with the role user when there "
     "are no users yet; take it out afterwards.",
     valid_users},
    {"ADMIN_INITIAL_PASSWORD", "", "no key", "",
     "Of the user admin, made at the first start; it must be changed at the first sign-in. Without "
     "it one is made and shown once.",
     admin_password},
    {"ENABLE_AUTH", "", "auth.enabled", "true",
     "false lets everybody in: only in the development profile, with every listener on loopback.",
     enable_auth},
    {"DATABASE_URL", "", "storage.url and storage.password", "",
     "Where everything durable is: postgresql://user:password@host/database, or sqlite:PATH.",
     database_url},
    {"POSTGRES_HOST", "", "storage.url", "localhost",
     "The server, or the folder of its Unix socket. Set, it makes PostgreSQL the database.",
     postgres_host},
    {"POSTGRES_PORT", "", "storage.url", "5432", "Its port.", postgres_port},
    {"POSTGRES_DATABASE", "POSTGRES_DB", "storage.url", "gatehouse", "The database in it.",
     postgres_database},
    {"POSTGRES_USER", "", "storage.url", "gatehouse", "Who we are to it.", postgres_user},
    {"POSTGRES_PASSWORD", "", "storage.password", "", "What proves it.", postgres_password},
    {"POSTGRES_POOL_MIN_SIZE", "", "storage.pool.min", "5", "Connections that are kept open.",
     pool_min},
    {"POSTGRES_POOL_MAX_SIZE", "", "storage.pool.max", "50", "No more than these at once.",
     pool_max},
    {"POSTGRES_POOL_TIMEOUT", "", "storage.pool.acquire_timeout", "10",
     "How long a transaction waits for one, in seconds.", pool_timeout},
    {"ENCRYPTION_KEY", "", "vault.key", "",
     "What opens the vault: 32 random bytes as base64 or hex (openssl rand -base64 32). A Fernet "
     "key "
     "is one.",
     encryption_key},
    {"ENABLE_SECURE_SECRETS", "", "vault.external_key_required, .variables and .variables_only",
     "false",
     "true takes the secrets among these variables from the vault alone, where gatehouse secrets "
     "import puts them, and refuses to start with a key that lies in the data directory, beside "
     "what it protects.",
     secure_secrets},
    {"ENABLE_HTTPS_REDIRECT", "", "listeners[].redirect_to", "true",
     "true adds a listener on [::]:8080 that redirects to https, if there is none; false closes "
     "those there are.",
     https_redirect},
    {"ENABLE_HSTS", "", "listeners[].hsts.enabled", "true",
     "Send Strict-Transport-Security over TLS.", enable_hsts},
    {"HSTS_MAX_AGE", "", "listeners[].hsts.max_age", "31536000", "Its max-age, in seconds.",
     hsts_max_age},
    {"HSTS_INCLUDE_SUBDOMAINS", "", "listeners[].hsts.include_subdomains", "true",
     "Its includeSubDomains.", hsts_subdomains},
    {"HSTS_PRELOAD", "", "listeners[].hsts.preload", "false", "Its preload: hard to take back.",
     hsts_preload},
    {"ALLOWED_ORIGINS", "", "routes[].cors.origins", "http://localhost:3000",
     "Origins whose pages may call, separated by commas, on every route.", allowed_origins},
    {"ALLOWED_HOSTS", "", "allowed_hosts", "localhost",
     "Hosts that requests may name, separated by commas.", allowed_hosts},
    {"PKI_SERVER_URL", "", "pki.acme_client.directory and listeners[].tls.certificate",
     "https://ca.example.com",
     "The CA that listeners with tls have their certificate from (ACME), where no certificate "
     "files "
     "are configured: its directory, or where /acme/directory is.",
     pki_server_url},
    {"VCC_CA_PASSWORD", "", "pki.acme_client.external_account", "",
     "What that CA knows us by, where it gives accounts only so: KEY-ID:HMAC-KEY, as gatehouse ca "
     "acme-key gives it.",
     ca_password},
    {"ENABLE_METRICS", "", "listeners[].serve", "true",
     "false serves /metrics nowhere; true serves it on loopback, if no listener does.",
     enable_metrics},
    {"MAX_CONVERSATION_MESSAGES", "", "bus.conversation_messages_max", "0",
     "Messages of one conversation; 0: no limit. WEATHER_AGENT_MAX_CONVERSATION_MESSAGES and the "
     "like: of conversations with the agent weather-agent.",
     conversation_messages},
    {"LOG_LEVEL", "", "telemetry.log_level", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL.",
     log_level},
    {"ENVIRONMENT", "", "telemetry.environment", "production",
     "A label for log lines, events of Sentry and /system/info. It does not choose the profile.",
     environment_label},
    {"RELEASE_VERSION", "", "telemetry.release", "1.0.0",
     "The same, for what is deployed behind the gateway.", release_label},
    {"SENTRY_DSN", "", "telemetry.sentry_dsn", "",
     "The project of Sentry that errors and crashes go to: https://PUBLIC_KEY@HOST/PROJECT_ID. "
     "Empty: nowhere.",
     sentry_dsn},
    {"JAEGER_AGENT_HOST", "", "telemetry.traces.otlp_endpoint and .insecure", "jaeger",
     "Spans go there by OTLP, http on port 4318, where no endpoint is configured. Name the "
     "endpoint "
     "instead.",
     jaeger_host},
    {"JAEGER_AGENT_PORT", "", "nothing", "6831", "The agent's, which is no more: passed over.",
     jaeger_port},
};

/// Its names that are set to anything but nothing.
std::vector<std::string_view> set_names(const config::Environment& environment,
                                        const InheritedVariable& variable) {
    std::vector<std::string_view> names;
    for (const auto name : {variable.name, variable.alias}) {
        if (!name.empty() && !environment.find(name).value_or("").empty()) names.push_back(name);
    }
    return names;
}

/// The value of a variable under whichever name it is set, with that name.
std::optional<std::pair<std::string_view, std::string_view>> value_of(
    const config::Environment& environment, const InheritedVariable& variable,
    config::Problems& problems) {
    const auto set = [&](std::string_view name) {
        const auto value = name.empty() ? std::nullopt : environment.find(name);
        return value && !value->empty() ? value : std::nullopt;
    };
    const auto value = set(variable.name);
    const auto other = set(variable.alias);
    if (value && other && *value != *other) {
        problems.add({"environment", 0, std::string(variable.name),
                      fmt::format("{} is set too, and to something else: they are one variable "
                                  "with two names, allowed: "
                                  "one of them, or the same value",
                                  variable.alias)});
        return std::nullopt;
    }
    if (value) return std::pair{variable.name, *value};
    if (other) return std::pair{variable.alias, *other};
    return std::nullopt;
}

}  // namespace

void Overlay::refuse(std::string text) const {
    problems.add({"environment", 0, std::string(variable), std::move(text)});
}

void Overlay::warn(std::string text) const {
    warnings.push_back(fmt::format("{}: {}", variable, text));
}

std::optional<bool> boolean(const Overlay& overlay, std::string_view value) {
    const auto word = config::lower(config::trim(value));
    if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off") return false;
    overlay.refuse("is not a boolean, allowed: true, false");
    return std::nullopt;
}

std::optional<std::int64_t> whole_number(const Overlay& overlay, std::string_view value,
                                         std::int64_t least, std::int64_t most) {
    const auto number = config::parse_integer(config::trim(value));
    if (number && *number >= least && *number <= most) return *number;
    overlay.refuse(fmt::format("is no whole number from {} to {}", least, most));
    return std::nullopt;
}

std::vector<std::string> comma_list(const Overlay& overlay, std::string_view value) {
    constexpr std::size_t items_max = 1000;
    std::vector<std::string> out;
    while (true) {
        const auto comma = value.find(',');
        const auto item = config::trim(value.substr(0, comma));
        if (!item.empty()) out.emplace_back(item);
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    if (out.size() > items_max) {
        overlay.refuse(fmt::format("has {} entries, allowed: at most {}", out.size(), items_max));
        out.clear();
    }
    return out;
}

std::span<const InheritedVariable> inherited_variables() { return table; }

void apply_environment(const config::Environment& environment, Settings& settings,
                       config::Origins& origins, SecretJudge& judge, config::Problems& problems,
                       std::vector<std::string>& warnings) {
    for (const auto& variable : table) {
        const auto found = value_of(environment, variable, problems);
        if (!found) continue;
        const Overlay overlay{settings, origins, problems, warnings, judge, found->first};
        if (config::find_unreadable(found->second)) {
            overlay.refuse("holds bytes that are not UTF-8 text, or control characters");
            continue;
        }
        variable.apply(overlay, found->second);
    }
    for (const auto& [name, value] : environment.all()) {
        if (value.empty() || !is_conversation_limit(name)) continue;
        const Overlay overlay{settings, origins, problems, warnings, judge, name};
        conversation_messages_of(overlay, value);
    }
}

bool opens_vault(const InheritedVariable& variable) {
    return variable.sets.starts_with("storage.") || variable.sets.starts_with("vault.");
}

config::Environment with_vault(const config::Environment& outside,
                               const config::Environment& vault) {
    auto all = outside.all();
    for (const auto& variable : table) {
        if (opens_vault(variable) || !set_names(outside, variable).empty()) continue;
        for (const auto name : set_names(vault, variable))
            all[std::string(name)] = *vault.find(name);
    }
    return config::Environment(std::move(all));
}

void refuse_secrets_outside(const config::Environment& outside, config::Problems& problems) {
    for (const auto& variable : table) {
        if (!variable.example.empty() || opens_vault(variable)) continue;
        for (const auto name : set_names(outside, variable)) {
            problems.add(
                {"environment", 0, std::string(name),
                 "is a secret outside the vault, and vault.variables_only "
                 "(ENABLE_SECURE_SECRETS) lets none in from there: gatehouse secrets import "
                 ".env moves it, and takes it from the file"});
        }
    }
}

std::string environment_example() {
    std::string out =
        "# Environment variables that Gatehouse reads. They override the configuration file.\n"
        "# Copy this file to `.env` beside the configuration file, or name it with --env-file; "
        "what the environment of\n"
        "# the process sets wins. An empty value counts as not set, so that this file as it is "
        "changes nothing.\n"
        "# Never commit the copy.\n";
    for (const auto& variable : table) {
        fmt::format_to(std::back_inserter(out), "\n# {}\n# Overrides {}.", variable.doc,
                       variable.sets);
        if (!variable.example.empty())
            fmt::format_to(std::back_inserter(out), " Such as: {}", variable.example);
        fmt::format_to(std::back_inserter(out), "\n{}=\n", variable.name);
        if (!variable.alias.empty()) {
            fmt::format_to(std::back_inserter(out),
                           "# The same under another name; both must agree.\n{}=\n",
                           variable.alias);
        }
    }
    return out;
}

}  // namespace gh::app

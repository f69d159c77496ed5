#include "app/inherited_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "config/reader.hpp"
#include "config/text.hpp"
#include "config/types.hpp"
#include "config/unit.hpp"

namespace gh::app {
namespace {

constexpr std::size_t items_max = 1000;
constexpr std::string_view legacy_issuer = "legacy";

std::optional<bool> boolean(const Overlay& overlay, std::string_view value) {
    const auto word = config::lower(config::trim(value));
    if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off") return false;
    overlay.refuse("is not a boolean, allowed: true, false");
    return std::nullopt;
}

/// `a, b,,c` without what is empty: an empty key or host must never match anything.
std::vector<std::string> comma_list(const Overlay& overlay, std::string_view value) {
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

/// Reads one value of a list with the type that the file's key has.
template <class V>
std::optional<V> typed(const Overlay& overlay, const config::Type<V>& type, const std::string& value) {
    config::Problems problems;
    config::Origins origins;
    config::Reader reader({.file = "environment", .folder = {}}, problems, origins);
    V out{};
    const auto step = reader.enter(overlay.variable);
    if (type.read(config::Node::scalar(value), reader, out)) return out;
    for (const auto& problem : problems.all()) overlay.problems.add(problem);
    return std::nullopt;
}

void judge(const Overlay& overlay, std::string_view secret, std::size_t bytes_min) {
    overlay.judge.judge(secret, bytes_min, {"environment", 0, std::string(overlay.variable), {}});
}

/// The issuer that the inherited secret belongs to: the one that already refers to it, or the one called "legacy".
identity::TrustedIssuerConfig* find_legacy(const Overlay& overlay) {
    auto& issuers = overlay.settings.auth.trusted_issuers;
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        const auto* written = overlay.origins.find(fmt::format("auth.trusted_issuers[{}].secret", i));
        if (written != nullptr && (*written == "${env:JWT_SECRET_KEY}" || *written == "${env:JWT_SECRET}")) {
            return &issuers[i];
        }
    }
    const auto found = std::ranges::find(issuers, legacy_issuer, &identity::TrustedIssuerConfig::issuer);
    return found == issuers.end() ? nullptr : &*found;
}

void jwt_secret(const Overlay& overlay, std::string_view value) {
    judge(overlay, value, identity::secret_bytes_min(identity::TokenAlgorithm::hs256));
    auto* issuer = find_legacy(overlay);
    if (issuer == nullptr) {
        auto& made = overlay.settings.auth.trusted_issuers.emplace_back();
        made.issuer = legacy_issuer;
        made.issuer_required = false;  // such backends mint tokens without iss
        made.any_audience = true;
        made.algorithm = identity::TokenAlgorithm::hs256;
        overlay.warn("tokens signed with it are believed, whatever their audience (issuer \"legacy\")");
        issuer = &made;
    } else if (issuer->secret.empty()) {
        overlay.refuse("the issuer \"legacy\" of the file has another kind of key, allowed: one of the two");
        return;
    }
    issuer->secret = config::Secret(std::string(value));
    overlay.decide(fmt::format("auth.trusted_issuers[{}].secret", issuer - overlay.settings.auth.trusted_issuers.data()));
}

void jwt_algorithm(const Overlay& overlay, std::string_view value) {
    using identity::TokenAlgorithm;
    constexpr std::pair<std::string_view, TokenAlgorithm> known[] = {
        {"HS256", TokenAlgorithm::hs256}, {"HS384", TokenAlgorithm::hs384}, {"HS512", TokenAlgorithm::hs512}};
    const auto* found = std::ranges::find(known, value, &std::pair<std::string_view, TokenAlgorithm>::first);
    auto* issuer = find_legacy(overlay);
    if (found == std::end(known)) {
        overlay.refuse(fmt::format("{} is no algorithm for a shared secret, allowed: HS256, HS384, HS512",
                                   config::quote(value)));
    } else if (issuer == nullptr || issuer->secret.empty()) {
        overlay.warn("has no effect: JWT_SECRET_KEY is not set");
    } else if (issuer->secret.view().size() < identity::secret_bytes_min(found->second)) {
        overlay.refuse(fmt::format("wants a secret of at least {} bytes (RFC 7518 §3.2)",
                                   identity::secret_bytes_min(found->second)));
    } else {
        issuer->algorithm = found->second;
    }
}

void api_keys(const Overlay& overlay, std::string_view value) {
    auto& keys = overlay.settings.auth.api_keys;
    keys.clear();
    overlay.decide("auth.api_keys");
    std::size_t number = 0;
    for (auto& key : comma_list(overlay, value)) {
        ++number;
        judge(overlay, key, identity::api_key_bytes_min);
        auto id = fmt::format("environment-{}", number);
        keys.push_back(identity::ApiKeyConfig{.id = id,
                                              .value = config::Secret(std::move(key)),
                                              .sha256 = {},
                                              .subject = id,
                                              .roles = {"user"},
                                              .scopes = {},
                                              .expires = {}});
    }
}

void enable_auth(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (!on) return;
    overlay.settings.auth.enabled = *on;
    overlay.decide("auth.enabled");
}

/// "redirect", "redirect-2", ...: the first that is free.
std::string free_name(const Settings& settings, std::string_view wanted) {
    std::string name(wanted);
    for (int i = 2; settings.find_listener(name) != nullptr; ++i) name = fmt::format("{}-{}", wanted, i);
    return name;
}

void https_redirect(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    auto& listeners = overlay.settings.listeners;
    const auto redirects = [](const auto& listener) { return !listener.redirect_to.empty(); };
    if (!on) return;
    if (!*on) {
        // Less is open then; nothing is ever served in plain text because of this.
        std::erase_if(listeners, redirects);
        overlay.decide("listeners");
        return;
    }
    if (std::ranges::any_of(listeners, redirects)) return;
    const auto target = std::ranges::find_if(
        listeners, [](const auto& listener) { return listener.tls && listener.serves(net::Service::gateway); });
    if (target == listeners.end()) {
        overlay.refuse("there is no listener with tls to redirect to");
        return;
    }
    net::ListenerConfig made{.name = free_name(overlay.settings, "redirect"),
                             .bind = {.host = "::", .port = 8080},
                             .tls = {},
                             .hsts = {},
                             .redirect_to = target->name,
                             .serve = {}};
    overlay.decide(fmt::format("listeners[{}]", listeners.size()));
    listeners.push_back(std::move(made));
}

void each_hsts(const Overlay& overlay, std::string_view key, const std::function<void(net::HstsConfig&)>& change) {
    auto& listeners = overlay.settings.listeners;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (!listeners[i].tls) continue;
        change(listeners[i].hsts);
        overlay.decide(fmt::format("listeners[{}].hsts.{}", i, key));
    }
}

void enable_hsts(const Overlay& overlay, std::string_view value) {
    if (const auto on = boolean(overlay, value)) each_hsts(overlay, "enabled", [&](auto& hsts) { hsts.enabled = *on; });
}

void hsts_max_age(const Overlay& overlay, std::string_view value) {
    constexpr std::int64_t ten_years = 315'360'000;
    const auto age = config::parse_integer(config::trim(value));
    if (!age || *age < 0 || *age > ten_years) {
        overlay.refuse(fmt::format("{} is no number of seconds, allowed: 0 to {}", config::quote(value), ten_years));
        return;
    }
    each_hsts(overlay, "max_age", [&](auto& hsts) { hsts.max_age = net::seconds(*age); });
}

void hsts_subdomains(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (on) each_hsts(overlay, "include_subdomains", [&](auto& hsts) { hsts.include_subdomains = *on; });
}

void hsts_preload(const Overlay& overlay, std::string_view value) {
    if (const auto on = boolean(overlay, value)) each_hsts(overlay, "preload", [&](auto& hsts) { hsts.preload = *on; });
}

void allowed_origins(const Overlay& overlay, std::string_view value) {
    std::vector<std::string> origins;
    for (const auto& item : comma_list(overlay, value)) {
        if (auto origin = typed(overlay, gateway::origin_type(), item)) origins.push_back(*std::move(origin));
    }
    if (origins.empty()) return;
    const bool any = std::ranges::find(origins, "*") != origins.end();
    for (std::size_t i = 0; i < overlay.settings.routes.size(); ++i) {
        auto& cors = overlay.settings.routes[i].cors;
        if (!cors) cors.emplace();
        if (any && cors->credentials) {
            overlay.refuse(fmt::format("\"*\" together with the credentials that routes[{}] allows would let every page "
                                       "act as its visitor, allowed: a list of origins", i));
            return;
        }
        cors->any_origin = any;
        cors->origins = any ? std::vector<std::string>{} : origins;
        overlay.decide(fmt::format("routes[{}].cors.origins", i));
    }
}

void allowed_hosts(const Overlay& overlay, std::string_view value) {
    std::vector<std::string> hosts;
    for (const auto& item : comma_list(overlay, value)) {
        if (auto host = typed(overlay, gateway::host_type(), item)) hosts.push_back(*std::move(host));
    }
    if (hosts.empty()) return;
    overlay.settings.allowed_hosts = std::move(hosts);
    overlay.decide("allowed_hosts");
}

void enable_metrics(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (!on) return;
    auto& listeners = overlay.settings.listeners;
    if (!*on) {
        for (auto& listener : listeners) std::erase(listener.serve, net::Service::metrics);
        std::erase_if(listeners, [](const auto& listener) { return listener.serve.empty() && listener.redirect_to.empty(); });
        overlay.decide("listeners");
        return;
    }
    const auto serves = [](const auto& listener) { return listener.serves(net::Service::metrics); };
    if (std::ranges::any_of(listeners, serves)) return;
    const auto quiet = std::ranges::find_if(listeners, [](const auto& listener) {
        return listener.bind.loopback() && listener.serves(net::Service::health) && !listener.serves(net::Service::gateway);
    });
    if (quiet != listeners.end()) {
        quiet->serve.push_back(net::Service::metrics);
        return;
    }
    overlay.decide(fmt::format("listeners[{}]", listeners.size()));
    listeners.push_back(net::ListenerConfig{.name = free_name(overlay.settings, "metrics"),
                                            .bind = {.host = "127.0.0.1", .port = 9901},
                                            .tls = {},
                                            .hsts = {},
                                            .redirect_to = {},
                                            .serve = {net::Service::metrics}});
}

void log_level(const Overlay& overlay, std::string_view value) {
    using telemetry::LogLevel;
    constexpr std::pair<std::string_view, LogLevel> known[] = {
        {"debug", LogLevel::debug}, {"info", LogLevel::info},   {"warning", LogLevel::warning},
        {"warn", LogLevel::warning}, {"error", LogLevel::error}, {"critical", LogLevel::error}};
    const auto word = config::lower(config::trim(value));
    const auto* found = std::ranges::find(known, word, &std::pair<std::string_view, LogLevel>::first);
    if (found == std::end(known)) {
        overlay.refuse(fmt::format("{} is unknown, allowed: DEBUG, INFO, WARNING, ERROR, CRITICAL", config::quote(value)));
        return;
    }
    overlay.settings.telemetry.log_level = found->second;
    overlay.decide("telemetry.log_level");
}

std::optional<std::string> label(const Overlay& overlay, std::string_view value) {
    return typed(overlay, config::text({.bytes_max = 128}), std::string(config::trim(value)));
}

void environment_label(const Overlay& overlay, std::string_view value) {
    if (auto text = label(overlay, value)) overlay.settings.telemetry.environment = *std::move(text);
    overlay.decide("telemetry.environment");
}

void release_label(const Overlay& overlay, std::string_view value) {
    if (auto text = label(overlay, value)) overlay.settings.telemetry.release = *std::move(text);
    overlay.decide("telemetry.release");
}

constexpr InheritedVariable table[] = {
    {"JWT_SECRET_KEY", "JWT_SECRET", "auth.trusted_issuers[].secret", "",
     "Secret that bearer tokens are signed with: at least 32 random bytes (openssl rand -hex 32). It becomes the secret "
     "of the trusted issuer \"legacy\", or of the issuer that refers to it.",
     jwt_secret},
    {"JWT_ALGORITHM", "", "auth.trusted_issuers[].algorithm", "HS256",
     "Algorithm of that issuer: HS256, HS384 or HS512. Longer hashes want longer secrets.", jwt_algorithm},
    {"API_KEYS", "", "auth.api_keys", "",
     "Keys for X-API-Key, separated by commas, instead of those in the file. Each has the role user.", api_keys},
    {"ENABLE_AUTH", "", "auth.enabled", "true",
     "false lets everybody in: only in the development profile, with every listener on loopback.", enable_auth},
    {"ENABLE_HTTPS_REDIRECT", "", "listeners[].redirect_to", "true",
     "true adds a listener on [::]:8080 that redirects to https, if there is none; false closes those there are.",
     https_redirect},
    {"ENABLE_HSTS", "", "listeners[].hsts.enabled", "true", "Send Strict-Transport-Security over TLS.", enable_hsts},
    {"HSTS_MAX_AGE", "", "listeners[].hsts.max_age", "31536000", "Its max-age, in seconds.", hsts_max_age},
    {"HSTS_INCLUDE_SUBDOMAINS", "", "listeners[].hsts.include_subdomains", "true", "Its includeSubDomains.",
     hsts_subdomains},
    {"HSTS_PRELOAD", "", "listeners[].hsts.preload", "false", "Its preload: hard to take back.", hsts_preload},
    {"ALLOWED_ORIGINS", "", "routes[].cors.origins", "http://localhost:3000",
     "Origins whose pages may call, separated by commas, on every route.", allowed_origins},
    {"ALLOWED_HOSTS", "", "allowed_hosts", "localhost", "Hosts that requests may name, separated by commas.",
     allowed_hosts},
    {"ENABLE_METRICS", "", "listeners[].serve", "true",
     "false serves /metrics nowhere; true serves it on loopback, if no listener does.", enable_metrics},
    {"LOG_LEVEL", "", "telemetry.log_level", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL.", log_level},
    {"ENVIRONMENT", "", "telemetry.environment", "production",
     "A label for log lines and /system/info. It does not choose the profile.", environment_label},
    {"RELEASE_VERSION", "", "telemetry.release", "1.0.0", "The same, for what is deployed behind the gateway.",
     release_label},
};

/// The value of a variable under whichever name it is set, with that name.
std::optional<std::pair<std::string_view, std::string_view>> value_of(const config::Environment& environment,
                                                                      const InheritedVariable& variable,
                                                                      config::Problems& problems) {
    const auto set = [&](std::string_view name) {
        const auto value = name.empty() ? std::nullopt : environment.find(name);
        return value && !value->empty() ? value : std::nullopt;
    };
    const auto value = set(variable.name);
    const auto other = set(variable.alias);
    if (value && other && *value != *other) {
        problems.add({"environment", 0, std::string(variable.name),
                      fmt::format("{} is set too, and to something else: they are one variable with two names, allowed: "
                                  "one of them, or the same value", variable.alias)});
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

void Overlay::warn(std::string text) const { warnings.push_back(fmt::format("{}: {}", variable, text)); }

std::span<const InheritedVariable> inherited_variables() { return table; }

void apply_environment(const config::Environment& environment, Settings& settings, config::Origins& origins,
                       SecretJudge& judge, config::Problems& problems, std::vector<std::string>& warnings) {
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
}

std::string environment_example() {
    std::string out =
        "# Environment variables that Gatehouse reads. They override the configuration file.\n"
        "# Copy this file to `.env` beside the configuration file, or name it with --env-file; what the environment of\n"
        "# the process sets wins. An empty value counts as not set. Never commit the copy.\n";
    for (const auto& variable : table) {
        fmt::format_to(std::back_inserter(out), "\n# {}\n# Overrides {}.", variable.doc, variable.sets);
        if (!variable.alias.empty()) {
            fmt::format_to(std::back_inserter(out), " {} is another name for it; both must agree.", variable.alias);
        }
        fmt::format_to(std::back_inserter(out), "\n# {}={}\n", variable.name, variable.example);
        if (!variable.alias.empty()) fmt::format_to(std::back_inserter(out), "# {}=\n", variable.alias);
    }
    return out;
}

}  // namespace gh::app

#include "app/announce.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "app/machine.hpp"
#include "app/version.hpp"

namespace gh::app {
namespace {

constexpr std::chrono::hours long_life{8};

std::string key_option(const FirstKey* key) {
    if (key == nullptr) return {};
    if (key->text.empty()) return " -H 'X-API-Key: YOUR-KEY'";
    return fmt::format(" -H 'X-API-Key: {}'", key->text);
}

void say_next_steps(const Settings& settings, const std::filesystem::path& ca_file,
                    const FirstKey* key) {
    for (const auto& listener : settings.listeners) {
        if (!listener.serves(net::Service::gateway)) continue;
        std::string text = fmt::format("\nGatehouse stands in front of {}.\n\n",
                                       settings.upstreams.front().endpoints.front().text());
        if (key && !key->text.empty()) {
            text += fmt::format("API key, shown this once: {}\n", key->text);
        } else if (key) {
            text +=
                "The API key was shown at the first start; delete keys/first-api-key in the data "
                "directory for a new one.\n";
        }
        text += fmt::format("Try it:\n  curl --cacert {}{} https://localhost:{}/\n\n",
                            ca_file.string(), key_option(key), listener.bind.port);
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
        return;
    }
}

}  // namespace

void announce_reading(const ReadSettings& read, telemetry::Log& log) {
    for (const auto& warning : read.warnings) log.warning("config", warning);
    if (read.from_vault > 0)
        log.info("vault", "secrets of the configuration were taken from the vault")
            .field("secrets", read.from_vault);
}

void announce(const Settings& settings, const std::filesystem::path& ca_file, const FirstKey* key,
              telemetry::Log& log) {
    const bool serves_api = std::ranges::any_of(
        settings.listeners, [](const auto& each) { return each.serves(net::Service::api); });
    const auto profile = settings.profile == Profile::production ? "production" : "development";
    if (settings.auth.enabled) {
        log.info("auth", "authentication is on")
            .field("profile", profile)
            .field("issuers", settings.auth.trusted_issuers.size())
            .field("api_keys", settings.auth.api_keys.size() + (key ? 1 : 0));
    } else {
        log.warning(
               "auth",
               "AUTHENTICATION IS OFF: everybody who reaches this machine's loopback is let in")
            .field("profile", profile);
    }
    // Its clients expect a day, which is long for what nobody can take from a thief but by ending it.
    if (serves_api && settings.auth.login_token_ttl > long_life) {
        log.warning("auth",
                    "tokens of /api/v1/auth/login live long; auth.login_token_ttl makes it less")
            .field("seconds", settings.auth.login_token_ttl.count());
    }
    if (lock_memory() == Swapping::possible) {
        log.warning(
            "app",
            "keys in memory may come to lie on the swap device: switch swap off, or let this "
            "process lock its memory (systemd: LimitMEMLOCK=infinity)");
    }
    for (const auto& listener : settings.listeners) {
        log.info("net", "listening")
            .field("listener", listener.name)
            .field("address", listener.bind.text())
            .field("tls", listener.tls.has_value());
    }
    log.info("app", "started")
        .field("version", version())
        .field("profile", profile)
        .field("routes", settings.routes.size());
    if (settings.wants_first_key || key) say_next_steps(settings, ca_file, key);
}

}  // namespace gh::app

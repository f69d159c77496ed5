#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "app/inherited_variable.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"

namespace gh::app::inherited {
namespace {

/// "redirect", "redirect-2", ...: the first that is free.
std::string free_name(const Settings& settings, std::string_view wanted) {
    std::string name(wanted);
    for (int i = 2; settings.find_listener(name) != nullptr; ++i)
        name = fmt::format("{}-{}", wanted, i);
    return name;
}

void each_hsts(const Overlay& overlay, std::string_view key,
               const std::function<void(net::HstsConfig&)>& change) {
    auto& listeners = overlay.settings.listeners;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (!listeners[i].tls) continue;
        change(listeners[i].hsts);
        overlay.decide(fmt::format("listeners[{}].hsts.{}", i, key));
    }
}

}  // namespace

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
    const auto target = std::ranges::find_if(listeners, [](const auto& listener) {
        return listener.tls && listener.serves(net::Service::gateway);
    });
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

void enable_hsts(const Overlay& overlay, std::string_view value) {
    if (const auto on = boolean(overlay, value))
        each_hsts(overlay, "enabled", [&](auto& hsts) { hsts.enabled = *on; });
}

void hsts_max_age(const Overlay& overlay, std::string_view value) {
    constexpr std::int64_t ten_years = 315'360'000;
    const auto age = config::parse_integer(config::trim(value));
    if (!age || *age < 0 || *age > ten_years) {
        overlay.refuse(fmt::format("{} is no number of seconds, allowed: 0 to {}",
                                   config::quote(value), ten_years));
        return;
    }
    each_hsts(overlay, "max_age", [&](auto& hsts) { hsts.max_age = net::seconds(*age); });
}

void hsts_subdomains(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (on)
        each_hsts(overlay, "include_subdomains",
                  [&](auto& hsts) { hsts.include_subdomains = *on; });
}

void hsts_preload(const Overlay& overlay, std::string_view value) {
    if (const auto on = boolean(overlay, value))
        each_hsts(overlay, "preload", [&](auto& hsts) { hsts.preload = *on; });
}

void enable_metrics(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (!on) return;
    auto& listeners = overlay.settings.listeners;
    if (!*on) {
        for (auto& listener : listeners) std::erase(listener.serve, net::Service::metrics);
        std::erase_if(listeners, [](const auto& listener) {
            return listener.serve.empty() && listener.redirect_to.empty();
        });
        overlay.decide("listeners");
        return;
    }
    const auto serves = [](const auto& listener) { return listener.serves(net::Service::metrics); };
    if (std::ranges::any_of(listeners, serves)) return;
    const auto quiet = std::ranges::find_if(listeners, [](const auto& listener) {
        return listener.bind.loopback() && listener.serves(net::Service::health) &&
               !listener.serves(net::Service::gateway);
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

}  // namespace gh::app::inherited

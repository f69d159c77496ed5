#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/settings.hpp"

namespace gh::app {
namespace {

using config::Node;

class Checker {
 public:
    Checker(const Settings& settings, const Node& tree, std::string_view file, config::Problems& problems,
            std::vector<std::string>& warnings)
        : settings_(settings), tree_(tree), file_(file), problems_(problems), warnings_(warnings) {}

    void run() {
        listeners();
        names("upstreams", settings_.upstreams, &gateway::UpstreamConfig::name);
        names("auth.trusted_issuers", settings_.auth.trusted_issuers, &identity::TrustedIssuerConfig::issuer);
        names("auth.api_keys", settings_.auth.api_keys, &identity::ApiKeyConfig::id);
        routes();
        authentication();
        hidden();
        built_in();
    }

 private:
    void refuse(const std::string& path, std::string text) {
        problems_.add({std::string(file_), config::locate(tree_, path).line, path, std::move(text)});
    }
    void warn(std::string text) { warnings_.push_back(std::move(text)); }

    template <class T>
    void names(std::string_view list, const std::vector<T>& items, std::string T::*name) {
        std::set<std::string_view> seen;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (seen.insert(items[i].*name).second) continue;
            refuse(fmt::format("{}[{}]", list, i), fmt::format("the name {} is taken by an entry above",
                                                               config::quote(items[i].*name)));
        }
    }

    static bool overlap(const net::BindAddress& a, const net::BindAddress& b) {
        const auto wildcard = [](const auto& bind) { return bind.host == "::" || bind.host == "0.0.0.0"; };
        return a.port != 0 && a.port == b.port && (a.host == b.host || (wildcard(a) && wildcard(b)));
    }

    void listeners() {
        const auto& all = settings_.listeners;
        names("listeners", all, &net::ListenerConfig::name);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto path = fmt::format("listeners[{}]", i);
            for (std::size_t j = 0; j < i; ++j) {
                if (!overlap(all[i].bind, all[j].bind)) continue;
                refuse(path + ".bind", fmt::format("{} is taken by the listener {}", all[i].bind.text(), all[j].name));
                break;
            }
            redirect(all[i], path);
            if (all[i].tls && all[i].hsts.preload && (!all[i].hsts.include_subdomains || all[i].hsts.max_age.count() < 31'536'000)) {
                warn(fmt::format("listener {}: browsers take preload only with include_subdomains and a max_age of a "
                                 "year or more", all[i].name));
            }
            if (!all[i].tls && !all[i].bind.loopback() && all[i].serves(net::Service::metrics)) {
                warn(fmt::format("listener {}: metrics are open to whoever reaches {}", all[i].name, all[i].bind.text()));
            }
        }
    }

    void redirect(const net::ListenerConfig& listener, const std::string& path) {
        if (listener.redirect_to.empty()) return;
        const auto* target = settings_.find_listener(listener.redirect_to);
        if (target == nullptr) {
            refuse(path + ".redirect_to", fmt::format("there is no listener {}, allowed: {}",
                                                      config::quote(listener.redirect_to), listener_names(true)));
        } else if (!target->tls) {
            refuse(path + ".redirect_to", fmt::format("the listener {} has no tls, allowed: {}", target->name,
                                                      listener_names(true)));
        }
    }

    [[nodiscard]] std::string listener_names(bool with_tls) const {
        std::vector<std::string_view> out;
        for (const auto& listener : settings_.listeners) {
            if (with_tls ? listener.tls.has_value() : listener.serves(net::Service::gateway)) out.push_back(listener.name);
        }
        return out.empty() ? "none of those configured" : fmt::format("{}", fmt::join(out, ", "));
    }

    void routes() {
        for (std::size_t i = 0; i < settings_.routes.size(); ++i) {
            const auto& route = settings_.routes[i];
            const auto path = fmt::format("routes[{}]", i);
            if (settings_.find_upstream(route.upstream) == nullptr) {
                std::vector<std::string_view> known;
                for (const auto& upstream : settings_.upstreams) known.push_back(upstream.name);
                refuse(path + ".upstream",
                       fmt::format("there is no upstream {}, allowed: {}", config::quote(route.upstream),
                                   known.empty() ? "none is configured" : fmt::format("{}", fmt::join(known, ", "))));
            }
            if (route.match.listener.empty()) continue;
            const auto* listener = settings_.find_listener(route.match.listener);
            if (listener == nullptr || !listener->serves(net::Service::gateway)) {
                refuse(path + ".match.listener",
                       fmt::format("{} is no listener that serves the gateway, allowed: {}",
                                   config::quote(route.match.listener), listener_names(false)));
            }
        }
        const bool gateway = std::ranges::any_of(
            settings_.listeners, [](const auto& listener) { return listener.serves(net::Service::gateway); });
        if (!gateway && !settings_.routes.empty()) warn("no listener serves the gateway: the routes are out of reach");
        if (gateway && settings_.routes.empty()) warn("there are no routes: the gateway answers 404 to everything");
    }

    void authentication() {
        using Kind = gateway::AccessConfig::Kind;
        if (!settings_.auth.enabled) {
            if (settings_.profile != Profile::development) {
                refuse("auth.enabled", "authentication cannot be off in the production profile, allowed: true, or "
                                       "profile: development with every listener on loopback");
            } else if (!settings_.loopback_only()) {
                refuse("auth.enabled", "authentication cannot be off while a listener is reachable from other machines, "
                                       "allowed: true, or every listener on loopback");
            } else {
                warn("authentication is off: everybody on this machine is let in");
            }
        }
        if (settings_.profile == Profile::development) {
            warn(settings_.loopback_only() ? "the development profile is on: secrets are not judged"
                                           : "the development profile relaxes nothing: a listener is reachable from "
                                             "other machines");
        }
        const bool tokens = !settings_.auth.trusted_issuers.empty() || !settings_.auth.api_keys.empty() ||
                            settings_.wants_first_key || !settings_.auth.enabled;
        const bool certificates = std::ranges::any_of(settings_.listeners, [](const auto& listener) {
            return listener.tls && listener.tls->client_certificate != net::ClientCertificateMode::none;
        });
        for (const auto& route : settings_.routes) {
            const auto kind = route.access.kind;
            if (kind == Kind::client_certificate && !certificates) {
                warn(fmt::format("route {}: no listener asks for client certificates, so nobody may", route.name));
            } else if (kind != Kind::anyone && kind != Kind::client_certificate && !tokens &&
                       !(certificates && kind == Kind::authenticated)) {
                warn(fmt::format("route {}: there is no trusted issuer and no API key, so nobody may", route.name));
            }
            constexpr std::string_view roles[] = {"guest", "user", "manager", "admin"};
            if (kind == Kind::role && std::ranges::find(roles, route.access.role) == std::end(roles)) {
                warn(fmt::format("route {}: {} is no built-in role; only who carries exactly that one may", route.name,
                                 config::quote(route.access.role)));
            }
        }
    }

    void hidden() {
        for (const auto& [route, by] : gateway::hidden_routes(settings_.routes)) {
            warn(fmt::format("routes[{}] ({}) is never reached: routes[{}] ({}) matches all that it does", route,
                             settings_.routes[route].name, by, settings_.routes[by].name));
        }
    }

    /// Built-in paths win over routes on a listener that serves them.
    void built_in() {
        for (const auto& listener : settings_.listeners) {
            if (!listener.serves(net::Service::gateway)) continue;
            for (std::size_t i = 0; i < settings_.routes.size(); ++i) {
                const auto& route = settings_.routes[i];
                if (!route.match.listener.empty() && route.match.listener != listener.name) continue;
                std::vector<std::string_view> shadowed;
                for (const auto path : gateway::built_in_paths(listener.serves(net::Service::health),
                                                               listener.serves(net::Service::metrics))) {
                    if (gateway::covers_path(route.match, path)) shadowed.push_back(path);
                }
                if (shadowed.empty()) continue;
                warn(fmt::format("listener {}: {} answered by Gatehouse itself, not by routes[{}] ({})", listener.name,
                                 fmt::format("{} {}", fmt::join(shadowed, ", "), shadowed.size() == 1 ? "is" : "are"), i,
                                 route.name));
            }
        }
    }

    const Settings& settings_;
    const Node& tree_;
    std::string_view file_;
    config::Problems& problems_;
    std::vector<std::string>& warnings_;
};

}  // namespace

void check_settings(const Settings& settings, const Node& tree, std::string_view file, config::Problems& problems,
                    std::vector<std::string>& warnings) {
    Checker(settings, tree, file, problems, warnings).run();
}

}  // namespace gh::app

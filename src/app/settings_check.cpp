#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/acme_aim.hpp"
#include "app/settings.hpp"
#include "crypto/password.hpp"
#include "identity/user.hpp"

namespace gh::app {
namespace {

/// Parts of the file that were read well, judged before anything is added.
struct Sound {
    explicit Sound(const config::Problems& problems) {
        for (const auto& problem : problems.all()) {
            const std::string_view key = problem.key;
            if (problem.file == "environment" || problem.file == "command line") continue;
            listeners = listeners && !key.starts_with("listeners");
            upstreams = upstreams && !key.starts_with("upstreams");
            routes = routes && !key.starts_with("routes");
            auth = auth && !key.starts_with("auth") && !key.starts_with("profile");
        }
    }
    bool listeners = true, upstreams = true, routes = true, auth = true;
};

/// Wherever links lead; true where nobody can tell.
bool lies_in(const std::filesystem::path& file, const std::filesystem::path& folder) {
    std::error_code unknown;
    const auto whole = [&](const auto& path) {
        return std::filesystem::weakly_canonical(std::filesystem::absolute(path, unknown), unknown);
    };
    const auto inner = whole(file), outer = whole(folder);
    return unknown || std::ranges::mismatch(outer, inner).in1 == outer.end();
}

class Checker {
 public:
    Checker(const Settings& settings, const Provenance& provenance, config::Problems& problems,
            std::vector<std::string>& warnings)
        : settings_(settings),
          provenance_(provenance),
          problems_(problems),
          warnings_(warnings),
          sound_(problems) {}

    void run() {
        if (sound_.listeners) listeners();
        if (sound_.upstreams)
            names("upstreams", settings_.upstreams, &gateway::UpstreamConfig::name);
        if (sound_.auth) {
            names("auth.trusted_issuers", settings_.auth.trusted_issuers,
                  &identity::TrustedIssuerConfig::issuer);
            names("auth.api_keys", settings_.auth.api_keys, &identity::ApiKeyConfig::id);
        }
        if (sound_.routes && sound_.upstreams) upstreams_of_routes();
        if (sound_.routes && sound_.listeners) listeners_of_routes();
        if (sound_.auth && sound_.listeners) authentication();
        if (sound_.auth) first_users();
        if (sound_.auth && sound_.listeners && sound_.routes) who_may();
        if (sound_.routes) hidden();
        if (sound_.routes && sound_.listeners) built_in();
        seal();
        if (sound_.listeners && sound_.auth) acme();
        if (sound_.listeners) acme_client();
    }

 private:
    void refuse(std::string path, std::string text) {
        problems_.add(provenance_.problem(std::move(path), std::move(text)));
    }
    void warn(std::string text) { warnings_.push_back(std::move(text)); }

    /// Those that a value was put together from, by ${file:PATH}.
    [[nodiscard]] std::vector<std::filesystem::path> files_of(std::string_view key) const {
        constexpr std::string_view reference = "${file:";
        std::vector<std::filesystem::path> files;
        const auto* written = provenance_.origins.find(key);
        if (written == nullptr) return files;
        std::error_code unknown;
        const auto folder = std::filesystem::absolute(provenance_.file, unknown).parent_path();
        for (auto at = written->find(reference); at != std::string::npos;
             at = written->find(reference, at + 1)) {
            const auto begin = at + reference.size();
            files.push_back(folder / written->substr(begin, written->find('}', begin) - begin));
        }
        return files;
    }

    void seal() {
        const auto& vault = settings_.vault;
        const auto named = vault.sources();
        if (named.size() > 1) {
            refuse("vault", fmt::format("names {}: what opens the seal is one of them",
                                        fmt::join(named, " and ")));
        }
        if (!vault.external_key_required) return;
        if (vault.key_file && lies_in(*vault.key_file, settings_.data_dir)) {
            refuse("vault.key_file",
                   "lies in data_dir, beside what it protects: keep it elsewhere, or leave out "
                   "external_key_required");
        }
        for (const auto* key : {"vault.key", "vault.passphrase"}) {
            for (const auto& file : files_of(key)) {
                if (lies_in(file, settings_.data_dir))
                    refuse(key,
                           "comes from a file in data_dir, beside what it protects: keep that "
                           "elsewhere, or leave out external_key_required");
            }
        }
        if (named.empty()) {
            refuse("vault",
                   "wants a key from outside of data_dir, and none is given: set key_file, key "
                   "(ENCRYPTION_KEY), passphrase, credential, kernel_keyring, tpm or azure_key; "
                   "openssl "
                   "rand -base64 32 makes a key");
        }
    }

    /// Clients sign where they reach us, which only the operator knows unless they are on this machine.
    void acme() {
        const auto& acme = settings_.pki.acme;
        if (!acme.enabled || !acme.url.empty() || !settings_.auth.issuer.empty()) return;
        const bool others = std::ranges::any_of(settings_.listeners, [](const auto& listener) {
            return listener.serves(net::Service::api) && !listener.bind.loopback();
        });
        if (others) {
            refuse("pki.acme.url",
                   "is wanted with enabled: true: where clients reach /acme, such as "
                   "https://ca.example.com; auth.issuer does as well");
        }
    }

    /// The CA wants to know for which names, and who asks.
    void acme_client() {
        const auto& client = settings_.pki.acme_client;
        if ((client.external_account.key_id.empty()) != client.external_account.hmac_key.empty()) {
            refuse("pki.acme_client.external_account",
                   "has one of key_id and hmac_key, wanted: both (VCC_CA_PASSWORD is KEY-ID:KEY)");
        }
        const bool wanted = std::ranges::any_of(
            settings_.listeners, [](const auto& each) { return each.tls && each.tls->acme; });
        if (!wanted || !acme_domains(settings_).empty()) return;
        // What is inherited must not keep a backend from starting that did so before.
        const auto variable = provenance_.origins.decider("pki.acme_client.directory");
        if (variable.empty()) {
            refuse("pki.acme_client.domains",
                   "is wanted with certificate: acme: what the certificate is for, such as "
                   "[api.example.com]; names in allowed_hosts do as well");
        } else {
            warn(
                fmt::format("{}: there is no name to have a certificate for; set ALLOWED_HOSTS or "
                            "pki.acme_client.domains. One of the internal CA is served meanwhile",
                            variable));
        }
    }

    template <class T>
    void names(std::string_view list, const std::vector<T>& items, std::string T::* name) {
        std::set<std::string_view> seen;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (seen.insert(items[i].*name).second) continue;
            refuse(fmt::format("{}[{}]", list, i),
                   fmt::format("the name {} is taken by an entry above",
                               config::quote(items[i].*name)));
        }
    }

    static bool overlap(const net::BindAddress& a, const net::BindAddress& b) {
        const auto wildcard = [](const auto& bind) {
            return bind.host == "::" || bind.host == "0.0.0.0";
        };
        return a.port != 0 && a.port == b.port &&
               (a.host == b.host || (wildcard(a) && wildcard(b)));
    }

    void listeners() {
        const auto& all = settings_.listeners;
        names("listeners", all, &net::ListenerConfig::name);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto path = fmt::format("listeners[{}]", i);
            for (std::size_t j = 0; j < i; ++j) {
                if (!overlap(all[i].bind, all[j].bind)) continue;
                refuse(path + ".bind", fmt::format("{} is taken by the listener {}",
                                                   all[i].bind.text(), all[j].name));
                break;
            }
            redirect(all[i], path);
            if (all[i].tls && all[i].hsts.preload &&
                (!all[i].hsts.include_subdomains || all[i].hsts.max_age.count() < 31'536'000)) {
                warn(
                    fmt::format("listener {}: browsers take preload only with include_subdomains "
                                "and a max_age of a "
                                "year or more",
                                all[i].name));
            }
            if (!all[i].tls && !all[i].bind.loopback() && all[i].serves(net::Service::metrics)) {
                warn(fmt::format("listener {}: metrics are open to whoever reaches {}", all[i].name,
                                 all[i].bind.text()));
            }
        }
    }

    void redirect(const net::ListenerConfig& listener, const std::string& path) {
        if (listener.redirect_to.empty()) return;
        const auto* target = settings_.find_listener(listener.redirect_to);
        if (target == nullptr) {
            refuse(path + ".redirect_to",
                   fmt::format("there is no listener {}, allowed: {}",
                               config::quote(listener.redirect_to), listener_names(true)));
        } else if (!target->tls) {
            refuse(path + ".redirect_to", fmt::format("the listener {} has no tls, allowed: {}",
                                                      target->name, listener_names(true)));
        }
    }

    [[nodiscard]] std::string listener_names(bool with_tls) const {
        std::vector<std::string_view> out;
        for (const auto& listener : settings_.listeners) {
            if (with_tls ? listener.tls.has_value() : listener.serves(net::Service::gateway))
                out.push_back(listener.name);
        }
        return out.empty() ? "none of those configured" : fmt::format("{}", fmt::join(out, ", "));
    }

    void upstreams_of_routes() {
        for (std::size_t i = 0; i < settings_.routes.size(); ++i) {
            const auto& route = settings_.routes[i];
            if (settings_.find_upstream(route.upstream) != nullptr) continue;
            std::vector<std::string_view> known;
            for (const auto& upstream : settings_.upstreams) known.push_back(upstream.name);
            refuse(
                fmt::format("routes[{}].upstream", i),
                fmt::format("there is no upstream {}, allowed: {}", config::quote(route.upstream),
                            known.empty() ? "none is configured"
                                          : fmt::format("{}", fmt::join(known, ", "))));
        }
    }

    void listeners_of_routes() {
        for (std::size_t i = 0; i < settings_.routes.size(); ++i) {
            const auto& wanted = settings_.routes[i].match.listener;
            if (wanted.empty()) continue;
            const auto* listener = settings_.find_listener(wanted);
            if (listener != nullptr && listener->serves(net::Service::gateway)) continue;
            refuse(fmt::format("routes[{}].match.listener", i),
                   fmt::format("{} is no listener that serves the gateway, allowed: {}",
                               config::quote(wanted), listener_names(false)));
        }
        const bool gateway = std::ranges::any_of(settings_.listeners, [](const auto& listener) {
            return listener.serves(net::Service::gateway);
        });
        if (!gateway && !settings_.routes.empty())
            warn("no listener serves the gateway: the routes are out of reach");
        if (gateway && settings_.routes.empty())
            warn("there are no routes: the gateway answers 404 to everything");
    }

    void authentication() {
        const bool development = settings_.profile == Profile::development;
        if (!settings_.auth.enabled && !development) {
            refuse("auth.enabled",
                   "authentication cannot be off in the production profile, allowed: true, or "
                   "profile: "
                   "development with every listener on loopback");
        } else if (!settings_.auth.enabled && !settings_.loopback_only()) {
            refuse(
                "auth.enabled",
                "authentication cannot be off while a listener is reachable from other machines, "
                "allowed: true, or every listener on loopback");
        } else if (!settings_.auth.enabled) {
            warn("authentication is off: everybody on this machine is let in");
        }
        if (!development) return;
        warn(settings_.loopback_only() ? "the development profile is on: weak secrets pass"
                                       : "the development profile relaxes nothing: a listener is "
                                         "reachable from other machines");
    }

    /// Passwords of the environment, before anything is made of them.
    void first_users() {
        const auto& users = settings_.first_users;
        const auto judge = [&](std::string_view variable, std::string_view name,
                               const config::Secret& password) {
            const auto good = crypto::check_new_password(settings_.auth.password_hash,
                                                         crypto::Secret(password.view()));
            if (good) return;
            problems_.add(
                {"environment", 0, std::string(variable),
                 fmt::format("the password of {} cannot be used: {}", name, good.error().detail)});
        };
        for (const auto& user : users.imported) {
            judge("VALID_USERS", user.name, user.password);
            if (identity::folded(user.name) == "admin" && !users.admin_password.empty()) {
                problems_.add({"environment", 0, "ADMIN_INITIAL_PASSWORD",
                               "VALID_USERS names admin, too, allowed: one of the two"});
            }
        }
        if (!users.admin_password.empty())
            judge("ADMIN_INITIAL_PASSWORD", "admin", users.admin_password);
    }

    /// Routes that nobody can pass are seldom meant.
    void who_may() {
        using Kind = gateway::AccessConfig::Kind;
        const bool certificates =
            std::ranges::any_of(settings_.listeners, [](const auto& listener) {
                return listener.tls &&
                       listener.tls->client_certificate != net::ClientCertificateMode::none;
            });
        for (const auto& route : settings_.routes) {
            const auto kind = route.access.kind;
            if (kind == Kind::anyone) continue;
            if (kind == Kind::client_certificate && !certificates) {
                warn(
                    fmt::format("route {}: no listener asks for client certificates, so nobody may",
                                route.name));
            }
            constexpr std::string_view roles[] = {"guest", "user", "manager", "admin"};
            if (kind == Kind::role &&
                std::ranges::find(roles, route.access.role) == std::end(roles)) {
                warn(fmt::format(
                    "route {}: {} is no built-in role; only who carries exactly that one may",
                    route.name, config::quote(route.access.role)));
            }
        }
    }

    void hidden() {
        for (const auto& [route, by] : gateway::hidden_routes(settings_.routes)) {
            warn(fmt::format(
                "routes[{}] ({}) is never reached: routes[{}] ({}) matches all that it does", route,
                settings_.routes[route].name, by, settings_.routes[by].name));
        }
    }

    /// Built-in paths win over routes on a listener that serves them.
    void built_in() {
        for (const auto& listener : settings_.listeners) {
            if (!listener.serves(net::Service::gateway)) continue;
            for (std::size_t i = 0; i < settings_.routes.size(); ++i) {
                const auto& route = settings_.routes[i];
                if (!route.match.listener.empty() && route.match.listener != listener.name)
                    continue;
                std::vector<std::string_view> shadowed;
                for (const auto path : gateway::built_in_paths(listener.serve)) {
                    if (gateway::covers_path(route.match, path)) shadowed.push_back(path);
                }
                if (shadowed.empty()) continue;
                warn(fmt::format(
                    "listener {}: {} answered by Gatehouse itself, not by routes[{}] ({})",
                    listener.name,
                    fmt::format("{} {}", fmt::join(shadowed, ", "),
                                shadowed.size() == 1 ? "is" : "are"),
                    i, route.name));
            }
        }
    }

    const Settings& settings_;
    const Provenance& provenance_;
    config::Problems& problems_;
    std::vector<std::string>& warnings_;
    const Sound sound_;
};

}  // namespace

config::Problem Provenance::problem(std::string path, std::string text) const {
    if (const auto variable = origins.decider(path); !variable.empty()) {
        return {"environment", 0, std::string(variable), std::move(text)};
    }
    const auto line = config::locate(tree, path).line;
    return {std::string(file), line, std::move(path), std::move(text)};
}

void check_settings(const Settings& settings, const Provenance& provenance,
                    config::Problems& problems, std::vector<std::string>& warnings) {
    Checker(settings, provenance, problems, warnings).run();
}

}  // namespace gh::app

#include "app/config_command.hpp"

#include <fmt/format.h>

#include <iterator>

#include "app/verb_state.hpp"
#include "config/unit.hpp"
#include "config/yaml.hpp"

namespace gh::app {
namespace {

using config::Node;

/// A copy of `node` in which values that came through a reference are replaced by that reference.
Node with_origins(const Node& node, const std::string& path, const config::Origins& origins) {
    if (const auto* written = origins.find(path)) return Node::scalar(*written);
    switch (node.kind()) {
        case Node::Kind::sequence: {
            Node out = Node::sequence();
            for (std::size_t i = 0; i < node.size(); ++i) {
                out.push(with_origins(node.child(i), fmt::format("{}[{}]", path, i), origins));
            }
            return out;
        }
        case Node::Kind::map: {
            Node out = Node::map();
            for (std::size_t i = 0; i < node.size(); ++i) {
                const auto& name = node.key(i).name;
                out.put(name, with_origins(node.child(i),
                                           path.empty() ? name : fmt::format("{}.{}", path, name),
                                           origins));
            }
            return out;
        }
        default: return node;
    }
}

std::string access_text(const gateway::AccessConfig& access) {
    using Kind = gateway::AccessConfig::Kind;
    switch (access.kind) {
        case Kind::anyone: return "public";
        case Kind::authenticated: return "whoever is known";
        case Kind::role: return "role " + access.role;
        case Kind::scopes: return fmt::format("scopes {}", fmt::join(access.scopes, " "));
        case Kind::client_certificate: return "client certificates";
        case Kind::agent: return "agents";
        case Kind::nobody: break;
    }
    return "nobody";
}

std::string listener_text(const net::ListenerConfig& listener) {
    std::string out = fmt::format("  {:<12} {:<22} ", listener.name, listener.bind.text());
    if (!listener.redirect_to.empty())
        return out + fmt::format("plain; redirects to {}\n", listener.redirect_to);
    if (listener.tls) {
        out +=
            listener.tls->certificates.empty()
                ? "TLS, certificate of the internal CA"
                : fmt::format("TLS, {} certificate{} from files", listener.tls->certificates.size(),
                              listener.tls->certificates.size() == 1 ? "" : "s");
    } else {
        out += "plain";
    }
    std::vector<std::string_view> served;
    if (listener.serves(net::Service::gateway)) served.emplace_back("the gateway");
    if (listener.serves(net::Service::health)) served.emplace_back("health");
    if (listener.serves(net::Service::metrics)) served.emplace_back("metrics");
    if (listener.serves(net::Service::api)) served.emplace_back("the API");
    return out + fmt::format("; serves {}\n", fmt::join(served, ", "));
}

std::string route_text(std::size_t index, const gateway::RouteConfig& route) {
    const auto& match = route.match;
    std::string what =
        match.methods.empty() ? "any method" : fmt::format("{}", fmt::join(match.methods, ","));
    what += match.path.empty() ? fmt::format(" {}...", match.path_prefix)
                               : fmt::format(" {}", match.path);
    if (!match.host.empty()) what += fmt::format(" on {}", match.host);
    if (!match.listener.empty()) what += fmt::format(" at {}", match.listener);
    for (const auto& header : match.headers)
        what += fmt::format(" with {}", header.first);  // values may be secrets
    std::string out =
        fmt::format("  [{}] {} -> {}; {}", index, what, route.upstream, access_text(route.access));
    for (const auto& limit : route.rate_limit) {
        using By = gateway::RateLimitConfig::By;
        const auto* by = limit.by == By::client_ip   ? "client_ip"
                         : limit.by == By::principal ? "principal"
                                                     : "route";
        out +=
            fmt::format("; {} per {} by {}", limit.requests, config::duration_text(limit.per), by);
    }
    return out + "\n";
}

}  // namespace

Node show_settings(const Settings& settings, const config::Origins& origins) {
    return with_origins(settings_type().show(settings), {}, origins);
}

std::string explain(const Settings& settings) {
    std::string out =
        fmt::format("profile {}, data in {}\nlisteners\n",
                    settings.profile == Profile::production ? "production" : "development",
                    settings.data_dir.native());
    for (const auto& listener : settings.listeners) out += listener_text(listener);
    out += "routes, first match wins\n";
    for (std::size_t i = 0; i < settings.routes.size(); ++i)
        out += route_text(i, settings.routes[i]);
    if (settings.routes.empty()) out += "  none\n";
    out += "upstreams\n";
    for (const auto& upstream : settings.upstreams) {
        std::vector<std::string> endpoints;
        for (const auto& endpoint : upstream.endpoints) endpoints.push_back(endpoint.text());
        fmt::format_to(std::back_inserter(out), "  {:<12} {}\n", upstream.name,
                       fmt::join(endpoints, ", "));
    }
    if (settings.upstreams.empty()) out += "  none\n";
    fmt::format_to(std::back_inserter(out),
                   "authentication {}: {} trusted issuer(s), {} API key(s)\n",
                   settings.auth.enabled ? "on" : "OFF", settings.auth.trusted_issuers.size(),
                   settings.auth.api_keys.size());
    return out;
}

CommandResult config_check(const Overrides& overrides, const Surroundings& surroundings) {
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    CommandResult result;
    result.out = explain(read->settings);
    for (const auto& warning : read->warnings) result.out += "warning: " + warning + "\n";
    result.out += "the configuration is good\n";
    return result;
}

CommandResult config_show(const Overrides& overrides, const Surroundings& surroundings) {
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    return {.exit_code = 0,
            .out = config::write_yaml(show_settings(read->settings, read->origins)),
            .err = {}};
}

CommandResult config_schema() {
    return {.exit_code = 0,
            .out = config::json_schema(settings_type().shape(), "gatehouse.yaml"),
            .err = {}};
}

}  // namespace gh::app

#include "gateway/snapshot.hpp"

#include <algorithm>

#include "base/try.hpp"

namespace gh::gateway {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

bool has_upper(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Without the dot by which a name may say that it is complete: upstreams do not tell the two apart either.
std::string_view complete_host(std::string_view authority) {
    auto host = host_of(authority);
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

bool host_matches(std::string_view pattern, std::string_view host) {
    if (!pattern.starts_with("*.")) return http::equals_ignoring_case(pattern, host);
    const auto dot = host.find('.');  // one label more, and exactly one
    return dot != std::string_view::npos && dot > 0 &&
           http::equals_ignoring_case(pattern.substr(1), host.substr(dot));
}

bool headers_match(const RouteMatch& match, const http::Fields& fields) {
    return std::ranges::all_of(match.headers, [&](const auto& wanted) {
        const auto* field = fields.find(wanted.first);
        return field != nullptr && field->value == wanted.second;
    });
}

bool allows_method(const Route& route, http::Method method, std::string_view text) {
    if (route.methods == 0) return true;
    if ((route.methods & (1U << static_cast<unsigned>(method))) == 0) return false;
    // The bit of `other` stands for every method we have no name for: the name decides.
    return method != http::Method::other ||
           std::ranges::find(route.config.match.methods, text) != route.config.match.methods.end();
}

/// In all but the method.
bool matches(const Route& route, const http::RequestHead& head, std::string_view path) {
    const auto& match = route.config.match;
    if (!covers_path(match, path)) return false;
    if (!match.host.empty() && !host_matches(match.host, complete_host(head.authority)))
        return false;
    return match.headers.empty() || headers_match(match, head.fields);
}

}  // namespace

std::string_view host_of(std::string_view authority) {
    const auto bracket = authority.rfind(']');
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
        return authority;
    }
    return authority.substr(0, colon);
}

bool Snapshot::is_allowed_host(std::string_view authority) const {
    auto host = complete_host(authority);
    std::string lowered;
    if (has_upper(host)) {
        lowered = lower(host);
        host = lowered;
    }
    if (allowed_hosts.contains(host)) return true;
    const auto dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           std::ranges::find(allowed_host_suffixes, host.substr(dot)) !=
               allowed_host_suffixes.end();
}

Result<void> OwnRoutes::add(std::unique_ptr<Route> route) {
    GH_TRY(const auto number, paths_.add(route->own->path));
    if (number == by_path_.size()) by_path_.emplace_back();
    auto& here = by_path_[number];
    const auto same = [&](const Route* each) { return each->own->method == route->own->method; };
    if (std::ranges::any_of(here, same)) {
        return fail(ErrorKind::conflict, "route.duplicate",
                    route->own->method + " " + route->own->path);
    }
    here.push_back(route.get());
    routes_.push_back(std::move(route));
    return {};
}

std::span<const Route* const> OwnRoutes::at(std::string_view path) const {
    const auto number = paths_.find(path);
    return number ? std::span<const Route* const>(by_path_[*number])
                  : std::span<const Route* const>{};
}

const ListenerPlan& Snapshot::listener(std::string_view name) const {
    static const ListenerPlan nothing;
    const auto found = std::ranges::find_if(
        listeners, [name](const ListenerPlan& each) { return each.config.name == name; });
    return found == listeners.end() ? nothing : *found;
}

const Route* match_route(const ListenerPlan& listener, const http::RequestHead& head,
                         std::string_view path) {
    auto meant = head.method;
    auto meant_text = head.method_text;
    if (head.method == http::Method::options && head.fields.has(http::FieldId::origin)) {
        // A preflight asks on behalf of the method it names (Fetch standard): it takes that one's route, where there is
        // one that answers preflights. Any other route would pass it on, though it does not take OPTIONS.
        const auto named = head.fields.value(http::FieldId::access_control_request_method);
        if (!named.empty()) {
            meant = http::method_of(named);
            meant_text = named;
        }
    }
    const auto ours = listener.own.at(path);
    for (const auto* own : ours) {
        if (allows_method(*own, head.method, head.method_text)) return own;
    }
    // A path of ours stays ours whatever the method: no route behind it may answer instead.
    if (!ours.empty()) return nullptr;
    for (const auto* route : listener.routes) {
        const bool detour = route->config.cors.has_value();
        if (allows_method(*route, detour ? meant : head.method,
                          detour ? meant_text : head.method_text) &&
            matches(*route, head, path)) {
            return route;
        }
    }
    return nullptr;
}

std::string allowed_methods(const ListenerPlan& listener, const http::RequestHead& head,
                            std::string_view path) {
    std::vector<std::string_view> allowed;
    const auto add = [&](const Route& route) {
        for (const std::string_view method : route.config.match.methods) {
            if (std::ranges::find(allowed, method) == allowed.end()) allowed.push_back(method);
        }
    };
    const auto ours = listener.own.at(path);
    for (const auto* own : ours) add(*own);
    for (const auto* route : listener.routes) {
        if (ours.empty() && matches(*route, head, path)) add(*route);
    }
    std::string text;
    for (const auto method : allowed) {
        if (!text.empty()) text += ", ";
        text += method;
    }
    return text;
}

}  // namespace gh::gateway

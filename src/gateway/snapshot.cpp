#include "gateway/snapshot.hpp"

#include <algorithm>

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

bool matches(const Route& route, std::uint32_t method_bit, const http::RequestHead& head,
             std::string_view path) {
    const auto& match = route.config.match;
    if (route.methods != 0 && (route.methods & method_bit) == 0) return false;
    if (!covers_path(match, path)) return false;
    if (!match.host.empty() && !host_matches(match.host, host_of(head.authority))) return false;
    return match.headers.empty() || headers_match(match, head.fields);
}

std::uint32_t bit(http::Method method) { return 1U << static_cast<unsigned>(method); }

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
    auto host = host_of(authority);
    if (host.ends_with('.')) host.remove_suffix(1);  // a name may say that it is complete
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

const ListenerPlan& Snapshot::listener(std::string_view name) const {
    static const ListenerPlan nothing;
    const auto found = std::ranges::find_if(
        listeners, [name](const ListenerPlan& each) { return each.config.name == name; });
    return found == listeners.end() ? nothing : *found;
}

const Route* match_route(const ListenerPlan& listener, const http::RequestHead& head,
                         std::string_view path) {
    const auto method_bit = bit(head.method);
    auto preflight_bit = method_bit;
    if (head.method == http::Method::options) {
        // A preflight asks on behalf of the method it names (Fetch standard): it takes that one's route, where there is
        // one that answers preflights. Any other route would pass it on, though it does not take OPTIONS.
        const auto meant = head.fields.value(http::FieldId::access_control_request_method);
        if (!meant.empty() && head.fields.has(http::FieldId::origin))
            preflight_bit = bit(http::method_of(meant));
    }
    for (const auto& own : listener.own) {
        if (matches(*own, method_bit, head, path)) return own.get();
    }
    // A path of ours stays ours whatever the method: no route behind it may answer instead.
    for (const auto& own : listener.own) {
        if (own->config.match.path == path) return nullptr;
    }
    for (const auto* route : listener.routes) {
        const auto asked = route->config.cors ? preflight_bit : method_bit;
        if (matches(*route, asked, head, path)) return route;
    }
    return nullptr;
}

}  // namespace gh::gateway

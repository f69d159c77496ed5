#include "identity/oauth/uri.hpp"

#include <algorithm>

#include "codec/host.hpp"
#include "identity/oauth/parameters.hpp"

namespace gh::identity::oauth {
namespace {

/// Unreserved, reserved and "%" (RFC 3986 §2), without what ends an attribute, a field or a directive.
bool is_plain(char c) {
    constexpr std::string_view marks = "-._~:/?[]@!$&()*+=%";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.contains(c);
}

/// RFC 3986 §3.1; lower case only, so that one scheme has one spelling.
bool is_scheme(std::string_view scheme) {
    return !scheme.empty() && scheme.front() >= 'a' && scheme.front() <= 'z' &&
           std::ranges::all_of(scheme, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
                      c == '.';
           });
}

struct Parts {
    std::string_view scheme;
    std::string_view authority;  ///< empty where there is none
    std::string_view rest;       ///< path and query
};

Parts parts_of(std::string_view uri) {
    Parts parts;
    const auto colon = uri.find(':');
    if (colon == std::string_view::npos) return parts;
    parts.scheme = uri.substr(0, colon);
    auto rest = uri.substr(colon + 1);
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const auto end = std::min(rest.find_first_of("/?"), rest.size());
        parts.authority = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    parts.rest = rest;
    return parts;
}

bool is_loopback_address(const codec::Host& host) {
    return host.address() && (host.name() == "127.0.0.1" || host.name() == "::1");
}

/// `http` on a loopback address: what a native app listens on.
bool is_loopback(const Parts& parts) {
    if (parts.scheme != "http") return false;
    const auto host = codec::parse_host(parts.authority);
    return host && is_loopback_address(*host);
}

bool equal_but_port(const Parts& a, const Parts& b) {
    const auto host_a = codec::parse_host(a.authority), host_b = codec::parse_host(b.authority);
    return host_a && host_b && host_a->name() == host_b->name() && a.rest == b.rest;
}

}  // namespace

bool valid_redirect_uri(std::string_view uri) {
    if (uri.empty() || uri.size() > redirect_uri_bytes_max || !std::ranges::all_of(uri, is_plain))
        return false;
    const auto parts = parts_of(uri);
    if (!is_scheme(parts.scheme)) return false;
    if (parts.scheme != "https" && parts.scheme != "http")
        return parts.scheme.contains('.') && !parts.authority.contains('@');
    const auto host = codec::parse_host(parts.authority);
    if (!host) return false;  // no user information either
    return parts.scheme == "https" || is_loopback_address(*host) || host->name() == "localhost";
}

bool redirect_uri_allowed(std::span<const std::string> registered, std::string_view asked) {
    if (!valid_redirect_uri(asked)) return false;
    const auto parts = parts_of(asked);
    const bool loopback = is_loopback(parts);
    return std::ranges::any_of(registered, [&](const std::string& each) {
        if (each == asked) return true;
        const auto known = parts_of(each);
        return loopback && is_loopback(known) && equal_but_port(known, parts);
    });
}

bool is_contested(std::string_view redirect_uri) { return !redirect_uri.starts_with("https:"); }

std::string policy_source_of(std::string_view redirect_uri) {
    const auto parts = parts_of(redirect_uri);
    const bool nameable = (parts.scheme == "https" || parts.scheme == "http") &&
                          !parts.authority.contains('[');  // policies know no IPv6 address
    if (!nameable) return std::string(parts.scheme) + ":";
    return std::string(parts.scheme) + "://" + std::string(parts.authority);
}

std::string with_parameters(std::string_view redirect_uri, std::string_view parameters) {
    std::string uri(redirect_uri);
    if (!uri.contains('?')) {
        uri += '?';
    } else if (!uri.ends_with('?') && !uri.ends_with('&')) {
        uri += '&';
    }
    return uri.append(parameters);
}

bool valid_resource(std::string_view uri) {
    if (uri.empty() || uri.size() > resource_bytes_max || !std::ranges::all_of(uri, is_plain))
        return false;
    const auto parts = parts_of(uri);
    return is_scheme(parts.scheme) && (!parts.authority.empty() || !parts.rest.empty());
}

std::string_view origin_of(std::string_view url) {
    const auto parts = parts_of(url);
    return url.substr(0, parts.scheme.size() + 3 + parts.authority.size());
}

}  // namespace gh::identity::oauth

#include "gateway/config_words.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "config/types.hpp"
#include "gateway/config.hpp"

namespace gh::gateway {
namespace {

using config::Type;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::unexpected<Error> bad(std::string detail) {
    return fail(ErrorKind::invalid_argument, "config.word", std::move(detail));
}

template <class Parse>
Type<std::string> checked_text(Parse parse) {
    return config::parsed_text<std::string>(parse, [](const std::string& value) { return value; });
}

/// Escapes stay only where they are needed, in upper case; anything else has two spellings.
bool escapes_are_normal(std::string_view path) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (auto at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
        if (at + 2 >= path.size()) return false;
        const auto high = hex.find(path[at + 1]);
        const auto low = hex.find(path[at + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return false;
        const auto byte = static_cast<char>(high * 16 + low);
        if (is_alphanumeric(byte) || std::string_view("-._~\0", 5).contains(byte)) return false;
    }
    return true;
}

}  // namespace

bool is_token(std::string_view text) {
    const auto allowed = [](char c) {
        return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    };
    return !text.empty() && std::ranges::all_of(text, allowed);
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    while (!text.empty()) {
        const auto dot = text.find('.');
        const auto label = text.substr(0, dot);
        const auto allowed = [](char c) {
            return (is_alphanumeric(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '_';
        };
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        if (!std::ranges::all_of(label, allowed)) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
    return false;  // a dot at the end
}

Type<std::string> header_name_type() {
    return checked_text([](std::string_view name) -> Result<std::string> {
        if (!is_token(name) || name.size() > 256)
            return bad("is not a header name, allowed: letters, digits, - and _");
        return std::string(name);
    });
}

Type<std::string> header_value_type() {
    return checked_text([](std::string_view value) -> Result<std::string> {
        const auto visible = [](char c) { return c >= 0x20 && c < 0x7f; };
        if (!std::ranges::all_of(value, visible) || value.front() == ' ' || value.back() == ' ') {
            return bad("is not a header value, allowed: visible ASCII, blanks inside");
        }
        return std::string(value);
    });
}

Type<std::string> method_type() {
    return checked_text([](std::string_view method) -> Result<std::string> {
        const auto lower_case = [](char c) { return c >= 'a' && c <= 'z'; };
        if (!is_token(method) || method.size() > 32 || std::ranges::any_of(method, lower_case)) {
            return bad("is not a method, allowed: upper-case names such as GET");
        }
        if (method == "CONNECT" || method == "TRACE") return bad("is never passed on");
        return std::string(method);
    });
}

Type<std::string> path_type() {
    return checked_text([](std::string_view path) -> Result<std::string> {
        const auto allowed = [](char c) {
            return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=:@/%").contains(c);
        };
        if (!path.starts_with('/')) return bad("does not begin with /");
        if (!std::ranges::all_of(path, allowed))
            return bad("holds characters that a path does not, allowed: RFC 3986 §3.3");
        if (path.contains("//")) return bad("holds an empty segment");
        const auto closed = std::string(path) + "/";
        if (closed.contains("/./") || closed.contains("/../"))
            return bad("holds . or .. as a segment");
        if (!escapes_are_normal(path)) return bad("holds an escape that no normalised path has");
        return std::string(path);
    });
}

Type<std::string> host_type() {
    return checked_text([](std::string_view written) -> Result<std::string> {
        auto host = config::lower(written);
        const std::string_view name = host;
        const bool address =
            name.starts_with('[') && parse_endpoint("http://" + host) && name.ends_with(']');
        if (!address && !is_host_name(name.starts_with("*.") ? name.substr(2) : name)) {
            return bad("is not a host, allowed: a name, *.NAME or an address, without port");
        }
        return host;
    });
}

Type<std::string> origin_type() {
    return checked_text([](std::string_view written) -> Result<std::string> {
        if (written == "*") return std::string(written);
        const auto origin = config::lower(written);
        const auto scheme_end = origin.find("://");
        if (scheme_end != std::string::npos && !origin.ends_with('/')) {
            const auto scheme = origin.substr(0, scheme_end);
            // Browsers leave the default port out; text() does the same.
            const bool web = scheme == "http" || scheme == "https";
            const auto parsed = parse_endpoint((web ? scheme : "http") + origin.substr(scheme_end));
            if (parsed && is_token(scheme)) return web ? parsed->text() : origin;
        }
        return bad(
            "is not an origin, allowed: SCHEME://HOST or SCHEME://HOST:PORT without a path, or *");
    });
}

}  // namespace gh::gateway

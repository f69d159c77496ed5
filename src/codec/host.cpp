#include "codec/host.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/try.hpp"

namespace gh::codec {
namespace {

constexpr std::size_t name_bytes_max = 253;
constexpr std::size_t label_bytes_max = 63;

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid_argument, "host.malformed"); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

Result<std::uint16_t> read_port(std::string_view text) {
    std::uint16_t port = 0;
    if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return malformed();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || port == 0) return malformed();
    return port;
}

/// Charset and label sizes; `name` has no trailing dot.
bool is_name(std::string_view name) {
    std::size_t label = 0;
    for (const char c : name) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            continue;
        }
        const bool allowed =
            (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c) || c == '-' || c == '_';
        if (!allowed || ++label > label_bytes_max) return false;
    }
    return label != 0 && name.size() <= name_bytes_max;
}

/// Would some resolver read the name as an IPv4 address? "1.2.3", "0x7f.1" and "2130706433" are
/// addresses to many.
bool looks_like_address(std::string_view name) {
    const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
    return is_digit(last.front()) && (std::ranges::all_of(last, is_digit) ||
                                      last.starts_with("0x") || last.starts_with("0X"));
}

BorrowedText lower_case(std::string_view name) {
    if (std::ranges::none_of(name, is_upper)) return BorrowedText(name);
    std::string lower(name);
    for (auto& c : lower) {
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    }
    return BorrowedText(std::move(lower));
}

}  // namespace

Result<Host> parse_host(std::string_view text) {
    Host host;
    std::string_view name, port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return malformed();
        name = text.substr(1, close - 1);
        port = text.substr(close + 1);
        has_port = !port.empty();
        if (has_port && port[0] != ':') return malformed();
        if (has_port) port.remove_prefix(1);
        const auto address = IpAddress::parse(name);
        if (!address || !name.contains(':')) return malformed();
        host.address_ = *address;
    } else {
        const auto colon = text.find(':');
        has_port = colon != std::string_view::npos;
        name = text.substr(0, colon);
        if (has_port) port = text.substr(colon + 1);
        if (name.ends_with('.')) name.remove_suffix(1);  // "example.com." is "example.com"
        if (!is_name(name)) return malformed();
        if (looks_like_address(name)) {
            const auto address = IpAddress::parse(name);
            if (!address) return malformed();
            host.address_ = *address;
        }
    }
    if (has_port) {
        GH_TRY(host.port_, read_port(port));
    }
    host.name_ = host.address_ ? BorrowedText(host.address_->text()) : lower_case(name);
    return host;
}

}  // namespace gh::codec

#include "pki/host_names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/try.hpp"
#include "pki/lower.hpp"

namespace gh::pki {
namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Letters, digits, hyphens within (RFC 1123 §2.1), and '_', which container networks put into names.
bool valid_label(std::string_view label) {
    constexpr std::size_t label_bytes_max = 63;
    return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' &&
           label.back() != '-' && std::ranges::all_of(label, [](char c) {
               return letter_or_digit(c) || c == '-' || c == '_';
           });
}

bool all_digits(std::string_view label) {
    return std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::string> address_in(std::string_view host) {
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    const std::string text(host);
    std::array<unsigned char, 16> octets{};
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    for (const int family : {AF_INET, AF_INET6}) {
        if (::inet_pton(family, text.c_str(), octets.data()) != 1) continue;
        ::inet_ntop(family, octets.data(), canonical.data(), canonical.size());
        return std::string(canonical.data());
    }
    return std::nullopt;
}

void add_once(std::vector<std::string>& list, std::string&& value) {
    if (std::ranges::find(list, value) == list.end()) list.push_back(std::move(value));
}

}  // namespace

bool valid_dns_name(std::string_view name) {
    constexpr std::size_t name_bytes_max = 253;
    if (name.size() > name_bytes_max) return false;
    if (name.starts_with("*.")) name.remove_prefix(2);
    for (;;) {
        const auto dot = name.find('.');
        const auto label = name.substr(0, dot);
        if (!valid_label(label)) return false;
        if (dot == std::string_view::npos)
            return !all_digits(label);  // "1.2.3" is a mistyped address
        name.remove_prefix(dot + 1);
    }
}

Result<crypto::CertificateNames> names_from_hosts(std::span<const std::string> hosts) {
    crypto::CertificateNames names;
    for (const auto& host : hosts) {
        if (auto address = address_in(host)) {
            add_once(names.addresses, *std::move(address));
            continue;
        }
        auto name = lower(host);
        if (name.ends_with('.')) name.pop_back();
        if (!valid_dns_name(name)) {
            return fail(ErrorKind::invalid_argument, "ca.name_invalid",
                        "'" + host + "' is no host name and no address");
        }
        add_once(names.dns, std::move(name));
    }
    return names;
}

Result<crypto::CertificateNames> names_from(std::span<const std::string> names) {
    std::vector<std::string> hosts, uris;
    for (const auto& name : names) (name.contains("//") ? uris : hosts).push_back(name);
    GH_TRY(auto sorted, names_from_hosts(hosts));
    sorted.uris = std::move(uris);
    return sorted;
}

}  // namespace gh::pki

#include "pki/name_constraints.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/try.hpp"
#include "pki/host_names.hpp"
#include "pki/openssl.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

using ConstraintsHandle = std::unique_ptr<NAME_CONSTRAINTS, FreeWith<NAME_CONSTRAINTS_free>>;

/// Address and mask, each of the family's size.
std::optional<std::string> octets_of_network(std::string_view text) {
    const auto slash = text.find('/');
    auto address = octets_of_address(std::string(text.substr(0, slash)));
    if (address.empty()) return {};
    std::size_t bits = address.size() * 8;
    if (slash != std::string_view::npos) {
        const auto length = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(length.data(), length.data() + length.size(), bits);
        if (error != std::errc() || end != length.data() + length.size() ||
            bits > address.size() * 8) {
            return {};
        }
    }
    std::string mask(address.size(), '\0');
    for (std::size_t i = 0; i < bits; ++i)
        mask[i / 8] = static_cast<char>(mask[i / 8] | (0x80 >> (i % 8)));
    for (std::size_t i = 0; i < address.size(); ++i)
        address[i] = static_cast<char>(address[i] & mask[i]);
    return address + mask;
}

std::string text_of_network(std::string_view octets) {
    const auto half = octets.size() / 2;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (octets.size() != 8 && octets.size() != 32) return {};
    ::inet_ntop(half == 4 ? AF_INET : AF_INET6, octets.data(), text.data(), text.size());
    std::size_t bits = 0;
    for (const char c : octets.substr(half))
        bits += static_cast<std::size_t>(__builtin_popcount(static_cast<unsigned char>(c)));
    return std::string(text.data()) + "/" + std::to_string(bits);
}

bool add_subtree(STACK_OF(GENERAL_SUBTREE) * &list, int type, std::string_view octets) {
    if (list == nullptr) list = sk_GENERAL_SUBTREE_new_null();
    GENERAL_SUBTREE* subtree = GENERAL_SUBTREE_new();
    ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (list == nullptr || subtree == nullptr || value == nullptr ||
        ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size())) != 1 ||
        sk_GENERAL_SUBTREE_push(list, subtree) <= 0) {
        ASN1_STRING_free(value);
        GENERAL_SUBTREE_free(subtree);
        return false;
    }
    GENERAL_NAME_set0_value(subtree->base, type, value);
    return true;
}

/// Itself, all below it, and URIs at either.
bool permit_domain(NAME_CONSTRAINTS* constraints, const std::string& name) {
    auto*& permitted = constraints->permittedSubtrees;
    return add_subtree(permitted, GEN_DNS, name) && add_subtree(permitted, GEN_URI, name) &&
           add_subtree(permitted, GEN_URI, "." + name);
}

/// A kind that is not named is not limited (RFC 5280 §4.2.1.10): so those without an entry are, as the CA/Browser Forum has
/// it (Baseline Requirements §7.1.5): the empty domain, and every address. Of URIs, one that nobody has is permitted: no
/// way to exclude them all is understood everywhere.
bool refuse_the_rest(NAME_CONSTRAINTS* constraints, const NameConstraints& permitted) {
    auto*& excluded = constraints->excludedSubtrees;
    if (permitted.dns.empty() &&
        !(add_subtree(excluded, GEN_DNS, "") &&
          add_subtree(constraints->permittedSubtrees, GEN_URI, "nobody.invalid"))) {
        return false;
    }
    const auto has = [&permitted](bool sixth) {
        return std::ranges::any_of(
            permitted.networks, [sixth](const auto& each) { return each.contains(':') == sixth; });
    };
    return (has(false) || add_subtree(excluded, GEN_IPADD, std::string(8, '\0'))) &&
           (has(true) || add_subtree(excluded, GEN_IPADD, std::string(32, '\0')));
}

ConstraintsHandle read(const X509* authority) {
    return ConstraintsHandle(static_cast<NAME_CONSTRAINTS*>(
        X509_get_ext_d2i(authority, NID_name_constraints, nullptr, nullptr)));
}

}  // namespace

Result<NameConstraints> constraints_from(const std::vector<std::string>& permitted) {
    NameConstraints constraints;
    for (const auto& text : permitted) {
        if (const auto network = octets_of_network(text)) {
            constraints.networks.push_back(text_of_network(*network));
        } else if (valid_dns_name(text) && !text.starts_with("*.")) {
            constraints.dns.push_back(text);
        } else {
            return fail(ErrorKind::invalid_argument, "ca.constraint",
                        "'" + text + "' is no domain in lower case and no network");
        }
    }
    for (auto* list : {&constraints.dns, &constraints.networks}) {
        std::ranges::sort(*list);
        list->erase(std::ranges::unique(*list).begin(), list->end());
    }
    return constraints;
}

NameConstraints constraints_of(const X509* authority) {
    NameConstraints found;
    const auto constraints = read(authority);
    if (!constraints) return found;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(
            sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base, &type);
        if (type != GEN_DNS && type != GEN_IPADD) continue;
        const auto octets = view(static_cast<const ASN1_STRING*>(value));
        if (type == GEN_DNS) found.dns.emplace_back(octets);
        if (type == GEN_IPADD) found.networks.push_back(text_of_network(octets));
    }
    return found;
}

bool add_constraints(X509* authority, const NameConstraints& constraints) {
    if (constraints.empty()) return true;
    const ConstraintsHandle extension(NAME_CONSTRAINTS_new());
    if (!extension) return false;
    for (const auto& name : constraints.dns) {
        if (!permit_domain(extension.get(), name)) return false;
    }
    for (const auto& network : constraints.networks) {
        const auto octets = octets_of_network(network);
        if (!octets || !add_subtree(extension->permittedSubtrees, GEN_IPADD, *octets)) return false;
    }
    if (!refuse_the_rest(extension.get(), constraints)) return false;
    return X509_add1_ext_i2d(authority, NID_name_constraints, extension.get(), 1,
                             X509V3_ADD_DEFAULT) == 1;
}

Result<void> check_constraints(X509* leaf, const X509* authority) {
    const auto constraints = read(authority);
    if (!constraints) return {};
    X509_check_purpose(leaf, -1, 0);  // has the library read the names
    int verdict = NAME_CONSTRAINTS_check(leaf, constraints.get());
    // Clients take a common name for a host name where it looks like one.
    if (verdict == X509_V_OK) verdict = NAME_CONSTRAINTS_check_CN(leaf, constraints.get());
    if (verdict == X509_V_OK) return {};
    return fail(ErrorKind::invalid_argument, "ca.name_not_permitted",
                std::string("the authority may not speak for one of the names: ") +
                    X509_verify_cert_error_string(verdict));
}

}  // namespace gh::pki

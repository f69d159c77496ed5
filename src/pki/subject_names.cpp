#include "pki/subject_names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "pki/host_names.hpp"
#include "pki/lower.hpp"
#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

constexpr std::size_t uri_bytes_max = 2048;

bool add_name(GENERAL_NAMES* names, int type, std::string_view octets) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (name == nullptr) return false;
    ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (value == nullptr ||
        ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size())) != 1 ||
        sk_GENERAL_NAME_push(names, name) <= 0) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return true;
}

bool printable(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
}

bool valid_uri(std::string_view uri) {
    const bool ascii = std::ranges::all_of(uri, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!ascii || uri.size() > uri_bytes_max) return false;
    const auto colon = uri.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    return lower(uri.substr(0, colon)) != "spiffe" || valid_spiffe_id(uri);
}

std::unexpected<Error> invalid(std::string_view name, std::string_view why = {}) {
    return fail(ErrorKind::invalid_argument, "ca.name_invalid",
                "'" + std::string(name) + "' cannot stand in a certificate of this profile" +
                    std::string(why));
}

/// "*.example.com"; "*.com" would speak for strangers.
bool valid_wildcard(std::string_view name) {
    return !name.starts_with("*.") || name.substr(2).contains('.');
}

bool is_spiffe(std::string_view uri) { return uri.starts_with("spiffe:"); }

Result<void> check_each(Profile profile, const crypto::CertificateNames& names) {
    for (const auto& name : names.dns) {
        if (!valid_dns_name(name) || (name.starts_with("*.") && !rules_of(profile).serves))
            return invalid(name);
        if (!valid_wildcard(name)) return invalid(name, "; a wildcard wants two labels behind it");
    }
    for (const auto& address : names.addresses) {
        if (octets_of_address(address).empty()) return invalid(address);
    }
    for (const auto& uri : names.uris) {
        if (!valid_uri(uri)) return invalid(uri);
        // What it proves must not live longer than an agent's certificate.
        if (is_spiffe(uri) && profile != Profile::agent)
            return invalid(uri, "; SPIFFE ids are for the profile agent");
    }
    return {};
}

bool names_one(std::string_view common_name, const crypto::CertificateNames& names) {
    return std::ranges::any_of(std::array{&names.dns, &names.addresses, &names.uris},
                               [common_name](const auto* list) {
                                   return std::ranges::find(*list, common_name) != list->end();
                               });
}

bool trust_domain_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

}  // namespace

std::string octets_of_address(const std::string& text) {
    std::string octets(16, '\0');
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets.substr(0, 4);
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    return {};
}

bool valid_spiffe_id(std::string_view uri) {
    constexpr std::string_view scheme = "spiffe://";
    constexpr std::size_t trust_domain_bytes_max = 255;
    if (!uri.starts_with(scheme) || uri.size() > uri_bytes_max) return false;
    uri.remove_prefix(scheme.size());
    const auto domain = uri.substr(0, uri.find('/'));
    if (domain.empty() || domain.size() > trust_domain_bytes_max ||
        !std::ranges::all_of(domain, trust_domain_character)) {
        return false;
    }
    uri.remove_prefix(domain.size());
    if (uri.empty()) return false;
    while (!uri.empty()) {
        uri.remove_prefix(1);  // '/'
        const auto segment = uri.substr(0, uri.find('/'));
        const bool good = !segment.empty() && segment != "." && segment != ".." &&
                          std::ranges::all_of(segment, [](char c) {
                              return trust_domain_character(c) || (c >= 'A' && c <= 'Z');
                          });
        if (!good) return false;
        uri.remove_prefix(segment.size());
    }
    return true;
}

Result<void> check_names(Profile profile, std::string_view common_name,
                         const crypto::CertificateNames& names) {
    const auto& rules = rules_of(profile);
    const auto count = names.dns.size() + names.addresses.size() + names.uris.size();
    if (count > subject_names_max) {
        return fail(ErrorKind::invalid_argument, "ca.names_too_many",
                    "a certificate has at most " + std::to_string(subject_names_max) + " names");
    }
    if (auto checked = check_each(profile, names); !checked) return checked;
    if (common_name.size() > common_name_characters_max || !printable(common_name))
        return invalid(common_name);
    const auto missing = [](std::string_view what) {
        return fail(ErrorKind::invalid_argument, "ca.name_missing", std::string(what));
    };
    if (rules.serves && names.dns.empty() && names.addresses.empty())
        return missing("a server wants a DNS name or an address; a common name does not count");
    if (profile == Profile::agent &&
        (count != 1 || names.uris.empty() || !is_spiffe(names.uris.front()))) {
        return missing("an agent wants one SPIFFE id and nothing else: spiffe://trust.domain/path");
    }
    if (count == 0)
        return missing(
            "a client wants a DNS name, a URI or an address; a common name alone "
            "names nobody");
    if (!common_name.empty() && !names_one(common_name, names)) {
        return invalid(common_name,
                       " as its common name: leave it out, or make it one of the names");
    }
    return {};
}

std::string text_of_names(const crypto::CertificateNames& names) {
    std::string text;
    const auto add = [&text](std::string_view kind, std::vector<std::string> all) {
        std::ranges::sort(all);
        for (const auto& each : all) {
            if (!text.empty()) text += ' ';
            text += kind;
            text += each;
        }
    };
    add("dns:", names.dns);
    add("ip:", names.addresses);
    add("uri:", names.uris);
    return text;
}

crypto::CertificateNames names_of_text(std::string_view text) {
    crypto::CertificateNames names;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (word.starts_with("dns:")) names.dns.emplace_back(word.substr(4));
        if (word.starts_with("ip:")) names.addresses.emplace_back(word.substr(3));
        if (word.starts_with("uri:")) names.uris.emplace_back(word.substr(4));
    }
    return names;
}

bool add_alternative_names(X509* certificate, const crypto::CertificateNames& names) {
    const NamesHandle list(GENERAL_NAMES_new());
    if (!list) return false;
    for (const auto& name : names.dns) {
        if (!add_name(list.get(), GEN_DNS, name)) return false;
    }
    for (const auto& address : names.addresses) {
        if (!add_name(list.get(), GEN_IPADD, octets_of_address(address))) return false;
    }
    for (const auto& uri : names.uris) {
        if (!add_name(list.get(), GEN_URI, uri)) return false;
    }
    const int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0 ? 1 : 0;
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), critical,
                             X509V3_ADD_DEFAULT) == 1;
}

}  // namespace gh::pki

#include "pki/acme/config.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "config/object.hpp"
#include "config/types.hpp"
#include "net/address.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/base_url.hpp"
#include "pki/host_names.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::size_t domains_max = 1000;

std::string same(const std::string& text) { return text; }

Result<std::string> domain_of(const std::string& text) {
    const bool good = valid_dns_name(text) && !is_wildcard(text) && !text.contains('_');
    if (good) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no domain, wanted: a name in lower case, which stands for all below it, too");
}

Result<std::string> resolver_of(const std::string& text) {
    const auto colon = text.find(':');
    const auto address = net::Address::parse(text.substr(0, colon), 53);
    const bool with_port = colon != std::string::npos;
    const bool good =
        address && address->family() == AF_INET && (!with_port || net::parse_bind_address(text));
    if (good) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no address of IPv4, allowed: 192.0.2.53 and 192.0.2.53:5353");
}

}  // namespace

config::Type<AcmeConfig> acme_type() {
    config::Object<AcmeConfig> table;
    table.key("enabled", &AcmeConfig::enabled, config::boolean(),
              "Answer ACME clients below /acme on listeners that serve api.");
    table.key("url", &AcmeConfig::url, config::parsed_text<std::string>(&base_url_of, &same),
              "Where clients reach it, which they sign. Left out: as auth.issuer has it; without "
              "both, localhost, where only loopback serves api.");
    table.key("domains", &AcmeConfig::domains,
              config::list_of(config::parsed_text<std::string>(&domain_of, &same),
                              {.items_max = domains_max}),
              "What may be issued: these names, and all below them. Without any, nothing.");
    table.key("external_account_required", &AcmeConfig::external_account_required,
              config::boolean(),
              "Only who was given a key (gatehouse ca acme-key) may have an account and order.");
    table.key("challenge_networks", &AcmeConfig::challenge_networks,
              config::list_of(net::address_range_type(), {.items_max = domains_max}),
              "Networks that are not public, where servers may be asked for their proof all the "
              "same: 10.0.0.0/8.");
    table.key("resolver", &AcmeConfig::resolver,
              config::parsed_text<std::string>(&resolver_of, &same),
              "The name server that is asked for proofs and addresses. Left out: those of "
              "/etc/resolv.conf.");
    table.key("http_port", &AcmeConfig::http_port, config::integer<std::uint16_t>(1, 65535),
              "Of http-01.");
    table.key("tls_port", &AcmeConfig::tls_port, config::integer<std::uint16_t>(1, 65535),
              "Of tls-alpn-01.");
    return table.type();
}

}  // namespace gh::pki::acme

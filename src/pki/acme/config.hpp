#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/type.hpp"
#include "net/config.hpp"

namespace gh::pki::acme {

/// `pki.acme` of gatehouse.yaml: nothing is issued before both `enabled` and some `domains` are said.
struct AcmeConfig {
    bool enabled = false;
    std::string
        url;  ///< "https://ca.example.com": where clients reach /acme; empty: the origin of auth.issuer
    std::vector<std::string> domains;  ///< what may be issued: each, and all names below it
    bool external_account_required = true;
    std::vector<net::AddressRange>
        challenge_networks;  ///< not of the public network, and yet servers may be asked there
    std::string resolver;    ///< "192.0.2.53" or with ":PORT"; empty: those of /etc/resolv.conf
    std::uint16_t http_port = 80;  ///< of http-01
    std::uint16_t tls_port = 443;  ///< of tls-alpn-01
    friend bool operator==(const AcmeConfig&, const AcmeConfig&) = default;
};

/// How `pki.acme` is read, shown and described.
[[nodiscard]] config::Type<AcmeConfig> acme_type();

}  // namespace gh::pki::acme

#include "pki/config.hpp"

#include "config/object.hpp"
#include "config/types.hpp"
#include "pki/base_url.hpp"

namespace gh::pki {

config::Type<PkiConfig> pki_type() {
    const auto same = [](const std::string& text) { return text; };
    config::Object<PkiConfig> table;
    // It is written into every certificate, so nothing but a scheme, a host and a port.
    table.key("url", &PkiConfig::url, config::parsed_text<std::string>(&base_url_of, same),
              "Where others reach /pki on a listener that serves api, as certificates say it. With "
              "http: whoever checks a certificate must not need to check this one first (RFC 5280 "
              "section 8).");
    table.key("acme", &PkiConfig::acme, acme::acme_type(),
              "Certificates for ACME clients (RFC 8555).");
    table.key("acme_client", &PkiConfig::acme_client, acme_client::acme_client_type(),
              "Whose certificate listeners with certificate: acme serve with.");
    return table.type();
}

}  // namespace gh::pki

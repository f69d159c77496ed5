#pragma once

#include <string>

#include "config/type.hpp"
#include "pki/acme/config.hpp"
#include "pki/acme_client/config.hpp"

namespace gh::pki {

/// `pki` of gatehouse.yaml.
struct PkiConfig {
    std::string
        url;  ///< "http://ca.example.com": where others reach our /pki paths; empty: nowhere
    acme::AcmeConfig acme;
    acme_client::AcmeClientConfig acme_client;
    friend bool operator==(const PkiConfig&, const PkiConfig&) = default;
};

/// How `pki` is read, shown and described.
[[nodiscard]] config::Type<PkiConfig> pki_type();

}  // namespace gh::pki

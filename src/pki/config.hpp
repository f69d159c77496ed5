#pragma once

#include <string>

#include "config/type.hpp"

namespace gh::pki {

/// `pki` of gatehouse.yaml.
struct PkiConfig {
    std::string
        url;  ///< "http://ca.example.com": where others reach our /pki paths; empty: nowhere
    friend bool operator==(const PkiConfig&, const PkiConfig&) = default;
};

/// How `pki` is read, shown and described.
[[nodiscard]] config::Type<PkiConfig> pki_type();

}  // namespace gh::pki

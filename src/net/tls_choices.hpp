#pragma once

#include <cstdint>
#include <filesystem>

namespace gh::net {

/// A certificate chain and its key, PEM. Several on one listener are chosen by server name (RFC 6066 §3).
struct CertificateFiles {
    std::filesystem::path cert_file;  ///< leaf first, then intermediates
    std::filesystem::path key_file;   ///< may be the same file
    friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

enum class ClientCertificateMode : std::uint8_t { none, optional, required };
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

}  // namespace gh::net

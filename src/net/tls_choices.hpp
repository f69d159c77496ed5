#pragma once

#include <cstdint>

namespace gh::net {

enum class ClientCertificateMode : std::uint8_t { none, optional, required };
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

}  // namespace gh::net

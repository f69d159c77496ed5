#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/type.hpp"
#include "net/tls_choices.hpp"

namespace gh::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Where a listener listens. Always a numeric address: a name would make the start depend on a resolver.
struct BindAddress {
    std::string host = "::";  ///< without brackets; "::" takes IPv4 as well
    std::uint16_t port = 0;   ///< 0: the system picks one, and the log says which

    [[nodiscard]] bool loopback() const;
    /// "[::]:8443", "127.0.0.1:9901".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const BindAddress&, const BindAddress&) = default;
};

/// "127.0.0.1:9901", "[::]:8443".
/// @return `invalid_argument` "config.bind" with what is wrong
[[nodiscard]] Result<BindAddress> parse_bind_address(std::string_view text);

/// A block of addresses in CIDR notation. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2), so one compare does.
struct AddressRange {
    std::array<std::uint8_t, 16> network{};
    std::uint8_t prefix_bits = 128;  ///< of 128; 127.0.0.0/8 has 104
    std::string text;                ///< as written

    [[nodiscard]] bool contains(std::span<const std::uint8_t, 16> address) const;
    friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

/// "10.0.0.0/8", "::1/128", or one address. Bits set behind the prefix are refused.
/// @return `invalid_argument` "config.address_range" with what is wrong
[[nodiscard]] Result<AddressRange> parse_address_range(std::string_view text);

struct TlsConfig {
    std::vector<CertificateFiles> certificates;  ///< empty: a leaf of the internal CA, or of acme
    bool acme = false;  ///< of the CA of `pki.acme_client`; until it gives one, of the internal CA
    ClientCertificateMode client_certificate = ClientCertificateMode::optional;
    std::optional<std::filesystem::path> client_ca_file;  ///< unset: clients of the internal CA
    TlsVersion min_version = TlsVersion::tls_1_2;
    friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

/// Strict-Transport-Security (RFC 6797), on every answer over TLS and on none without.
struct HstsConfig {
    bool enabled = true;
    seconds max_age{365 * 86'400};
    bool include_subdomains = true;
    bool preload = false;

    /// "max-age=31536000; includeSubDomains"; empty when not enabled.
    [[nodiscard]] std::string header_value() const;
    friend bool operator==(const HstsConfig&, const HstsConfig&) = default;
};

/// What answers on a listener. `api` is the control plane, health and metrics among it, and asks for credentials wherever
/// it is; `health` and `metrics` do not on loopback.
enum class Service : std::uint8_t { gateway, health, metrics, api };

/// One listener of gatehouse.yaml: it serves something or redirects, never both.
struct ListenerConfig {
    std::string name;
    BindAddress bind;
    std::optional<TlsConfig>
        tls;  ///< unset: plain HTTP, on loopback or for redirects, health and metrics only
    HstsConfig hsts;
    std::string redirect_to;  ///< name of a listener with tls; empty: serves
    std::vector<Service> serve;

    [[nodiscard]] bool serves(Service service) const;
    friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

/// What one process and one connection may cost. Counts hold over all workers.
struct LimitsConfig {
    std::uint32_t connections_max =
        20'000;  ///< lowered at start to what the file-descriptor limit carries
    std::uint32_t connections_per_address_max = 256;
    std::uint32_t streams_per_connection_max = 128;  ///< HTTP/2 streams open at once
    std::uint32_t requests_per_connection_max =
        100'000;  ///< then the connection is closed in good order
    std::size_t header_bytes_max = 32 * 1024;
    std::uint32_t header_count_max = 100;
    std::size_t uri_bytes_max = 8 * 1024;
    milliseconds handshake_timeout{10'000};
    milliseconds header_timeout{10'000};     ///< first byte of a request to the end of its head
    milliseconds body_idle_timeout{30'000};  ///< between two reads of a request body
    milliseconds send_timeout{60'000};       ///< a peer that takes no byte of an answer
    milliseconds keep_alive_timeout{75'000};
    milliseconds drain_timeout{30'000};  ///< after SIGTERM, until what is left is cut off
    friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

/// How `listeners[]` and `limits` are read, shown and described.
[[nodiscard]] config::Type<ListenerConfig> listener_type();
[[nodiscard]] config::Type<LimitsConfig> limits_type();
/// How `trusted_proxies[]` is.
[[nodiscard]] config::Type<AddressRange> address_range_type();

}  // namespace gh::net

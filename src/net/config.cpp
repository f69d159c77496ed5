#include "net/config.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/try.hpp"
#include "config/object.hpp"
#include "config/types.hpp"
#include "config/unit.hpp"

namespace gh::net {
namespace {

using config::Node;
using config::Object;
using config::Reader;
using config::Type;
using std::chrono::hours;

using Octets = std::array<std::uint8_t, 16>;

/// IPv4 within IPv6, 128 bits either way.
struct Literal {
    Octets octets{};
    bool v4 = false;
};

std::optional<Literal> parse_literal(std::string_view text) {
    constexpr std::size_t longest = 45;  // an IPv6 address with an IPv4 tail
    if (text.size() > longest) return std::nullopt;
    const std::string terminated(text);
    Literal out;
    if (::inet_pton(AF_INET, terminated.c_str(), out.octets.data() + 12) == 1) {
        out.octets[10] = out.octets[11] = 0xff;
        out.v4 = true;
        return out;
    }
    if (::inet_pton(AF_INET6, terminated.c_str(), out.octets.data()) == 1) return out;
    return std::nullopt;
}

std::unexpected<Error> bad_bind(std::string detail) {
    return fail(ErrorKind::invalid_argument, "config.bind", std::move(detail));
}

std::unexpected<Error> bad_range(std::string detail) {
    return fail(ErrorKind::invalid_argument, "config.address_range", std::move(detail));
}

}  // namespace

bool BindAddress::loopback() const {
    const auto literal = parse_literal(host);
    if (!literal) return false;
    constexpr Octets v6_loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const auto& octets = literal->octets;
    constexpr Octets v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::equal(octets.begin(), octets.begin() + 12, v4_prefix.begin());
    return octets == v6_loopback || (mapped && octets[12] == 127);
}

std::string BindAddress::text() const {
    return host.contains(':') ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

Result<BindAddress> parse_bind_address(std::string_view text) {
    constexpr std::string_view allowed =
        "allowed: an address and a port, such as 127.0.0.1:8443 or \"[::]:8443\"";
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad_bind(fmt::format("has no port, {}", allowed));
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto literal = parse_literal(host);
    if (!literal || literal->v4 == bracketed)
        return bad_bind(fmt::format("is not a numeric address, {}", allowed));
    const auto port = config::parse_integer(text.substr(colon + 1));
    if (!port || *port < 0 || *port > 65'535) return bad_bind("has no port from 0 to 65535");
    return BindAddress{.host = std::string(host), .port = static_cast<std::uint16_t>(*port)};
}

bool AddressRange::contains(std::span<const std::uint8_t, 16> address) const {
    const std::size_t whole = prefix_bits / 8;
    if (std::memcmp(network.data(), address.data(), whole) != 0) return false;
    const unsigned rest = prefix_bits % 8;
    return rest == 0 || ((network[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

Result<AddressRange> parse_address_range(std::string_view text) {
    const auto slash = text.find('/');
    const auto literal = parse_literal(text.substr(0, slash));
    if (!literal)
        return bad_range(
            "is not an address range, allowed: 10.0.0.0/8, 2001:db8::/32 or one address");
    const int bits_max = literal->v4 ? 32 : 128;
    std::int64_t bits = bits_max;
    if (slash != std::string_view::npos) {
        const auto written = config::parse_integer(text.substr(slash + 1));
        if (!written || *written < 0 || *written > bits_max) {
            return bad_range(fmt::format("has no prefix length from 0 to {}", bits_max));
        }
        bits = *written;
    }
    AddressRange out{.network = literal->octets,
                     .prefix_bits = static_cast<std::uint8_t>(bits + (128 - bits_max)),
                     .text = std::string(text)};
    for (std::size_t bit = out.prefix_bits; bit < 128; ++bit) {
        if ((out.network[bit / 8] >> (7 - bit % 8) & 1U) != 0) {
            return bad_range("has bits set behind its prefix: it says less than it seems to");
        }
    }
    return out;
}

std::string HstsConfig::header_value() const {
    if (!enabled) return {};
    return fmt::format("max-age={}{}{}", max_age.count(),
                       include_subdomains ? "; includeSubDomains" : "", preload ? "; preload" : "");
}

bool ListenerConfig::serves(Service service) const {
    return std::ranges::find(serve, service) != serve.end();
}

namespace {

Type<CertificateFiles> certificate_files_type() {
    Object<CertificateFiles> table;
    table.required("cert_file", &CertificateFiles::cert_file, config::file_path(),
                   "PEM: the certificate, then its intermediates. Read again when it changes.");
    table.required("key_file", &CertificateFiles::key_file, config::file_path(),
                   "PEM: its private key.");
    return table.type();
}

/// What `certificate` says.
struct CertificateChoice {
    std::vector<CertificateFiles> files;
    bool acme = false;
};

Type<CertificateChoice> certificate_type() {
    using Choice = CertificateChoice;
    const auto word = [](const std::string& written) -> Result<Choice> {
        if (written == "internal") return Choice{};
        if (written == "acme") return Choice{.files = {}, .acme = true};
        return fail(ErrorKind::invalid_argument, "config.certificate",
                    "is unknown, allowed: internal, acme, {cert_file: , key_file: } or a list of "
                    "those");
    };
    config::Alternatives<Choice> ways;
    ways.scalar = config::mapped<std::string, Choice>(
        config::text(), word,
        [](const Choice& choice) { return std::string(choice.acme ? "acme" : "internal"); });
    ways.map = config::mapped<CertificateFiles, Choice>(
        certificate_files_type(),
        [](const CertificateFiles& one) -> Result<Choice> { return Choice{.files = {one}}; },
        [](const Choice& choice) { return choice.files.front(); });
    ways.sequence = config::mapped<std::vector<CertificateFiles>, Choice>(
        config::list_of(certificate_files_type(), {.items_min = 1, .items_max = 1000}),
        [](const std::vector<CertificateFiles>& files) -> Result<Choice> {
            return Choice{.files = files};
        },
        [](const Choice& choice) { return choice.files; });
    ways.shown_as = [](const Choice& choice) {
        if (choice.files.empty()) return Node::Kind::scalar;
        return choice.files.size() == 1 ? Node::Kind::map : Node::Kind::sequence;
    };
    return config::either(std::move(ways));
}

Type<TlsConfig> tls_type() {
    Object<TlsConfig> table;
    table.part<CertificateChoice>(
        "certificate",
        [](TlsConfig& tls, CertificateChoice choice) {
            tls.certificates = std::move(choice.files);
            tls.acme = choice.acme;
        },
        [](const TlsConfig& tls) {
            return CertificateChoice{.files = tls.certificates, .acme = tls.acme};
        },
        certificate_type(),
        "internal: a leaf of the internal CA, its names taken from allowed_hosts. acme: of the CA "
        "of pki.acme_client. Or {cert_file: , key_file: }; or a list of those, chosen by server "
        "name.");
    table.key(
        "client_certificate", &TlsConfig::client_certificate,
        config::choice<ClientCertificateMode>({{"none", ClientCertificateMode::none},
                                               {"optional", ClientCertificateMode::optional},
                                               {"required", ClientCertificateMode::required}}),
        "Whether clients are asked for a certificate. One that is sent must verify.");
    table.key("client_ca_file", &TlsConfig::client_ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for clients. Left out: the internal CA.");
    table.key(
        "min_version", &TlsConfig::min_version,
        config::choice<TlsVersion>({{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}}),
        "The oldest TLS spoken. 1.2 is limited to authenticated encryption with forward secrecy.");
    table.check([](const Node& node, Reader& reader, const TlsConfig& tls) {
        if (!tls.client_ca_file || tls.client_certificate != ClientCertificateMode::none)
            return true;
        reader.refuse(node,
                      "client_ca_file without effect: client_certificate is none, allowed: "
                      "optional, required");
        return false;
    });
    return table.type();
}

Type<HstsConfig> hsts_type() {
    Object<HstsConfig> table;
    table.key("enabled", &HstsConfig::enabled, config::boolean(),
              "Send Strict-Transport-Security over TLS.");
    table.key("max_age", &HstsConfig::max_age, config::whole_seconds(seconds(0), hours(24 * 3650)),
              "How long browsers keep to https. 0s makes them forget.");
    table.key("include_subdomains", &HstsConfig::include_subdomains, config::boolean(),
              "For subdomains as well.");
    table.key("preload", &HstsConfig::preload, config::boolean(),
              "Consent to the preload lists of browsers. Hard to take back.");
    return table.type();
}

Type<Service> service_type() {
    const auto parse = [](const std::string& word) -> Result<Service> {
        if (word == "gateway") return Service::gateway;
        if (word == "health") return Service::health;
        if (word == "metrics") return Service::metrics;
        if (word == "api") return Service::api;
        constexpr std::string_view elsewhere[] = {"console", "identity", "pki",   "vault", "agents",
                                                  "bus",     "plans",    "tools", "search"};
        const bool known = std::ranges::find(elsewhere, word) != std::end(elsewhere);
        return fail(ErrorKind::invalid_argument, "config.serve",
                    fmt::format("{}, allowed: gateway, health, metrics, api",
                                known ? "is not part of this build" : "is unknown"));
    };
    const auto print = [](const Service& service) -> std::string {
        switch (service) {
            case Service::gateway: return "gateway";
            case Service::health: return "health";
            case Service::metrics: return "metrics";
            case Service::api: return "api";
        }
        return {};
    };
    return config::mapped<std::string, Service>(config::text(), parse, print);
}

/// What holds of one listener by itself; what it has to do with others is seen when all are known.
bool check_listener(const Node& node, Reader& reader, const ListenerConfig& listener) {
    const auto refuse = [&](const char* what) {
        reader.refuse(node, what);
        return false;
    };
    const bool redirects = !listener.redirect_to.empty();
    if (redirects && !listener.serve.empty())
        return refuse("has both serve and redirect_to, allowed: one of them");
    if (!redirects && listener.serve.empty())
        return refuse("answers nothing, wanted: serve or redirect_to");
    if (redirects && listener.tls)
        return refuse("has both tls and redirect_to: redirects are for plain listeners");
    if (!listener.tls && node.find("hsts") != nullptr)
        return refuse("has hsts without tls: browsers ignore it there");
    for (std::size_t i = 0; i < listener.serve.size(); ++i) {
        if (std::find(listener.serve.begin(),
                      listener.serve.begin() + static_cast<std::ptrdiff_t>(i), listener.serve[i]) !=
            listener.serve.begin() + static_cast<std::ptrdiff_t>(i)) {
            return refuse("serves the same thing twice");
        }
    }
    if (!listener.tls && listener.serves(Service::gateway) && !listener.bind.loopback()) {
        return refuse(
            "would serve the gateway without encryption to other machines, wanted: tls, "
            "redirect_to or a "
            "loopback address");
    }
    if (!listener.tls && listener.serves(Service::api) && !listener.bind.loopback()) {
        return refuse(
            "would serve the API without encryption to other machines, wanted: tls or a loopback "
            "address");
    }
    return true;
}

}  // namespace

Type<ListenerConfig> listener_type() {
    Object<ListenerConfig> table;
    table.required("name", &ListenerConfig::name, config::name(),
                   "What routes, redirects and the log call it.");
    table.required("bind", &ListenerConfig::bind,
                   config::parsed_text<BindAddress>(
                       parse_bind_address, [](const BindAddress& bind) { return bind.text(); }),
                   "Numeric address and port. \"[::]:8443\" takes IPv4 as well; port 0 lets the "
                   "system pick one.");
    table.key("tls", &ListenerConfig::tls, config::maybe(tls_type()),
              "Encryption; {} for all defaults. Left out: plain HTTP, which serves the gateway and "
              "the API on loopback only.");
    table.part<std::optional<HstsConfig>>(
        "hsts",
        [](ListenerConfig& listener, std::optional<HstsConfig> hsts) { listener.hsts = *hsts; },
        [](const ListenerConfig& listener) {
            return listener.tls ? std::optional(listener.hsts)
                                : std::nullopt;  // means nothing without
        },
        config::maybe(hsts_type()), "Strict-Transport-Security (RFC 6797), where there is tls.");
    table.key("redirect_to", &ListenerConfig::redirect_to, config::name(),
              "Name of a listener with tls: every request is answered 301 to the same path and "
              "query there.");
    table.key("serve", &ListenerConfig::serve, config::list_of(service_type(), {.items_max = 16}),
              "What answers here: gateway, health, metrics; api is every control-plane room of "
              "this build, and asks for credentials on loopback, too.");
    table.check(check_listener);
    return table.type();
}

Type<LimitsConfig> limits_type() {
    const auto wait = config::duration(milliseconds(100), hours(24));
    Object<LimitsConfig> table;
    table.key(
        "connections_max", &LimitsConfig::connections_max, config::integer(1U, 10'000'000U),
        "Connections open at once. Lowered at start to what the file-descriptor limit carries.");
    table.key("connections_per_address_max", &LimitsConfig::connections_per_address_max,
              config::integer(1U, 10'000'000U),
              "Connections open at once from one client address.");
    table.key("streams_per_connection_max", &LimitsConfig::streams_per_connection_max,
              config::integer(1U, 10'000U), "HTTP/2 streams open at once on a connection.");
    table.key("requests_per_connection_max", &LimitsConfig::requests_per_connection_max,
              config::integer(1U, 1'000'000'000U),
              "After as many requests a connection is closed in good order.");
    table.key("header_bytes_max", &LimitsConfig::header_bytes_max,
              config::size<std::size_t>(1024, 1024 * 1024),
              "All header lines of a request together.");
    table.key("header_count_max", &LimitsConfig::header_count_max, config::integer(8U, 1000U),
              "Header lines of a request.");
    table.key("uri_bytes_max", &LimitsConfig::uri_bytes_max,
              config::size<std::size_t>(256, 64 * 1024), "Path and query of a request.");
    table.key("handshake_timeout", &LimitsConfig::handshake_timeout, wait,
              "Connection to the end of the TLS handshake.");
    table.key("header_timeout", &LimitsConfig::header_timeout, wait,
              "First byte of a request to the end of its header.");
    table.key("body_idle_timeout", &LimitsConfig::body_idle_timeout, wait,
              "Between two reads of a request body.");
    table.key("send_timeout", &LimitsConfig::send_timeout, wait,
              "While a client takes no byte of an answer.");
    table.key("keep_alive_timeout", &LimitsConfig::keep_alive_timeout, wait,
              "Between two requests of a connection.");
    table.key("drain_timeout", &LimitsConfig::drain_timeout,
              config::duration(milliseconds(0), hours(24)),
              "How long a stop waits for requests in flight.");
    table.check([](const Node& node, Reader& reader, const LimitsConfig& limits) {
        if (limits.uri_bytes_max <= limits.header_bytes_max) return true;
        reader.refuse(node, "uri_bytes_max is larger than header_bytes_max, which it is part of");
        return false;
    });
    return table.type();
}

Type<AddressRange> address_range_type() {
    return config::parsed_text<AddressRange>(parse_address_range,
                                             [](const AddressRange& range) { return range.text; });
}

}  // namespace gh::net

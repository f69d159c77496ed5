#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "http/fetch.hpp"
#include "net/resolver.hpp"
#include "net/tls_client_context.hpp"
#include "pki/acme_client/config.hpp"

namespace gh::pki::acme_client {

/// What a CA answered.
struct Answer {
    std::uint16_t status = 0;
    std::string location, nonce, retry_after;  ///< as they came; empty where they did not
    std::string body;
};

/// The way to a CA.
class Transport {
 public:
    virtual ~Transport() = default;
    /// @param url   of the CA's own saying, and judged here
    /// @param body  a JWS, which is posted; empty: it is a GET
    /// @param patience  for the answer, at most
    /// @return errors of looking up, connecting and reading; `corrupt` "acme_client.malformed": no URL that may be asked
    [[nodiscard]] virtual Task<Result<Answer>> ask(std::string url, std::string body,
                                                   milliseconds patience) = 0;
};

/// Over verified https. Without encryption only where the directory is so, on this machine.
class NetworkTransport final : public Transport {
 public:
    /// @param resolver  outlives it
    /// @param plain     http is allowed, on loopback
    NetworkTransport(net::Resolver& resolver, std::shared_ptr<const net::TlsClientContext> tls,
                     bool plain)
        : resolver_(resolver), tls_(std::move(tls)), plain_(plain) {}
    [[nodiscard]] Task<Result<Answer>> ask(std::string url, std::string body,
                                           milliseconds patience) override;

 private:
    net::Resolver& resolver_;
    std::shared_ptr<const net::TlsClientContext> tls_;
    bool plain_;
};

/// Asks the first of these addresses that can be connected to: each of `request.connect_timeout`, all within its timeout.
/// @return errors of http::fetch(), with the authority in the detail
[[nodiscard]] Task<Result<http::Fetched>> fetch_of_any(std::vector<net::Address> addresses,
                                                       http::FetchRequest request);

/// The way to the CA that is configured.
/// @param resolver  outlives it
/// @return errors of reading `ca_file`
[[nodiscard]] Result<std::unique_ptr<Transport>> way_to(const AcmeClientConfig& config,
                                                        net::Resolver& resolver);

}  // namespace gh::pki::acme_client

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/fetch.hpp"
#include "net/tls_client_context.hpp"
#include "pki/acme/config.hpp"
#include "pki/acme/name_server.hpp"
#include "pki/acme/validator.hpp"

namespace gh::pki::acme {

/// Where a request of http-01 goes.
struct HttpPlace {
    bool tls = false;
    std::string host;
    std::uint16_t port = 80;
    std::string target;
    friend bool operator==(const HttpPlace&, const HttpPlace&) = default;
};

/// Asks the network, with bounds on time, bytes and redirects. The address that was judged is the one connected to.
class NetworkValidator final : public Validator {
    struct Key {};  // make() alone has one

 public:
    NetworkValidator(Key, AcmeConfig config, std::shared_ptr<const net::TlsClientContext> tls)
        : config_(std::move(config)), tls_(std::move(tls)), names_(config_.resolver) {}
    /// @return errors of net::TlsClientContext::make_unverified()
    [[nodiscard]] static Result<std::unique_ptr<NetworkValidator>> make(AcmeConfig config);

    [[nodiscard]] Task<Result<void>> check(Proof proof) override;

    static constexpr std::size_t redirects_max = 10;

 private:
    using Networks = std::vector<net::AddressRange>;

    [[nodiscard]] Task<Result<void>> check_http(Proof proof, SteadyTime deadline);
    [[nodiscard]] Task<Result<void>> check_redirected(Proof proof, HttpPlace place,
                                                      SteadyTime deadline);
    [[nodiscard]] Task<Result<void>> check_dns(Proof proof, SteadyTime deadline);
    [[nodiscard]] Task<Result<void>> check_tls(Proof proof, SteadyTime deadline);
    /// Where a stranger's name leads, as far as we go there.
    /// @param allowed  besides what is public
    [[nodiscard]] Task<Result<std::vector<net::Address>>> reach(std::string name,
                                                                std::uint16_t port,
                                                                Networks allowed,
                                                                SteadyTime deadline) const;
    [[nodiscard]] Task<Result<http::Fetched>> fetch(HttpPlace place, Networks allowed,
                                                    SteadyTime deadline) const;

    const AcmeConfig config_;
    const std::shared_ptr<const net::TlsClientContext> tls_;
    const NameServer names_;
};

/// Follows a redirect's Location. Pure.
/// @param from  the place that answered
/// @return "acme.response": no http or https URL with the name of a host, and no absolute path
[[nodiscard]] Result<HttpPlace> follow(const HttpPlace& from, std::string_view location);

}  // namespace gh::pki::acme

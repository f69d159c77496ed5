#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {

using std::chrono::seconds;

/// A certificate authority to be made: self-signed, ECDSA P-256.
struct RootRequest {
    std::string common_name = "Gatehouse root";
    seconds lifetime{std::chrono::days{3650}};
    seconds backdate{std::chrono::minutes{5}};  ///< for clients whose clock is behind
    int path_length_max = 1;                    ///< intermediates allowed below (RFC 5280 §4.2.1.9)
};

/// What a leaf may prove (RFC 5280 §4.2.1.12).
enum class Profile : std::uint8_t { server, client };

/// A certificate for a machine or a client; the key is made with it.
struct LeafRequest {
    Profile profile = Profile::server;
    std::string common_name;                  ///< for people; empty: the first name
    crypto::CertificateNames names;           ///< servers need at least one
    seconds lifetime{std::chrono::days{90}};  ///< cut off where the authority's own ends
    seconds backdate{std::chrono::minutes{5}};
};

struct IssuedCertificate {
    std::string chain_pem;  ///< leaf first, without the root
    std::string key_pem;    ///< a secret
    SystemTime not_before;
    SystemTime not_after;
    std::string serial;       ///< lower-case hex
    std::string fingerprint;  ///< SHA-256 of the leaf's DER, lower-case hex
};

/// Signs certificates with a key that it does not give away. Immutable; issue() may be called by several threads.
class Authority {
 public:
    /// @return `internal` "ca.openssl"
    [[nodiscard]] static Result<Authority> create(const RootRequest& request, SystemTime now);

    /// What secret_pem() gave: key and certificate.
    /// @return `corrupt` "ca.unreadable", "ca.key_mismatch" or "ca.not_an_authority"
    [[nodiscard]] static Result<Authority> restore(const crypto::Secret& secret_pem);

    /// Serials are 128 random bits, signatures ECDSA with SHA-256. DNS names are lower case (see host_names.hpp).
    /// @return `invalid_argument` "ca.name_invalid" or "ca.name_missing";
    ///         `unavailable` "ca.expired" when the authority's own time is over; `internal` "ca.openssl"
    [[nodiscard]] Result<IssuedCertificate> issue(const LeafRequest& request, SystemTime now) const;

    [[nodiscard]] const std::string& certificate_pem() const { return certificate_pem_; }
    [[nodiscard]] SystemTime not_after() const;
    [[nodiscard]] std::string fingerprint() const;
    /// Whether our key signed `certificate`; its times are not looked at.
    [[nodiscard]] bool signed_by_us(X509* certificate) const;
    /// Key and certificate in one text, so that no crash can part them. For a crypto::KeyStore and nothing else.
    [[nodiscard]] crypto::Secret secret_pem() const;

 private:
    Authority(crypto::KeyHandle key, crypto::X509Handle certificate);

    crypto::KeyHandle key_;
    crypto::X509Handle certificate_;
    std::string certificate_pem_;
};

}  // namespace gh::pki

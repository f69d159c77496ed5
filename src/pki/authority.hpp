#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/public_key.hpp"
#include "crypto/secret.hpp"
#include "crypto/x509.hpp"
#include "pki/name_constraints.hpp"
#include "pki/profile.hpp"

namespace gh::pki {

using std::chrono::seconds;

inline constexpr seconds backdate{300};  ///< for clients whose clock is behind

/// A certificate authority to be made: self-signed, ECDSA P-256.
struct RootRequest {
    std::string common_name = "Gatehouse root";
    seconds lifetime{std::chrono::days{3650}};
    int path_length_max = 1;  ///< intermediates allowed below (RFC 5280 §4.2.1.9)
};

/// One that issues for a root: path length 0, ECDSA P-256.
struct IntermediateRequest {
    std::string common_name = "Gatehouse issuing CA";
    seconds lifetime{std::chrono::days{1825}};  ///< cut off where the root's own ends
    NameConstraints constraints = {};
    std::string crl_url = {};  ///< where the root's list is; empty: it is not said
};

/// What a leaf says of itself.
struct LeafRequest {
    Profile profile = Profile::server;
    std::string common_name;                         ///< for people; empty: the first name
    crypto::CertificateNames names;                  ///< see check_names()
    std::optional<seconds> lifetime = {};            ///< unset: the profile's
    crypto::KeyKind key = crypto::KeyKind::ec_p256;  ///< of a key that is made with it
};

/// What is kept and shown of a certificate.
struct CertificateFacts {
    std::string serial;         ///< lower-case hex
    std::string issuer_key_id;  ///< of the authority: its subject key id, lower-case hex
    std::string common_name;
    crypto::CertificateNames names;
    Profile profile = Profile::server;
    std::string fingerprint;  ///< SHA-256 of the DER, lower-case hex
    SystemTime not_before;
    SystemTime not_after;
};

struct IssuedCertificate : CertificateFacts {
    std::string chain_pem;  ///< leaf first, without the root
    std::string key_pem;    ///< a secret; empty where the key was made elsewhere
};

/// Where others hear of what was revoked; see Authority::publish_at().
struct Publication {
    std::string crl_url, ocsp_url, issuer_url, root_crl_url;
    /// @param base  "https://ca.example.com"
    [[nodiscard]] static Publication below(std::string base);
};

/// Signs certificates with a key that it does not give away. Its const functions may be called by several threads.
class Authority {
 public:
    /// @return `internal` "ca.openssl"
    [[nodiscard]] static Result<Authority> create(const RootRequest& request, SystemTime now);

    /// What secret_pem() gave: key and certificate.
    /// @return `corrupt` "ca.unreadable", "ca.key_mismatch" or "ca.not_an_authority"
    [[nodiscard]] static Result<Authority> restore(const crypto::Secret& secret_pem);

    /// One below this one.
    /// @param renewed  keeps its key, so that what it signed and will revoke stays its own; null: a new key
    /// @return `unavailable` "ca.expired"; `internal` "ca.openssl"
    [[nodiscard]] Result<Authority> sign_intermediate(const IntermediateRequest& request,
                                                      const Authority* renewed,
                                                      SystemTime now) const;

    /// Makes the key, too. Serials are 128 random bits, signatures ECDSA with SHA-256.
    /// @return the errors of check_names() and check_constraints(); `invalid_argument` "ca.lifetime" beyond the profile's;
    ///         `unavailable` "ca.expired" when the authority's own time is over; `internal` "ca.openssl"
    [[nodiscard]] Result<IssuedCertificate> issue(const LeafRequest& request, SystemTime now) const;
    /// The same for a key that was made elsewhere and proven.
    [[nodiscard]] Result<IssuedCertificate> issue(const LeafRequest& request, EVP_PKEY* key,
                                                  SystemTime now) const;

    /// From now on leaves say where their revocation is published. Before others may issue.
    void publish_at(const Publication& publication);

    [[nodiscard]] const std::string& certificate_pem() const { return certificate_pem_; }
    [[nodiscard]] std::string certificate_der() const;
    /// What follows a leaf of ours in its chain: nothing where we are the root.
    [[nodiscard]] std::string_view chain_pem() const;
    [[nodiscard]] const std::string& key_id() const { return key_id_; }
    [[nodiscard]] SystemTime not_before() const;
    [[nodiscard]] SystemTime not_after() const;
    [[nodiscard]] std::string fingerprint() const;
    /// Whether our key signed `certificate`; its times are not looked at.
    [[nodiscard]] bool signed_by_us(X509* certificate) const;
    /// Key and certificate in one text, so that no crash can part them. For a crypto::KeyStore and nothing else.
    [[nodiscard]] crypto::Secret secret_pem() const;

    /// For what this room signs besides certificates. Theirs who hold them: not to be changed.
    [[nodiscard]] X509* certificate() const { return certificate_.get(); }
    [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
    struct Extensions;

    Authority(crypto::KeyHandle key, crypto::X509Handle certificate);

    crypto::KeyHandle key_;
    crypto::X509Handle certificate_;
    std::string certificate_pem_;
    std::string key_id_;
    std::shared_ptr<Extensions> extensions_;  // of every leaf; made once
};

/// What `certificate` says, as one of `profile`.
[[nodiscard]] CertificateFacts facts_of(const X509* certificate, std::string_view der,
                                        Profile profile);

}  // namespace gh::pki

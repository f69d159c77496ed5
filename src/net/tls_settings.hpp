#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/staple.hpp"
#include "net/ticket_keys.hpp"
#include "net/tls_choices.hpp"

namespace gh::net {

class TlsProofs;

/// A certificate chain and its key.
struct CertificateChain {
    std::string cert_pem;  ///< leaf first, then intermediates
    std::string key_pem;   ///< a secret
    std::string source;    ///< what errors and warnings call it: "a.pem", "internal CA"
    std::shared_ptr<const Staple> staple = {};  ///< null: its clients ask its issuer themselves
};

/// What a listener offers. Everything not said here is fixed: TLS 1.2 with ECDHE and AEAD, TLS 1.3, no compression,
/// no renegotiation, the server's preference, no early data.
struct TlsServerSettings {
    /// At least one. Server names choose (RFC 6066 §3): exact, then wildcard, else the first.
    std::vector<CertificateChain> certificates;
    TlsVersion min_version = TlsVersion::tls_1_2;
    ClientCertificateMode client_certificate = ClientCertificateMode::none;
    /// Whose clients count; each certificate in it is an anchor of its own.
    std::string client_ca_pem;
    std::string client_ca_source;  ///< what errors call it
    bool alpn_h2 = true;
    /// One for all workers and listeners; null: no resumption.
    std::shared_ptr<TicketKeys> ticket_keys;
    /// A session resumes on the listener of this name only, and only while the two client settings stay.
    std::string listener;
    /// What is shown to who asks for the proof of a name (RFC 8737); null: nothing.
    std::shared_ptr<const TlsProofs> proofs;
    std::chrono::seconds session_lifetime{2 * 3600};
};

/// How we speak to an upstream or an issuer. Chain and name are always verified.
struct TlsClientSettings {
    std::string ca_pem;  ///< empty: the system's authorities
    std::string ca_source;
    std::optional<CertificateChain> certificate;  ///< ours, where the peer wants one
    TlsVersion min_version = TlsVersion::tls_1_2;
};

}  // namespace gh::net

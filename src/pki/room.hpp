#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "pki/authority.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/crl.hpp"
#include "pki/revoked.hpp"

namespace gh::pki {

/// What the routes of this room work with. Outlives them.
struct Room {
    CertificateRepository& certificates;
    RevokedCertificates& revoked;
    CrlKeeper& crl;
    std::function<std::shared_ptr<const Authority>()> issuer;  ///< who issues now; from any thread
    std::string root_pem;
    /// The root's list; null: it has none. From any thread.
    std::function<std::shared_ptr<const Crl>()> root_crl = {};
    std::atomic<std::size_t> lookups = 0;  ///< OCSP requests that wait for the database now
};

/// /pki: what anybody may know.
[[nodiscard]] std::vector<api::Route> publication_routes(Room& room);

}  // namespace gh::pki

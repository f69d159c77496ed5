#pragma once

// What the tables of this room's routes under /api/v1 have in common.

#include <string>
#include <vector>

#include "api/reply.hpp"
#include "api/route.hpp"
#include "api/types.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/signing_request.hpp"

namespace gh::pki {

[[nodiscard]] const api::Type<Profile>& profile_type();
/// Host names, addresses, URIs.
[[nodiscard]] const api::Type<std::vector<std::string>>& names_type();
/// A chain, or a request, in PEM.
[[nodiscard]] const api::Type<std::string>& pem_type();
/// "dns:a.example", each by itself.
[[nodiscard]] std::vector<std::string> list_of_names(const crypto::CertificateNames& names);

/// Whom a certificate is issued to that somebody asks for over HTTP: "user:ada".
[[nodiscard]] std::string holder_name(const api::Call& call);

/// How a certificate is to be, as clients write it.
struct WantedLeaf {
    Profile profile = Profile::client;
    std::vector<std::string> names;
    std::optional<std::int64_t> lifetime_seconds;
};
/// @return errors of names_from()
[[nodiscard]] Result<LeafRequest> leaf_of(const WantedLeaf& wanted);

/// What the CA does not sign, as a client reads it: it comes of what the client wrote. Errors that are none of the client's
/// come back as they are.
[[nodiscard]] Result<api::Reply> refused_by_ca(const api::Call& call, Error error);

}  // namespace gh::pki

#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/certificate_repository.hpp"
#include "storage/session.hpp"

namespace gh::pki {

/// A certificate of the inventory with its chain.
/// @return `not_found` "certificate.unknown"
[[nodiscard]] Task<Result<StoredCertificate>> read_certificate(storage::Session& session,
                                                               std::string serial);

/// A certificate into the inventory, within a transaction that has more to do.
[[nodiscard]] Task<Result<StoredCertificate>> put_certificate(storage::Session& session,
                                                              IssuedCertificate issued,
                                                              std::string issued_to,
                                                              SystemTime now);

}  // namespace gh::pki

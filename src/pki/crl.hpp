#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/revoked.hpp"

namespace gh::pki {

inline constexpr std::chrono::hours crl_lifetime{24};
inline constexpr std::chrono::hours crl_renewed_after{6};  ///< also when nothing was revoked

/// A signed list, as it is served. Immutable.
struct Crl {
    std::string der;
    std::string etag;
    SystemTime made_at;
    SystemTime next_update;
    std::uint64_t number = 0;
    std::uint64_t generation = 0;  ///< of the revoked it lists
    std::string issuer;            ///< fingerprint of who signed
};

/// RFC 5280 §5: version 2, with number and key id, valid until `lifetime` after `now`, and from `backdate` before it.
/// @return `internal` "ca.openssl"
[[nodiscard]] Result<std::string> make_crl(const Authority& issuer,
                                           std::vector<RevokedCertificate> revoked,
                                           std::uint64_t number, SystemTime now,
                                           std::chrono::seconds lifetime = crl_lifetime);

/// The next of an issuer. Its number is milliseconds since 1970, so that it grows without a memory, and more than the last
/// one's, so that it grows when the clock is set back.
/// @param number_before  0: there was none
/// @return errors of make_crl()
[[nodiscard]] Result<Crl> next_crl(const Authority& issuer, std::vector<RevokedCertificate> revoked,
                                   std::uint64_t number_before, SystemTime now,
                                   std::chrono::seconds lifetime = crl_lifetime);

/// Of a list, as HTTP has it.
[[nodiscard]] std::string crl_etag(std::string_view der);

/// The list of the moment, and when another is due. One thread keeps it; any may read.
class CrlKeeper {
 public:
    /// Null before the first keep().
    [[nodiscard]] std::shared_ptr<const Crl> current() const;
    /// Makes another where something was revoked since, another certificate issues, or the list has an age.
    /// @return whether it is another; errors of make_crl()
    [[nodiscard]] Result<bool> keep(const Authority& issuer, const RevokedCertificates& revoked,
                                    SystemTime now);

 private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Crl> current_;
};

}  // namespace gh::pki

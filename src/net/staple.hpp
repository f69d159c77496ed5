#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace gh::net {

/// What a certificate's issuer says of it (RFC 6066 §8), for clients that ask: put by whoever keeps it fresh, read by
/// handshakes of any thread.
class Staple {
 public:
    /// @param ocsp_response  DER
    /// @param good_until     it is not shown any more from then on
    void put(std::string ocsp_response, SystemTime good_until);
    void take_away();
    /// Null where there is none that is good.
    [[nodiscard]] std::shared_ptr<const std::string> at(SystemTime now) const;

 private:
    mutable std::mutex mutex_;
    std::shared_ptr<const std::string> response_;
    SystemTime good_until_;
};

}  // namespace gh::net

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::access {

/// What answers http-01 (RFC 8555 §8.3), by token: put by who wants a certificate, read by workers.
class HttpProofs {
 public:
    static constexpr std::string_view path = "/.well-known/acme-challenge/";
    static constexpr std::size_t proofs_max = 1000;

    /// @return `exhausted` "acme.proofs"
    [[nodiscard]] Result<void> put(std::string token, std::string proof);
    void take_away(std::string_view token);
    /// Null: this is no request for a proof that is here, and somebody else's business.
    /// @param target  of the request, as it came
    [[nodiscard]] std::shared_ptr<const std::string> find(std::string_view target) const;

 private:
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const std::string>, std::less<>> proofs_;
};

}  // namespace gh::access

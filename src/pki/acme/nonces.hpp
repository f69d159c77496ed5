#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hmac.hpp"

namespace gh::pki::acme {

/// Nonces against replay (RFC 8555 §6.5): a running number and its HMAC, good once and on this node alone.
///
/// Nothing is kept of one that was given away but a bit that says whether it came back, for the last `window` of them: those
/// before are used, as far as anybody can tell. The key is this process's own, so that none of another node or from before a
/// restart is good. From any thread.
class Nonces {
 public:
    static constexpr std::size_t window = std::size_t{1} << 20;  ///< 128 KiB

    Nonces();

    /// base64url, 32 characters.
    [[nodiscard]] std::string next();
    /// Uses it up. @return false: it is none of ours, too old, or was used
    [[nodiscard]] bool use(std::string_view nonce);

 private:
    [[nodiscard]] std::string text_of(std::uint64_t number) const;

    const crypto::HmacKey key_;
    std::mutex mutex_;
    std::uint64_t next_ = 0;
    std::vector<bool> used_;
};

}  // namespace gh::pki::acme

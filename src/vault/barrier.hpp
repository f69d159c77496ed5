#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"
#include "crypto/xaes.hpp"

namespace gh::vault {

/// Of a data key. Ascending: what is sealed now is sealed with the highest.
using KeyId = std::uint32_t;

/// What a sealed value is, where it lies and which version it is. All three are bound to it: it opens nowhere else.
struct Place {
    std::string_view kind;  ///< "secret"
    std::string_view path;
    std::uint64_t version = 0;
};

/// Between values and where they rest. What seal() makes begins with a version octet (1) and the id of the data key (four
/// octets, big-endian); then come nonce, ciphertext and tag of crypto::Xaes. docs/formats/sealed.md
///
/// Immutable; copies share their keys, and threads may, too.
class Barrier {
 public:
    static constexpr std::size_t header_bytes = 1 + 4;
    static constexpr std::size_t overhead_bytes = header_bytes + crypto::Xaes::overhead_bytes;

    /// One that has this key, too, and seals with it if its id is the highest.
    /// @return `invalid_argument` "xaes.key" when it has not 32 bytes
    [[nodiscard]] Result<Barrier> with(KeyId id, crypto::Secret key) const;

    [[nodiscard]] bool has(KeyId id) const { return keys_.contains(id); }
    [[nodiscard]] bool empty() const { return keys_.empty(); }
    /// What seal() takes. Not for an empty one.
    [[nodiscard]] KeyId newest() const { return keys_.rbegin()->first; }

    /// Not by an empty one: std::logic_error.
    [[nodiscard]] std::string seal(crypto::Bytes value, const Place& place) const;
    /// @return `corrupt` "barrier.format" (nothing that was sealed so), "barrier.open" (changed, moved, of another key);
    ///         `not_found` "barrier.key" (its data key is not here)
    [[nodiscard]] Result<crypto::Secret> open(crypto::Bytes sealed, const Place& place) const;

    /// Which key opens it. @return `corrupt` "barrier.format"
    [[nodiscard]] static Result<KeyId> key_of(crypto::Bytes sealed);

 private:
    std::map<KeyId, std::shared_ptr<const crypto::Xaes>> keys_;
};

}  // namespace gh::vault

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac.hpp"

namespace gh::identity {

inline constexpr std::size_t api_key_bytes_min = 16;
inline constexpr std::size_t api_key_bytes_max = 512;
inline constexpr std::size_t api_key_id_bytes_max = 32;

/// What is kept of an API key: HMAC-SHA-256, under a key of this installation, of the SHA-256 of
/// its text. Worthless to whoever reads it, and made alike of a text and of a digest that stands in
/// a configuration.
using ApiKeyHash = std::array<std::uint8_t, 32>;

class ApiKeyHasher {
 public:
    /// @param key  32 random bytes: of this process when hashes live in memory only, kept with them
    /// where they are stored
    explicit ApiKeyHasher(crypto::Secret key);
    [[nodiscard]] ApiKeyHash of_text(std::string_view text) const {
        return of_digest(crypto::sha256(text));
    }
    [[nodiscard]] ApiKeyHash of_digest(const crypto::Sha256Digest& digest) const;

 private:
    crypto::HmacKey key_;
};

/// A key and whom it stands for.
struct ApiKey {
    ApiKeyHash hash{};
    std::string id;       ///< appears in logs
    std::string subject;  ///< empty: the id
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::optional<SystemTime> expires;
};

/// "gh_<id>_<secret>": 256 random bits in base64url behind an id that finds the key and may be
/// shown.
/// @param id  1 to 32 of a-z, 0-9 and "-"
/// @return    the text, to be shown once, or `invalid_argument` "key.id"
[[nodiscard]] Result<std::string> generate_api_key(std::string_view id);

/// The id of a key in that form; nothing for any other text.
[[nodiscard]] std::optional<std::string_view> api_key_id(std::string_view text);

/// All keys of a configuration. Immutable. Keys of any text are looked up alike: by their keyed
/// hash, which strangers cannot steer, and then compared whole in constant time; the empty text is
/// nobody's key.
class ApiKeyTable {
 public:
    ApiKeyTable() = default;
    /// @return `invalid_argument` "key.duplicate" when two keys are the same
    [[nodiscard]] static Result<ApiKeyTable> make(std::shared_ptr<const ApiKeyHasher> hasher,
                                                  std::vector<ApiKey> keys);

    [[nodiscard]] std::size_t size() const { return count_; }
    /// @return whom the key stands for, or `unauthenticated` with "key.malformed" (empty, too long,
    /// or a broken
    ///         "gh_..." form), "key.unknown" or "key.expired"
    [[nodiscard]] Result<std::shared_ptr<const access::Principal>> find(std::string_view text,
                                                                        SystemTime now) const;

 private:
    struct Entry {
        ApiKeyHash hash;
        std::shared_ptr<const access::Principal> principal;
    };
    std::shared_ptr<const ApiKeyHasher> hasher_;
    std::unordered_map<std::uint64_t, std::vector<Entry>> by_prefix_;
    std::size_t count_ = 0;
};

}  // namespace gh::identity
